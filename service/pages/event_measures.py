"""Reduction measures in a page: the catalogue in the text's words by stage, and what was done of it with proof."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from service import event_files, event_measures, governing_rules
from service.access import Caller
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.event_measures import NewMeasure, next_own
from service.events import day_of
from service.i18n import mark
from service.import_columns import STAGES
from service.pages.organize import decoded, done_once, own_event, read_date, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in

STATES = {"planned": mark("打算做"), "done": mark("已做"), "dropped": mark("不做了")}
FIELDS = {
    "measure_unsaid": "what",
    "measure_undated": "done_on",
    "not_yet_done": "done_on",
    "date_unreadable": "done_on",
    "file_not_of_event": "file_id",
}


@get("/organize/events/{event_id:uuid}/measures")
async def show_measures(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The catalogue and what was taken of it."""
    return await measures_page(request, event_id, pool, Typed())


async def measures_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed of one measure."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        rule = (await governing_rules.of_event(connection, event, datetime.now(UTC))).rule
        found = await event_measures.read(connection, event_id, rule)
        files = await event_files.of_event(connection, event_id)
    listed = {each.key for each in found.catalogue}
    return page(
        request,
        "measures",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        rule=rule,
        found=found,
        taken={each.key: each for each in found.taken},
        own=[each for each in found.taken if each.key not in listed],
        next_own=next_own(found.taken),
        files=files,
        stages=STAGES,
        states=STATES,
        today=day_of(event, datetime.now(UTC)).isoformat(),
        writes=writes,
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/measures", status_code=200)
async def say_measure(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Put what the form says of a measure in force."""
    typed = await typed_in(request)

    async def say(connection: Connection) -> str:
        event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        made = await event_measures.say(connection, request.user, event, rule, measure_in(typed), now)
        return f"/organize/events/{event_id}/measures#{made.key}"

    try:
        return see_other(await done_once(request, pool, typed, say))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await measures_page(request, event_id, pool, typed, refusal)


def measure_in(typed: Typed) -> NewMeasure:
    """The measure that the fields tell: only one that was done has a day. Raises Unreadable, DateUnreadable."""
    done = typed["state"] == "done"
    values = {
        "key": typed["key"],
        "state": typed["state"],
        "what": typed["what"].strip() or None,
        "done_on": read_date(typed["done_on"]) if done and typed["done_on"] else None,
        "file_id": typed["file_id"] or None,
    }
    return decoded(values, NewMeasure)


routes = [show_measures, say_measure]
