"""The stylesheet and the script: few, ours, named by their content, so that a browser keeps them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from service.errors import NotFound

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


@cache
def contents() -> dict[str, bytes]:
    """Every file by the name it is served under: `style.0a1b2c3d.css`."""
    files = {path: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
    return {
        f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}": content
        for path, content in files.items()
    }


@cache
def asset_url(name: str) -> str:
    """Where a file is served now."""
    stem, suffix = name.split(".")
    return next(f"/assets/{served}" for served in contents() if served.split(".")[::2] == [stem, suffix])


@get("/assets/{name:str}", sync_to_thread=False)
def asset(name: FromPath[str]) -> Response[bytes]:
    """A file of ours."""
    content = contents().get(name)
    if content is None:
        raise NotFound
    return Response(content, media_type=MEDIA_TYPES[Path(name).suffix], headers=FOR_GOOD)
