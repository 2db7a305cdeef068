"""A citizen's own account: what it shows, all that is kept about them, and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import CacheControlHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Stream

from service import carbon_accounts, erasures, exports
from service.access import Caller
from service.api.given import Config, Departed, Pool
from service.api.problems import WRITES, language_of, refuses
from service.api.requests import Key
from service.carbon_accounts import CarbonAccount
from service.db import transaction
from service.erasures import Erased, NotConfirmed, SoleOrganizer
from service.schedules import CHINA
from service.sessions import SessionEnded

NEVER_KEPT = CacheControlHeader(no_store=True)
ZIP_TYPE = "application/zip"
ZIP_HEADERS = {
    "content-disposition": 'attachment; filename="tanhui-export.zip"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


class Farewell(msgspec.Struct, forbid_unknown_fields=True):
    """The words that confirm it: 删除账户, or delete my account."""

    confirm: Annotated[str, msgspec.Meta(max_length=40)]


@get("/me/account", cache_control=NEVER_KEPT, responses=refuses())
async def read_account(request: Request[Caller, Any, Any], pool: Pool) -> CarbonAccount:
    """The caller's carbon account: what they hold, what waits, months, kinds, days in a row, what donations did."""
    async with pool.acquire() as connection:
        return await carbon_accounts.read(connection, request.user.member, datetime.now(CHINA).date())


@get(
    "/me/export",
    media_type=ZIP_TYPE,
    responses={
        **refuses(SessionEnded),
        200: ResponseSpec(bytes, media_type=ZIP_TYPE, generate_examples=False, description="A ZIP of JSON and CSV"),
    },
)
async def export(request: Request[Caller, Any, Any], pool: Pool, config: Config) -> Stream:
    """All that is kept about the caller (个人信息保护法 art. 45): a JSON file a subject, the statement, the photos."""
    pieces = await exports.stream(pool, config, request.user.member, language_of(request), datetime.now(UTC))
    return Stream(pieces, headers=ZIP_HEADERS, media_type=ZIP_TYPE)


@post("/me/erasure", status_code=200, responses=refuses(*WRITES, NotConfirmed, SoleOrganizer))
async def erase(
    request: Request[Caller, Any, Any], data: JSONBody[Farewell], key: Key, pool: Pool, departed: Departed
) -> Erased:
    """Erase the caller's account (个人信息保护法 art. 47). Again, it answers the same while the token lives.

    Credits still held can no longer be used afterwards. Every session ends, and tokens are refused within a second.
    """
    erasures.confirm(data.confirm, language_of(request))
    async with transaction(pool) as connection:
        erased = await erasures.erase(connection, request.user.member, datetime.now(UTC))
    departed.add(request.user.member)
    return erased


routes = [read_account, export, erase]
