"""A citizen's own account: what they saved and hold, did and gave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get

from service import actions, carbon_accounts, donations, members, retirements
from service.access import Caller
from service.api.given import Pool
from service.pages.my_acts import STATES
from service.pages.rendering import page
from service.schedules import CHINA


@get("/me")
async def show_me(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The account."""
    member = request.user.member
    async with pool.acquire() as connection:
        me = await members.read_me(connection, member)
        account = await carbon_accounts.read(connection, member, datetime.now(CHINA).date())
        done = await actions.of_member(connection, member, limit=5)
        given = await donations.of_member(connection, member, limit=5)
        retired = await retirements.of_account(connection, member, member, limit=5)
    return page(request, "me", me=me, account=account, actions=done, states=STATES, donations=given, retired=retired)


routes = [show_me]
