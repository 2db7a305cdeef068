"""Heads as they were counted, entered by the organizer; who did not answer; modes corrected in bulk."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.labels import CABIN_LABELS
from scenarios.meeting.extrapolation import REFUSED
from scenarios.meeting.mode_corrections import Change
from scenarios.meeting.modes import MODES
from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import head_counts, mode_corrections
from service.access import Caller
from service.api.given import Pool
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.head_counts import NewHeadCount
from service.i18n import mark
from service.mode_corrections import NewModeCorrection, NewWithdrawal
from service.pages.organize import decoded, done_once, done_or_again, own_event, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in

STATES = {
    "estimated": mark("已推算"),
    "complete": mark("人人都答了"),
    "nobody_answered": mark("没有人作答，不能推算，须另行录入"),
    "too_few_answers": mark("作答的太少，不能推算，须另行录入"),
    "fewer_than_answered": mark("点数少于作答的人，请核对"),
    "not_counted": mark("没有点数，不知道还有多少人没有作答"),
}
FIELDS = {
    "number_unreadable": "people",
    "gates_above_all": "people",
    "unknown_mode": "to_mode",
    "factor_not_in_force": "to_mode",
    "distance_absurd": "to_mode",
    "nothing_to_correct": "from_mode",
}
CORRECTION_FIELDS = FIELDS | {"number_unreadable": "check_ins"}


@get("/organize/events/{event_id:uuid}/head-counts")
async def show_head_counts(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """How many came, how many answered, and what is estimated of the others."""
    return await counts_page(request, event_id, pool, Typed())


async def counts_page(
    request: Request[Caller, Any, Any], event_id: UUID, pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        counted = await head_counts.read(connection, event)
    return page(
        request,
        "head_counts",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        writes=writes,
        counted=counted,
        refused=REFUSED,
        names={gate.id: gate.name for gate in event.gates},
        states=STATES,
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/head-counts", status_code=200)
async def enter_head_count(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Put a count in force."""
    typed = await typed_in(request)

    async def enter(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        await head_counts.enter(connection, request.user, event, read_count(typed), datetime.now(UTC))
        return f"/organize/events/{event_id}/head-counts"

    return await done_or_again(request, pool, typed, enter, partial(counts_page, request, event_id, pool))


def read_count(typed: Typed) -> NewHeadCount:
    """The count that the fields tell. Raises Unreadable and CarbonRefusal."""
    values = {"gate_id": gate_in(typed), "people": count_from_text(typed["people"]), "how": typed["how"]}
    return decoded(values, NewHeadCount)


def gate_in(typed: Typed) -> int | None:
    """The gate chosen, None for all of them. Raises NotFound for one that no page offers."""
    if not typed["gate"]:
        return None
    if not typed["gate"].isdecimal():
        raise NotFound
    return int(typed["gate"])


@get("/organize/events/{event_id:uuid}/mode-corrections")
async def show_corrections(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Corrections as entered, and the form for another."""
    return await corrections_page(request, event_id, pool, Typed())


async def corrections_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
    change: Change | None = None,
) -> Response[Any]:
    """The same, with what was typed and what it would change."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        corrections = await mode_corrections.of_event(connection, event_id)
    return page(
        request,
        "mode_corrections",
        typed=typed,
        refusal=refusal,
        fields=CORRECTION_FIELDS,
        event=event,
        writes=writes,
        corrections=corrections,
        change=change,
        modes=[each for each in MODES.values() if each.key != "any"],
        cabins=CABIN_LABELS,
        names={gate.id: gate.name for gate in event.gates},
        days=mode_corrections.days_open(event),
        id=str(new_id()) if refusal or not typed["id"] else typed["id"],
    )


@post("/organize/events/{event_id:uuid}/mode-corrections", status_code=200)
async def correct_modes(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """First say what it would change; then, asked again with `sure`, change it."""
    typed = await typed_in(request)

    async def enter(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        await mode_corrections.enter(connection, request.user, event, read_correction(typed), datetime.now(UTC))
        return f"/organize/events/{event_id}/mode-corrections"

    again = partial(corrections_page, request, event_id, pool)
    if typed["sure"]:
        return await done_or_again(request, pool, typed, enter, again)
    try:
        new = read_correction(typed)
        async with pool.acquire() as connection:
            change = await mode_corrections.preview(
                connection, await own_event(connection, request.user, event_id), new
            )
        return await again(typed, change=change)
    except CarbonRefusal as refusal:
        return await again(typed, carbon_refusal(refusal))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await again(typed, refusal)


def read_correction(typed: Typed) -> NewModeCorrection:
    """The correction that the fields tell. Raises Unreadable and CarbonRefusal."""
    values = {
        **{field: typed[field] for field in ("from_mode", "to_mode", "reason")},
        "gate_id": gate_in(typed),
        "check_ins": count_from_text(typed["check_ins"]) if typed["check_ins"] else None,
        "occupants": count_from_text(typed["occupants"]) if typed["occupants"] else None,
        "cabin": typed["cabin"] or None,
        "day": typed["day"] or None,
    }
    return decoded(values, NewModeCorrection)


@post("/organize/events/{event_id:uuid}/mode-corrections/{correction_id:uuid}/withdraw", status_code=200)
async def withdraw_correction(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], correction_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Take a correction back."""
    typed = await typed_in(request)

    async def withdraw(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        why = decoded({"reason": typed["withdrawn_because"]}, NewWithdrawal).reason
        await mode_corrections.withdraw(connection, request.user, event_id, correction_id, why, datetime.now(UTC))
        return f"/organize/events/{event_id}/mode-corrections"

    try:
        return see_other(await done_once(request, pool, typed, withdraw))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await corrections_page(request, event_id, pool, Typed(), refusal)


routes = [show_head_counts, enter_head_count, show_corrections, correct_modes, withdraw_correction]
