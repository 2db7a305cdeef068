"""Citizens hand in photos and screenshots as evidence; they and their reviewers look at them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import PathParameter

from service import evidence, photos
from service.access import Caller
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.errors import BadInput, NotFound
from service.evidence import Uploaded

BINARY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
PICTURES = dict.fromkeys(photos.MEDIA_TYPES.values(), OpenAPIMediaType(schema=BINARY))
IN_A_FORM = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"photo": BINARY}, required=["photo"]))
BODY_BYTES = photos.LARGEST_BYTES + 2**16
"""With room for a form's own lines; what is larger is not read."""
Digest = Annotated[str, PathParameter(description="SHA-256, hexadecimal.", pattern=r"^[0-9a-f]{64}$(?!\n)")]
HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-store",
    "vary": "Cookie, Authorization",
}
"""On every photo: it is a picture and nothing else, for who asked, and kept nowhere."""


@dataclass
class Upload(Operation):
    """A route that takes a photo, bare or in a form."""

    def __post_init__(self) -> None:
        content = {**PICTURES, RequestEncodingType.MULTI_PART.value: IN_A_FORM}
        self.request_body = RequestBody(content=content, required=True)


@dataclass
class Picture(Operation):
    """A route that answers with a photo."""

    def __post_init__(self) -> None:
        assert self.responses is not None
        self.responses["200"] = OpenAPIResponse(description="The photo", content=PICTURES)


@post(
    "/evidence",
    status_code=201,
    operation_class=Upload,
    request_max_body_size=BODY_BYTES,
    responses=refuses(
        *WRITES,
        photos.PhotoTooLarge,
        photos.NotAPhoto,
        photos.PhotoBroken,
        photos.PhotoAnimated,
        photos.TooManyPixels,
        evidence.TooManyUploads,
    ),
)
async def upload(request: Request[Caller, Any, Any], key: Key, pool: Pool) -> Response[Uploaded]:
    """Hand in a photo: the body itself, or the file of a form. Name its digest in the act that it shows, within a day.

    It is kept without what told place and device, and smaller: the digest is that of what is kept.
    """
    content = await photo_in(request)
    photo, member, now = await photos.clean(content), request.user.member, datetime.now(UTC)
    sent = hashlib.sha256(content).hexdigest()
    return await answer_once(request, pool, key, sent, lambda c: evidence.keep(c, member, photo, now))


async def photo_in(request: Request[Any, Any, Any]) -> bytes:
    """The bytes that were sent: the body, or the one file of a form. Raises BadInput."""
    if request.content_type[0] != RequestEncodingType.MULTI_PART:
        return await request.body()
    try:
        form = await request.form()
    except (LookupError, ValueError) as unreadable:  # which the framework lets through
        raise BadInput(reason=str(unreadable)) from None
    files = [each for _, each in form.multi_items() if isinstance(each, UploadFile)]
    if len(files) != 1:
        raise BadInput(reason="one file is expected")
    return await files[0].read()


def read_digest(text: str) -> bytes:
    """A digest as addresses spell it. Raises NotFound for what is none."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        raise NotFound from None
    if len(digest) != hashlib.sha256().digest_size or digest.hex() != text:
        raise NotFound
    return digest


async def shown(request: Request[Caller, Any, Any], pool: Pool, digest: str) -> Response[bytes]:
    """A photo that the caller may see. Raises NotFound."""
    async with pool.acquire() as connection:
        photo = await evidence.find(connection, request.user.member, read_digest(digest))
    return Response(photo.content, media_type=photo.media_type, headers=HEADERS)


@get("/evidence/{digest:str}", operation_class=Picture, responses=refuses())
async def show(request: Request[Caller, Any, Any], digest: Digest, pool: Pool) -> Response[bytes]:
    """A photo: for who handed it in, and for who reviews or reviewed the act that it belongs to."""
    return await shown(request, pool, digest)


routes = [upload, show]
