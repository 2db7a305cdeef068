"""Citizens log low-carbon actions and see what they logged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody

from service import actions
from service.access import Caller
from service.actions import Action, ActionRequest
from service.api.check_ins import uuid_of
from service.api.given import Pool, means_of
from service.api.problems import WRITES, refuses
from service.api.requests import Key
from service.carbon import CLASSES
from service.idempotency import digest
from service.schedules import CHINA


class NewAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act of a region's methodology: `quantity` in its base unit (metres, Wh, or times)."""

    region: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)]
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    occurred_on: date


@post("/actions", responses=refuses(*WRITES, actions.InTheFuture, actions.TooOld, *CLASSES.values()))
async def log_action(request: Request[Caller, Any, Any], data: JSONBody[NewAction], key: Key) -> Action:
    """Log an act and earn what the region's methodology says, once an Idempotency-Key (a UUID)."""
    return await means_of(request).committers.actions.submit(
        ActionRequest(
            id=uuid_of(key),
            member_id=request.user.member,
            region=data.region,
            action=data.action,
            quantity=data.quantity,
            occurred_on=data.occurred_on,
            request_digest=digest(data),
            today=datetime.now(UTC).astimezone(CHINA).date(),
        )
    )


@get("/actions", responses=refuses())
async def my_actions(request: Request[Caller, Any, Any], pool: Pool) -> list[Action]:
    """The caller's actions, the newest first."""
    async with pool.acquire() as connection:
        return await actions.of_member(connection, request.user.member)


routes = [log_action, my_actions]
