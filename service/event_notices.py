"""What an event's people are told, once each: reminders of deadlines, and what others do to the event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.readiness_texts import filled, tonnes
from scenarios.meeting.rule_terms import OffsetClass, Text
from service.db import Connection, encode_json, new_id

Kind = Literal["reminder", "overdue"]
AnyKind = Literal["reminder", "overdue", "withdrawn", "units_returned", "credits_returned"]
SHOWN = 20
SHOWN_FOR = timedelta(days=31)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a reminder is of: a step of the checklist, its last day, the days left when it was made, and its clause."""

    step: str
    what: Text
    due_on: date
    days: int
    ground: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What was told, in words. Of a deadline: its step, its last day, and the days left when it was told."""

    event_id: UUID
    kind: AnyKind
    what: Text
    made_at: datetime
    step: str | None = None
    due_on: date | None = None
    days: int | None = None


class Told(msgspec.Struct, frozen=True):
    """What the others tell: of a withdrawal the reason, of what went back how much."""

    because: str = ""
    grams: int = 0
    unit: OffsetClass | None = msgspec.field(default=None, name="class")


WITHDRAWN = Text("碳中和的确认被撤销：{because}", "The confirmation was withdrawn: {because}")
UNITS_RETURNED = Text(
    "{unit} {amount} 吨不再符合规则，已退回", "{amount} t of {unit} are no longer admitted by the rule and went back"
)
CREDITS_RETURNED = Text("多于所需的捐赠 {amount} 吨已退回捐赠者", "Donations of {amount} t beyond the need went back")


async def add(connection: Connection, event_id: UUID, kind: Kind, key: str, about: About, now: datetime) -> bool:
    """Tell it, unless it was told; was it new?"""
    made = await connection.fetchval(
        """
        INSERT INTO event_notices (id, event_id, kind, key, about, made_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (event_id, kind, key) DO NOTHING RETURNING true
        """,
        new_id(),
        event_id,
        kind,
        key,
        encode_json(about),
        now,
    )
    return bool(made)


async def of_event(connection: Connection, event_id: UUID) -> tuple[Notice, ...]:
    """What an event's people were told, the newest first."""
    rows = await connection.fetch(
        """
        SELECT event_id, kind, about, made_at FROM event_notices
        WHERE event_id = $1 AND kind IN ('reminder', 'overdue', 'withdrawn', 'units_returned', 'credits_returned')
        ORDER BY made_at DESC, id DESC LIMIT $2
        """,
        event_id,
        SHOWN,
    )
    return tuple(as_notice(row) for row in rows)


async def still_open(connection: Connection, event_ids: Collection[UUID], now: datetime) -> Sequence[Notice]:
    """Of events that are not confirmed, the newest reminder of each step if it is not old, the newest first."""
    rows = await connection.fetch(
        """
        SELECT event_id, kind, about, made_at FROM (
            SELECT DISTINCT ON (event_id, about->>'step') id, event_id, kind, about, made_at
            FROM event_notices
            WHERE event_id = ANY ($1::uuid[]) AND kind IN ('reminder', 'overdue')
            ORDER BY event_id, about->>'step', id DESC
        ) AS newest
        WHERE made_at > $2 AND NOT EXISTS (
            SELECT FROM confirmations WHERE confirmations.event_id = newest.event_id AND withdrawn_at IS NULL
        )
        ORDER BY made_at DESC, id DESC LIMIT $3
        """,
        list(event_ids),
        now - SHOWN_FOR,
        SHOWN,
    )
    return [as_notice(row) for row in rows]


def as_notice(row: Any) -> Notice:
    """A row of the queries above, in words."""
    kind: AnyKind = row["kind"]
    given = {"event_id": row["event_id"], "kind": kind, "made_at": row["made_at"]}
    if kind in {"reminder", "overdue"}:
        about = msgspec.json.decode(row["about"], type=About)
        return Notice(what=about.what, step=about.step, due_on=about.due_on, days=about.days, **given)
    told = msgspec.json.decode(row["about"], type=Told)
    if kind == "withdrawn":
        return Notice(what=filled(WITHDRAWN, because=told.because), **given)
    amount = tonnes(told.grams)
    if told.unit is None:
        return Notice(what=filled(CREDITS_RETURNED, amount=amount), **given)
    return Notice(what=filled(UNITS_RETURNED, unit=CLASS_LABELS[told.unit], amount=amount), **given)
