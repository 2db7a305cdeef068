"""What an event is for its rule, said in a form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import donation_needs, event_facts, governing_rules
from service.access import Caller
from service.api.given import Pool
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.event_facts import Facts, NewFacts
from service.events import KINDS
from service.i18n import mark
from service.pages.organize import decoded, done_once, own_event, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in

ALL_KINDS: Mapping[str, str] = {
    **{str(key): label for key, label in KINDS.items()},
    "publicity": mark("宣传活动"),
    "other": mark("其他活动"),
}
HOSTS = {
    "government": mark("政府部门、机关"),
    "institution": mark("事业单位"),
    "soe": mark("国有企业"),
    "other": mark("其他单位或个人"),
}
NUMBERS = ("people_on_site", "people_at_sub_venues", "people_online", "visits", "area_m2")
FIELDS = {"number_unreadable": "people_on_site", "rule_place_elsewhere": "rule_place"}


@get("/organize/events/{event_id:uuid}/facts")
async def show_facts(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What is said of the event, to be said anew."""
    return await facts_page(request, event_id, pool, None)


async def facts_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed | None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        governed = await governing_rules.of_event(connection, event, datetime.now(UTC))
        choices = await event_facts.place_choices(event)
    return page(
        request,
        "facts",
        typed=as_typed(governed.facts) if typed is None else typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        governed=governed,
        choices=choices,
        kinds=ALL_KINDS,
        hosts=HOSTS,
        writes=writes,
        id=str(new_id()),
    )


def as_typed(facts: Facts) -> Typed:
    """The facts in force, as the form shows them."""
    said = facts.facts
    numbers = {name: "" if getattr(said, name) is None else str(getattr(said, name)) for name in NUMBERS}
    rest = {"label": facts.label or "", "confirmation": facts.confirmation or "", "rule_place": facts.rule_place}
    return Typed(kind=said.kind, host=said.host, **numbers, **rest)


@post("/organize/events/{event_id:uuid}/facts", status_code=200)
async def say_facts(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Put what the form says in force."""
    typed = await typed_in(request)

    async def say(connection: Connection) -> str:
        event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
        await event_facts.say(connection, request.user, event, facts_in(typed), now)
        await donation_needs.reckon(connection, event_id, now)
        return f"/organize/events/{event_id}/readiness"

    try:
        return see_other(await done_once(request, pool, typed, say))
    except CarbonRefusal as refusal:
        return await facts_page(request, event_id, pool, typed, carbon_refusal(refusal))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await facts_page(request, event_id, pool, typed, refusal)


def facts_in(typed: Typed) -> NewFacts:
    """The facts that the fields tell. Raises Unreadable and CarbonRefusal."""
    numbers = {name: count_from_text(typed[name]) for name in NUMBERS if typed[name].strip()}
    chosen = {name: typed[name] or None for name in ("rule_place", "label", "confirmation")}
    return decoded({"kind": typed["kind"], "host": typed["host"], **numbers, **chosen}, NewFacts)


routes = [show_facts, say_facts]
