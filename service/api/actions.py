"""Citizens log low-carbon actions and see what they logged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from service import action_deciding, actions, devices
from service.access import Caller
from service.action_rows import Action, ActionRequest
from service.api.check_ins import Device, uuid_of
from service.api.given import Pool, means_of
from service.api.problems import WRITES, refuses
from service.api.requests import Key
from service.carbon import CLASSES
from service.config import Config
from service.idempotency import digest
from service.ledger_refusals import AccountClosed
from service.schedules import CHINA

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NewAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act of a region's methodology: `quantity` in its base unit (metres, Wh, or times).

    Its methodology says what tells when: the date only, also `started_at`, or `ended_at` as well. `photos` are the
    digests of photos that were uploaded.
    """

    region: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)]
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    occurred_on: date
    started_at: Moment | None = None
    ended_at: Moment | None = None
    photos: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=3)] = ()


@post(
    "/actions",
    responses=refuses(
        *WRITES,
        action_deciding.InTheFuture,
        action_deciding.TooOld,
        action_deciding.TimeMissing,
        action_deciding.TimesUnsound,
        action_deciding.CountedAlready,
        action_deciding.PhotoUnusable,
        AccountClosed,
        *CLASSES.values(),
    ),
)
async def log_action(
    request: Request[Caller, Any, Any], data: JSONBody[NewAction], key: Key, device: Device = None
) -> Action:
    """Log an act and earn what the region's methodology says, once an Idempotency-Key (a UUID)."""
    hot = means_of(request)
    logged = await hot.committers.actions.submit(
        action_request(uuid_of(key), request.user.member, data, device_of(hot.config, device))
    )
    return msgspec.structs.replace(logged, duplicate=False)


def device_of(config: Config, token: str | None) -> bytes | None:
    """What is kept of the device that an act is logged with."""
    return devices.device_digest(config, token) if token else None


def action_request(action_id: UUID, member_id: UUID, said: NewAction, device: bytes | None) -> ActionRequest:
    """What a member says they did, as it is decided."""
    return ActionRequest(
        id=action_id,
        member_id=member_id,
        region=said.region,
        action=said.action,
        quantity=said.quantity,
        occurred_on=said.occurred_on,
        request_digest=digest(said),
        today=datetime.now(UTC).astimezone(CHINA).date(),
        started_at=said.started_at,
        ended_at=said.ended_at,
        photos=tuple(sorted({bytes.fromhex(photo) for photo in said.photos})),
        device=device,
    )


@get("/actions", responses=refuses())
async def my_actions(request: Request[Caller, Any, Any], pool: Pool) -> list[Action]:
    """The caller's actions, the newest first."""
    async with pool.acquire() as connection:
        return await actions.of_member(connection, request.user.member)


@get("/actions/{action_id:uuid}", responses=refuses())
async def read_action(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Action:
    """One of the caller's actions: what became of it, with the trace of what it earned."""
    async with pool.acquire() as connection:
        return await actions.find_own(connection, request.user.member, action_id)


routes = [log_action, my_actions, read_action]
