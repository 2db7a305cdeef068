"""What is kept about people, said in full; and for each citizen all of it, and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream

from service import balances, erasures, exports, personal_data
from service.access import Caller
from service.api.callers import COOKIE
from service.api.given import Config, Departed, Pool
from service.api.me import ZIP_HEADERS, ZIP_TYPE
from service.api.problems import language_of
from service.db import transaction
from service.errors import NotSignedIn, Refusal
from service.pages.rendering import Typed, page, typed_in

FIELDS = {"not_confirmed": "confirm"}


@get("/privacy")
async def show_privacy(request: Request[Caller, Any, Any]) -> Response[Any]:
    """Each kind of data: what, why, for how long, and what is left of it at an erasure."""
    return page(request, "privacy", kept=personal_data.EVERYTHING, statute=personal_data.STATUTE)


@get("/me/export")
async def export(request: Request[Caller, Any, Any], pool: Pool, config: Config) -> Stream:
    """All of it, as a file."""
    pieces = await exports.stream(pool, config, request.user.member, language_of(request), datetime.now(UTC))
    return Stream(pieces, headers=ZIP_HEADERS, media_type=ZIP_TYPE)


@get("/me/erasure")
async def ask_erasure(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """What goes and what stays, and the word that confirms it."""
    return await erasure_page(request, pool)


async def erasure_page(
    request: Request[Caller, Any, Any], pool: Pool, typed: Typed | None = None, refusal: Refusal | None = None
) -> Response[Any]:
    """The question, with what was typed and what is in the way."""
    async with pool.acquire() as connection:
        balance = await balances.read(connection, request.user.member)
    return page(
        request,
        "erasure",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        balance=balance,
        kept=personal_data.EVERYTHING,
        word=erasures.WORDS[language_of(request)],
    )


@post("/me/erasure", status_code=200)
async def erase(request: Request[Caller, Any, Any], pool: Pool, departed: Departed) -> Response[Any]:
    """Erase the account; this browser is signed out with every other."""
    typed, member = await typed_in(request), request.user.member
    try:
        erasures.confirm(typed["confirm"], language_of(request))
        async with transaction(pool) as connection:
            await erasures.erase(connection, member, datetime.now(UTC))
    except NotSignedIn:
        raise
    except Refusal as refusal:
        return await erasure_page(request, pool, typed, refusal)
    departed.add(member)
    request.scope["user"] = Caller(None, frozenset())
    response = page(request, "erased")
    response.delete_cookie(COOKIE)
    return response


routes = [show_privacy, export, ask_erasure, erase]
