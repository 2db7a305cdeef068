"""The first page, and the language of all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from service.access import Caller
from service.api.given import Config
from service.errors import NotFound
from service.i18n import LANGUAGES
from service.pages.rendering import own_cookie, page, see_other

LANGUAGE = "tanhui_language"
LANGUAGE_LIFE_S = 365 * 24 * 3600


@get("/")
async def home(request: Request[Caller, Any, Any]) -> Response[Any]:
    """What this is, and where to go from here."""
    return page(request, "home")


@get("/language/{language:str}")
async def choose_language(language: FromPath[str], config: Config, to: FromQuery[str] = "/") -> Response[Any]:
    """Read on in that language, and keep to it."""
    if language not in LANGUAGES:
        raise NotFound
    cookie = own_cookie(LANGUAGE, value=language, max_age=LANGUAGE_LIFE_S, secure=config.secure)
    return see_other(safe_path(to), [cookie])


def safe_path(to: str) -> str:
    """A path on this site; the first page for anything that might lead elsewhere."""
    parts = urlsplit(to)
    plain = to.isprintable() and "\\" not in to and to.startswith("/") and not to.startswith("//")
    return to if plain and not parts.scheme and not parts.netloc else "/"


routes = [home, choose_language]
