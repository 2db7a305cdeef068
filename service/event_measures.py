"""Reduction measures (减排措施) of an event: from the catalogue of its place's rule, or the organizer's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.measures import ReductionMeasure, measures_of, reduction_ground
from scenarios.meeting.rule_terms import RulePack, Text
from service import event_files
from service.access import Caller
from service.activity_data import FileNotOfEvent
from service.db import Connection, new_id
from service.errors import BadInput
from service.events import Event, day_of
from service.grounds import GroundSaid, said

State = Literal["planned", "done", "dropped"]
Stage = Literal["prepare", "hold", "close"]
MeasureKey = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,60}$(?!\n)")]
Words = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$(?!\n)")]
OWN = re.compile(r"other(_[a-z0-9_]{1,50})?")


class MeasureUnknown(BadInput):
    """本地规则的减排措施目录里没有“{key}”；目录之外的措施用 other 开头的名称，并写明内容。"""

    code = "measure_unknown"


class MeasureUnsaid(BadInput):
    """目录之外的措施须写明做什么。"""

    code = "measure_unsaid"


class MeasureUndated(BadInput):
    """做过的措施须写明日期；没有做的不写。"""

    code = "measure_undated"


class NotYetDone(BadInput):
    """{done_on} 还没有到：做过之后再登记。"""

    code = "not_yet_done"


class NewMeasure(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was planned, done or dropped. A measure of the organizer's own has a key that begins with `other`."""

    key: MeasureKey
    state: State
    what: Words | None = None
    done_on: date | None = None
    file_id: UUID | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A measure as it stands. `words` are the text's own; of one's own measures they are what was said."""

    id: UUID
    key: str
    state: State
    what: str
    done_on: date | None
    file_id: UUID | None
    said_by: UUID
    said_at: datetime
    words: Text
    stage: Stage | None = None


class Offered(msgspec.Struct, frozen=True):
    """A measure of the catalogue, with where it stands."""

    key: str
    stage: Stage
    words: Text
    ground: GroundSaid | None
    note: Text | None


class Measures(msgspec.Struct, frozen=True):
    """The catalogue, and what the event took of it or besides, by key."""

    catalogue: tuple[Offered, ...]
    taken: tuple[Taken, ...]


def catalogue(rule: RulePack | None) -> dict[str, ReductionMeasure]:
    """What the place's text names, by key, in its order."""
    return {each.key: each for each in measures_of(rule)} if rule else {}


def offered(rule: RulePack | None) -> tuple[Offered, ...]:
    """The same as it is told."""
    found = catalogue(rule).values()
    return tuple(Offered(each.key, each.stage, each.words, said(each.ground), each.note) for each in found)


async def read(connection: Connection, event_id: UUID, rule: RulePack | None) -> Measures:
    """An event's measures with the catalogue of its rule."""
    return Measures(offered(rule), tuple(await of_event(connection, event_id, rule)))


async def of_event(
    connection: Connection, event_id: UUID, rule: RulePack | None, until: datetime | None = None
) -> list[Taken]:
    """An event's measures in the order in which they were first said; as they stood `until` then."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (key) id, key, state, what, done_on, file_id, said_by, said_at,
            min(id::text) OVER (PARTITION BY key) AS first
        FROM event_measures
        WHERE event_id = $1 AND ($2::timestamptz IS NULL OR said_at <= $2)
        ORDER BY key, id DESC
        """,
        event_id,
        until,
    )
    known = catalogue(rule)
    ordered = sorted((dict(row) for row in rows), key=lambda row: row.pop("first"))
    return [as_taken(row["key"], known, row) for row in ordered]


def as_taken(key: str, known: dict[str, ReductionMeasure], values: dict[str, object]) -> Taken:
    """A row of the query above, in the words of the catalogue."""
    entry = known.get(key)
    words = entry.words if entry else Text(str(values["what"]), str(values["what"]))
    return msgspec.convert({**values, "words": words, "stage": entry.stage if entry else None}, Taken)


async def say(
    connection: Connection, caller: Caller, event: Event, rule: RulePack | None, new: NewMeasure, now: datetime
) -> Taken:
    """Put what is said of a measure in force; what was said before is kept.

    Raises MeasureUnknown, MeasureUnsaid, MeasureUndated, NotYetDone and FileNotOfEvent.
    """
    entry = catalogue(rule).get(new.key)
    if entry is None and not OWN.fullmatch(new.key):
        raise MeasureUnknown(key=new.key).under(reduction_ground(rule) if rule else None)
    if entry is None and new.what is None:
        raise MeasureUnsaid
    if (new.state == "done") != (new.done_on is not None):
        raise MeasureUndated
    require_past(event, new.done_on, now)
    await require_file(connection, event.id, new.file_id)
    await write(connection, caller, event.id, new, new.what or (entry.words.zh if entry else ""), now)
    return next(each for each in await of_event(connection, event.id, rule) if each.key == new.key)


async def plan(
    connection: Connection,
    caller: Caller,
    event: Event,
    rule: RulePack | None,
    keys: Sequence[str],
    now: datetime,
) -> list[Taken]:
    """The measures that a plan names: those of the catalogue are planned where they were not. Raises MeasureUnknown."""
    known = {each.key: each for each in await of_event(connection, event.id, rule) if each.state != "dropped"}
    for key in dict.fromkeys(keys):
        if key not in known:
            if key not in catalogue(rule):
                raise MeasureUnknown(key=key).under(reduction_ground(rule) if rule else None)
            new = NewMeasure(key=key, state="planned")
            known[key] = await say(connection, caller, event, rule, new, now)
    return [known[key] for key in dict.fromkeys(keys)]


async def write(
    connection: Connection, caller: Caller, event_id: UUID, new: NewMeasure, what: str, now: datetime
) -> None:
    """Write a row."""
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)
    await connection.execute(
        """
        INSERT INTO event_measures (id, event_id, key, state, what, done_on, file_id, said_by, said_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        new_id(),
        event_id,
        new.key,
        new.state,
        what.strip(),
        new.done_on,
        new.file_id,
        caller.member,
        now,
    )


def require_past(event: Event, done_on: date | None, now: datetime) -> None:
    """Raise NotYetDone for a day that has not come, there."""
    if done_on is not None and done_on > day_of(event, now):
        raise NotYetDone(done_on=done_on.isoformat())


async def require_file(connection: Connection, event_id: UUID, file_id: UUID | None) -> None:
    """Raise FileNotOfEvent for a file that is not the event's."""
    if file_id is not None and not await event_files.known(connection, event_id, {file_id}):
        raise FileNotOfEvent


def next_own(taken: Collection[Taken]) -> str:
    """A key for one more measure of the organizer's own."""
    used = {each.key for each in taken}
    return next(key for key in ("other", *(f"other_{n}" for n in range(2, 1_000))) if key not in used)
