"""What was done outside, noted by the organizer: one form for each step of the checklist that is noted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.meeting.rule_terms import RulePack, Text
from service import event_files, event_marks, governing_rules
from service.access import Caller
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.event_marks import NewMark
from service.events import day_of
from service.pages.organize import decoded, done_once, own_event, read_date, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in

FIELDS = {"not_yet_done": "done_on", "date_unreadable": "done_on", "file_not_of_event": "file_id"}


@get("/organize/events/{event_id:uuid}/marks/{step:str}")
async def show_mark(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], step: FromPath[str], pool: Pool
) -> Response[Any]:
    """What was noted of a step, and the form to note it."""
    return await mark_page(request, event_id, step, pool, Typed())


async def mark_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    step: str,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed. Raises NotFound for a step that is not noted by hand."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        rule = (await governing_rules.of_event(connection, event, datetime.now(UTC))).rule
        noted = await event_marks.of_event(connection, event_id)
        files = await event_files.of_event(connection, event_id)
    titles = titles_of(rule, step)
    contents = rule.contents_of("disclosure") if rule and step == "disclose" else None
    return page(
        request,
        "mark",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        step=step,
        titles=titles,
        noted={key: noted[key] for key in titles if key in noted},
        contents=contents,
        files=files,
        today=day_of(event, datetime.now(UTC)).isoformat(),
        writes=writes,
        id=str(new_id()),
    )


def titles_of(rule: RulePack | None, step: str) -> Mapping[str, Text]:
    """What a step notes, by key: one thing, or of reports one a class of units. Raises NotFound."""
    known = event_marks.known(rule) if rule else {}
    found = {
        key: text for key, text in known.items() if key == step or (step == "report" and key.startswith("report_"))
    }
    if not found:
        raise NotFound
    return found


@post("/organize/events/{event_id:uuid}/marks/{step:str}", status_code=200)
async def say_mark(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], step: FromPath[str], pool: Pool
) -> Response[Any]:
    """Note it, or take it back."""
    typed = await typed_in(request)

    async def say(connection: Connection) -> str:
        event, now = await own_event(connection, request.user, event_id), datetime.now(UTC)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        titles_of(rule, step)
        await event_marks.say(connection, request.user, event, rule, mark_in(typed), now)
        return f"/organize/events/{event_id}/readiness"

    try:
        return see_other(await done_once(request, pool, typed, say))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await mark_page(request, event_id, step, pool, typed, refusal)


def mark_in(typed: Typed) -> NewMark:
    """What the fields tell. Raises Unreadable, DateUnreadable."""
    values = {
        "key": typed["key"],
        "note": typed["note"].strip(),
        "done_on": read_date(typed["done_on"]) if typed["done_on"] else None,
        "fields": [name.removeprefix("field_") for name in typed if name.startswith("field_")],
        "file_id": typed["file_id"] or None,
    }
    return decoded(values, NewMark)


routes = [show_mark, say_mark]
