"""What a citizen holds that will expire."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from service import expiry
from service.access import Caller
from service.api.given import Pool
from service.api.problems import refuses
from service.expiry import Expiring


@get("/me/expiries", responses=refuses())
async def my_expiries(request: Request[Caller, Any, Any], pool: Pool) -> list[Expiring]:
    """What of the caller's holdings expires when and by which rule, the earliest first; empty where nothing does."""
    async with pool.acquire() as connection:
        return await expiry.of_member(connection, request.user.member)


routes = [my_expiries]
