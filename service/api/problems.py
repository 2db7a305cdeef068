"""Refusals on the wire: problem documents (RFC 9457), and their part of the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from traceback import walk_tb
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.serialization import decode_json

from service.errors import BadInput, Conflict, NotAllowed, NotFound, NotReady, NotSignedIn, Refusal, TooMany
from service.i18n import Language, preferred
from service.ledger_refusals import refusal_of

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class Texts(msgspec.Struct):
    """The same message in each language."""

    zh: str
    en: str


class Problem(msgspec.Struct, kw_only=True):
    """A refusal: `code` is stable and for programs, `detail` is for people. Nothing of the request was done.

    Where a place's rule says so, `clause` and `document` name it.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    texts: Texts
    retry_after_s: int | msgspec.UnsetType = msgspec.UNSET
    values: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    clause: str | msgspec.UnsetType = msgspec.UNSET
    document: str | msgspec.UnsetType = msgspec.UNSET


class MethodNotAllowed(Refusal):
    """这个地址不接受这种请求。"""

    status = 405
    code = "method_not_allowed"


class TooLarge(Refusal):
    """内容太大。"""

    status = 413
    code = "too_large"


class WrongMediaType(Refusal):
    """请求内容的格式不是这里接受的格式。"""

    status = 415
    code = "wrong_media_type"


def language_of(request: Request[Any, Any, Any]) -> Language:
    """The language chosen by cookie, else by the browser's preference."""
    return preferred(request.headers.get("accept-language"), request.cookies.get("tanhui_language"))


def problem_response(request: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    """The refusal as a problem document, with `Retry-After` where waiting helps."""
    headers: dict[str, str] = {"content-language": language_of(request)}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(refusal.document(language_of(request))),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def as_refusal(error: Exception) -> Refusal:
    """What the framework or the database raised, as one of ours. Raises what is a fault of our own."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, AWAY) or (isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error)):
        log.warning("the database does not answer: %r", error)
        return NotReady()
    if refusal := refusal_of(error):
        log.warning("refused by the ledger's own constraints: %r", error)
        return refusal
    if isinstance(error, ValidationException):
        return BadInput(reason=reason_of(error))
    if isinstance(error, UnicodeDecodeError | RecursionError) and from_decoder(error):
        return BadInput(reason=str(error))
    if isinstance(error, InternalServerException) and error.detail == "client disconnected prematurely":
        return BadInput(reason=error.detail)  # which nobody is there to read
    if isinstance(error, TooManyRequestsException):
        return TooMany(60)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return BY_STATUS.get(error.status_code, BadInput)(
            **({"reason": error.detail} if error.status_code == 400 else {})
        )
    raise error


def from_decoder(error: Exception) -> bool:
    """Whether a body raised it, not we: the framework lets broken UTF-8 and endless nesting through."""
    return any(frame.f_globals.get("__name__") == decode_json.__module__ for frame, _ in walk_tb(error.__traceback__))


def reason_of(error: ValidationException) -> str:
    """Which field is wrong, and how, as the decoder says it."""
    details = error.extra if isinstance(error.extra, list) else []
    parts = [f"{each.get('key', '')}: {each.get('message', '')}" for each in details if isinstance(each, dict)]
    return "; ".join(parts) or str(error.detail)


AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What is raised when the database is gone, going, full or undid a transaction: another try may go well."""
BY_STATUS: dict[int, type[Refusal]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: WrongMediaType,
}

COMMON: tuple[type[Refusal], ...] = (BadInput, NotSignedIn, NotAllowed, NotFound, NotReady)
"""What every route may answer: its input unreadable, its caller unknown, nothing there, the database away."""


def refuses(*refusals: type[Refusal]) -> Mapping[int, ResponseSpec]:
    """The `responses` of a route that may refuse so, for the OpenAPI document."""
    by_status: dict[int, list[type[Refusal]]] = {}
    for each in dict.fromkeys((*COMMON, *refusals)):
        by_status.setdefault(each.status, []).append(each)
    return {
        status: ResponseSpec(
            data_container=Problem,
            generate_examples=False,
            media_type=MEDIA_TYPE,
            description="; ".join(f"`{each.code}`: {each.template()}" for each in kinds),
        )
        for status, kinds in sorted(by_status.items())
    }


WRITES: tuple[type[Refusal], ...] = (Conflict, TooLarge, TooMany)
"""What a route that changes something may answer besides."""
