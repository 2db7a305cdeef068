"""Modes that the organizer corrects in bulk: for the accounting alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from scenarios.meeting.mode_corrections import Change
from scenarios.refusals import CabinAbsurd, DistanceAbsurd, FactorNotInForce, UnknownMode
from service import events, mode_corrections
from service.access import READERS, Caller, Role
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import Connection, transaction
from service.errors import BadInput, Refusal
from service.mode_corrections import (
    CorrectionWithdrawn,
    EnteredCorrection,
    NewModeCorrection,
    NewWithdrawal,
    NothingToCorrect,
)
from service.organizations import require

REFUSED: tuple[type[Refusal], ...] = (
    NothingToCorrect,
    *(CLASSES[each] for each in (UnknownMode, CabinAbsurd, DistanceAbsurd, FactorNotInForce)),
)


@post("/events/{event_id:uuid}/mode-corrections/preview", status_code=200, responses=refuses(BadInput, *REFUSED))
async def preview_correction(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewModeCorrection], pool: Pool
) -> Change:
    """How many check-ins would count otherwise, and the grams of all before and after. Nothing is kept."""
    async with transaction(pool) as connection:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await mode_corrections.preview(connection, event, data)


@post("/events/{event_id:uuid}/mode-corrections", status_code=201, responses=refuses(*WRITES, *REFUSED))
async def enter_correction(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewModeCorrection],
    key: Key,
    pool: Pool,
) -> Response[EnteredCorrection]:
    """Let check-ins by one mode count as another. Check-ins and balances stay as they are."""
    now = datetime.now(UTC)

    async def enter(connection: Connection) -> EnteredCorrection:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await mode_corrections.enter(connection, request.user, event, data, now)

    return await answer_once(request, pool, key, data, enter)


@get("/events/{event_id:uuid}/mode-corrections", responses=refuses())
async def list_corrections(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool
) -> list[EnteredCorrection]:
    """Every correction in the order in which they apply, withdrawn ones too."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await mode_corrections.of_event(connection, event_id)


@post(
    "/events/{event_id:uuid}/mode-corrections/{correction_id:uuid}/withdrawal",
    status_code=201,
    responses=refuses(*WRITES, CorrectionWithdrawn),
)
async def withdraw_correction(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    correction_id: FromPath[UUID],
    data: JSONBody[NewWithdrawal],
    key: Key,
    pool: Pool,
) -> Response[EnteredCorrection]:
    """Take a correction back. It stays in the list, with who took it back and why."""
    now = datetime.now(UTC)

    async def withdraw(connection: Connection) -> EnteredCorrection:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await mode_corrections.withdraw(connection, request.user, event_id, correction_id, data.reason, now)

    return await answer_once(request, pool, key, data, withdraw)


routes = [preview_correction, enter_correction, list_corrections, withdraw_correction]
