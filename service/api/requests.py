"""What JSON routes share: who calls, the Idempotency-Key, and answering a repeat as before."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar, cast

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.params import HeaderParameter

from service.access import Caller
from service.api.problems import MEDIA_TYPE, language_of
from service.db import Connection
from service.errors import Refusal
from service.idempotency import Answer, digest, once

Result = TypeVar("Result")
Key = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Made by the caller, kept until an answer has come: the same key again gets the same answer.",
    ),
]


def name_of(caller: Caller) -> str:
    """Under whose name keys are kept: two members' keys never meet."""
    return f"member:{caller.member_id}" if caller.member_id else "anonymous"


async def answer_once(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    key: str,
    data: Any,
    work: Callable[[Connection], Awaitable[Result]],
    status: int = 201,
) -> Response[Result]:
    """Do `work` in a transaction and answer with its result as JSON, once a key; a repeat gets the same bytes.

    The response is typed by what its JSON is made of, which is how the OpenAPI document knows it.
    """

    async def do(connection: Connection) -> Answer:
        return Answer(status, msgspec.json.encode(await work(connection)), "application/json")

    def refused(refusal: Refusal) -> Answer:
        return Answer(refusal.status, msgspec.json.encode(refusal.document(language_of(request))), MEDIA_TYPE)

    content = digest(request.method, request.url.path, data)
    secret = hmac.digest(request.app.state.config.key("request"), content, hashlib.sha256)  # it may hold a phone number
    answer = await once(pool, name_of(request.user), key, secret, do, refused)
    return Response(cast("Result", answer.body), status_code=answer.status, media_type=answer.media_type)
