"""Watching deadlines: who is reminded of what today, and whose rule has changed. Once each, however often asked."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from scenarios.meeting.deadlines import Deadline, deadlines
from scenarios.meeting.readiness import EventRecord, readiness
from scenarios.meeting.rule_terms import RulePack
from service import donation_needs, event_notices, event_records, events, governing_rules
from service.db import Connection
from service.event_notices import About, Kind
from service.events import Event, day_of
from service.line_inputs import days_of

PAGE = 500


async def watched(connection: Connection, after: UUID | None, limit: int = PAGE) -> list[UUID]:
    """Events in the order of their ids that somebody began to make neutral and nobody confirmed or cancelled."""
    rows = await connection.fetch(
        """
        SELECT id FROM events
        WHERE ($1::uuid IS NULL OR id > $1)
            AND (
                EXISTS (SELECT FROM event_facts WHERE event_id = events.id)
                OR EXISTS (SELECT FROM plan_publications WHERE event_id = events.id)
            )
            AND NOT EXISTS (SELECT FROM confirmations WHERE event_id = events.id AND withdrawn_at IS NULL)
            AND NOT EXISTS (SELECT FROM event_cancellations WHERE event_id = events.id)
        ORDER BY id LIMIT $2
        """,
        after,
        limit,
    )
    return [row["id"] for row in rows]


async def watch(connection: Connection, event_id: UUID, now: datetime) -> int:
    """Tell what is to be told of an event, and keep a switch of its rule; how much was new.

    Safe to run at once with another: each thing is told once.
    """
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now)
    switched = await governing_rules.record_switch(connection, event, governed, now)
    if switched:
        await donation_needs.reckon(connection, event_id, now)
    today = day_of(event, now)
    rule = governed.rule
    if rule is None or not near(rule, days_of(event).last, today):
        return int(switched)
    record = await event_records.of_event(connection, event, governed)
    done = done_in(rule, record, today) if governed.standing else frozenset()
    told = int(switched)
    for each in deadlines(rule, record.ends_on, record.classes):
        if step_of(each) not in done:
            told += await tell(connection, event, each, now)
    return told


def step_of(deadline: Deadline) -> str:
    """The step of the checklist that a deadline is of."""
    return f"offset_{deadline.key}"


def done_in(rule: RulePack, record: EventRecord, today: date) -> frozenset[str]:
    """The steps that are done."""
    return frozenset(each.key for each in readiness(rule, record, today) if each.state == "done")


def near(rule: RulePack, ends_on: date, today: date) -> bool:
    """Is there a deadline, of whatever units, whose first reminder is due?"""
    units = {unit for each in rule.deadlines for unit in each.classes}
    found = [*deadlines(rule, ends_on), *deadlines(rule, ends_on, units)]
    return any(each.reminders() and each.reminders()[0] <= today for each in found)


async def tell(connection: Connection, event: Event, deadline: Deadline, now: datetime) -> bool:
    """The newest reminder whose day has come, if it was not told; was it new?"""
    today = day_of(event, now)
    days = [day for day in deadline.reminders() if day <= today]
    if not days or deadline.due_on is None:
        return False
    about = About(
        step=step_of(deadline),
        what=deadline.what,
        due_on=deadline.due_on,
        days=(deadline.due_on - today).days,
        ground=deadline.ground.text,
    )
    kind: Kind = "overdue" if deadline.overdue(today) else "reminder"
    key = f"{deadline.key} {deadline.due_on} {days[-1]}"
    return await event_notices.add(connection, event.id, kind, key, about, now)
