"""What JSON routes share: who calls, the Idempotency-Key, and answering a repeat as before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.params import Parameter

from service.access import Caller
from service.api.problems import MEDIA_TYPE, language_of
from service.db import Connection
from service.errors import Refusal
from service.idempotency import Answer, digest, once

Key = Annotated[
    str,
    Parameter(
        header="Idempotency-Key",
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
    work: Callable[[Connection], Awaitable[Any]],
    status: int = 201,
) -> Response[bytes]:
    """Do `work` and answer with its result as JSON, once a key; a repeat gets the same bytes."""

    async def do(connection: Connection) -> Answer:
        return Answer(status, msgspec.json.encode(await work(connection)), "application/json")

    def refused(refusal: Refusal) -> Answer:
        return Answer(refusal.status, msgspec.json.encode(refusal.document(language_of(request))), MEDIA_TYPE)

    content = digest(request.method, request.url.path, data)
    answer = await once(pool, name_of(request.user), key, content, do, refused)
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)
