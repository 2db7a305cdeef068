"""What offsets an event, in pages: what is needed, held and retired, in the rule's order; and units to enter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.meeting.offset_classes import CLASS_LABELS, admitted_classes
from scenarios.meeting.rule_terms import RulePack
from scenarios.policies.registries import registries
from service import event_marks, fill_plans, governing_rules, offset_state, offset_units, units
from service.access import Caller
from service.api.event_files import BODY_BYTES
from service.api.event_files import REFUSED as REFUSED_FILES
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import NotFound, Refusal
from service.event_marks import NewMark
from service.events import Event
from service.i18n import mark
from service.offset_units import NewRetirement, NewUnits
from service.pages.event_files import keep_sent
from service.pages.organize import decoded, done_or_again, own_event, read_date, seen_event
from service.pages.rendering import Typed, page, typed_in
from service.units import STATE_WORDS, Units

FIELDS = {
    **{each.code: "file" for each in REFUSED_FILES},
    "vintage_ahead": "vintage",
    "project_place_unknown": "project_place",
    "registry_unknown": "registry",
    "registry_not_of_class": "registry",
    "unit_serials_unreadable": "serials",
    "serials_too_many": "serials",
    "serials_used": "serials",
    "own_place": "project_place",
    "china": "project_place",
    "recognized": "recognition",
    "class_not_admitted": "unit",
    "order_left": "note",
}
WORDS = {"抵消": mark("抵消"), "抵销": mark("抵销")}
UNITS = {unit: label for unit, label in CLASS_LABELS.items() if unit != "citizen_credits"}


@get("/organize/events/{event_id:uuid}/offsets")
async def show_offsets(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Where the event stands, and what covers its need."""
    return await offsets_page(request, event_id, pool, Typed())


async def offsets_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what is wrong with a form."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        now = datetime.now(UTC)
        state = await offset_state.of_event(connection, event_id, now)
        plan = await fill_plans.of_event(connection, event_id, now)
        blocks = await units.of_event(connection, event_id)
    return page(
        request,
        "offsets",
        typed=typed,
        refusal=refusal,
        fields={},
        event=event,
        state=state,
        plan=plan,
        blocks=blocks,
        word=WORDS[plan.rule.word if plan.rule else "抵消"],
        names=CLASS_LABELS,
        states=STATE_WORDS,
        writes=writes,
        id=str(new_id()),
    )


@get("/organize/events/{event_id:uuid}/offsets/new")
async def ask_units(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Which units one has."""
    return await entering_page(request, event_id, pool, Typed())


async def entering_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form to enter units."""
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
        rule = (await governing_rules.of_event(connection, event, datetime.now(UTC))).rule
    return units_form(request, event, rule, typed, refusal)


def units_form(
    request: Request[Caller, Any, Any],
    event: Event,
    rule: RulePack | None,
    typed: Typed,
    refusal: Refusal | None,
    **more: Any,
) -> Response[Any]:
    """The form of one's own units, or of those that one offers: of classes that the rule lists."""
    listed = UNITS if rule is None else {each: UNITS[each] for each in admitted_classes(rule) if each in UNITS}
    return page(
        request,
        "units_form",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        kinds=listed,
        registries=[each for each in registries().registries if not listed.keys().isdisjoint(each.classes)],
        word=WORDS[rule.word if rule else "抵消"],
        id=str(new_id()),
        **more,
    )


@post("/organize/events/{event_id:uuid}/offsets/new", status_code=200, request_max_body_size=BODY_BYTES)
async def enter_units(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Enter units, with a proof if one is sent."""
    typed = await typed_in(request)

    async def enter(connection: Connection) -> str:
        event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
        kept = await keep_sent(request, connection, event, "file", "proof", now)
        values = unit_values(typed) | {"donated": typed["donated"] == "yes", "file_id": kept and kept.id}
        made = await offset_units.enter(connection, request.user, event_id, decoded(values, NewUnits), now)
        return f"/organize/events/{event_id}/offsets#{made.id}"

    return await done_or_again(request, pool, typed, enter, partial(entering_page, request, event_id, pool))


def unit_values(typed: Typed) -> dict[str, Any]:
    """What the fields say of units, for the struct that the domain takes."""
    words = ("unit", "registry", "project", "project_place", "serials")
    return {
        **{name: typed[name].strip() for name in words},
        "vintage": int(typed["vintage"]) if typed["vintage"].isdecimal() else typed["vintage"],
        "recognition": typed["recognition"].strip() or None,
    }


@post("/organize/events/{event_id:uuid}/offsets/order", status_code=200)
async def say_order(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Note why the recommended order is left."""
    typed = await typed_in(request)

    async def say(connection: Connection) -> str:
        event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        new = decoded({"key": "order", "note": typed["note"].strip()}, NewMark)
        await event_marks.say(connection, request.user, event, rule, new, now)
        return f"/organize/events/{event_id}/offsets"

    return await done_or_again(request, pool, typed, say, partial(offsets_page, request, event_id, pool))


@post(
    "/organize/events/{event_id:uuid}/offsets/{units_id:uuid}/{act:str}",
    status_code=200,
    request_max_body_size=BODY_BYTES,
)
async def decide(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    units_id: FromPath[UUID],
    act: FromPath[str],
    pool: Pool,
) -> Response[Any]:
    """Accept, decline, return or retire units."""
    typed = await typed_in(request)
    do = ACTS.get(act)
    if do is None:
        raise NotFound

    async def work(connection: Connection) -> str:
        await do(connection, request, event_id, units_id, typed)
        return f"/organize/events/{event_id}/offsets#{units_id}"

    return await done_or_again(request, pool, typed, work, partial(offsets_page, request, event_id, pool))


Doing = Callable[[Connection, Request[Caller, Any, Any], UUID, UUID, Typed], Awaitable[Units]]


async def accept(
    connection: Connection, request: Request[Caller, Any, Any], event_id: UUID, units_id: UUID, _: Typed
) -> Units:
    """Take what was offered."""
    return await offset_units.accept(connection, request.user, event_id, units_id, datetime.now(UTC))


async def decline(
    connection: Connection, request: Request[Caller, Any, Any], event_id: UUID, units_id: UUID, typed: Typed
) -> Units:
    """Do not take it."""
    because = typed["because"].strip() or None
    return await offset_units.decline(connection, request.user, event_id, units_id, because, datetime.now(UTC))


async def give_back(
    connection: Connection, request: Request[Caller, Any, Any], event_id: UUID, units_id: UUID, typed: Typed
) -> Units:
    """Return what is held."""
    because = typed["because"].strip() or None
    return await offset_units.give_back(connection, request.user, event_id, units_id, because, datetime.now(UTC))


async def retire(
    connection: Connection, request: Request[Caller, Any, Any], event_id: UUID, units_id: UUID, typed: Typed
) -> Units:
    """Note that it was retired, with a proof if one is sent."""
    event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
    kept = await keep_sent(request, connection, event, "file", "proof", now)
    values = {
        "retired_on": read_date(typed["retired_on"]),
        "reference": typed["reference"].strip(),
        "file_id": kept and kept.id,
    }
    new = decoded(values, NewRetirement)
    return await offset_units.retire(connection, request.user, event_id, units_id, new, now)


ACTS: dict[str, Doing] = {"accept": accept, "decline": decline, "return": give_back, "retire": retire}

routes = [show_offsets, ask_units, enter_units, say_order, decide]
