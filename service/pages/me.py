"""A citizen's own account: what they hold, did and gave."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from service import actions, balances, donations, members, retirements
from service.access import Caller
from service.api.given import Pool
from service.pages.rendering import page


@get("/me")
async def show_me(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The account."""
    member = request.user.member
    async with pool.acquire() as connection:
        me = await members.read_me(connection, member)
        balance = await balances.read(connection, member)
        done = await actions.of_member(connection, member, limit=20)
        given = await donations.of_member(connection, member, limit=20)
        retired = await retirements.of_account(connection, member, member, limit=20)
    return page(request, "me", me=me, balance=balance, actions=done, donations=given, retired=retired)


routes = [show_me]
