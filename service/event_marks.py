"""What an organizer notes as done outside: duties, reports of retirement, milestones of sinks, publications.

The newest saying of a key is in force; one without a day takes it back. Keys: `duty_` with a duty of the rule,
`report_` with a class of units, `milestone_` with a deadline of the rule, `publish_retirements`, `disclose`, and
`order`, whose note says why the recommended order was left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.rule_terms import FieldKey, RulePack, Text
from service.access import Caller
from service.db import Connection, new_id
from service.errors import BadInput
from service.event_measures import Words, require_file, require_past
from service.events import Event

MarkKey = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,80}$(?!\n)")]


class MarkUnknown(BadInput):
    """这场活动的规则里没有要登记的“{key}”。"""

    code = "mark_unknown"


class FieldNotAsked(BadInput):
    """公开的内容里没有“{field}”这一项。"""

    code = "field_not_asked"


class NewMark(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """That something was done on a day, with a note; without a day it is not, or no more. `fields` were disclosed."""

    key: MarkKey
    note: Words
    done_on: date | None = None
    fields: Annotated[list[FieldKey], Meta(max_length=30)] = []
    file_id: UUID | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What was noted. `title` is in the rule's words."""

    id: UUID
    key: str
    done_on: date | None
    note: str
    fields: tuple[str, ...]
    file_id: UUID | None
    said_by: UUID
    said_at: datetime


async def of_event(connection: Connection, event_id: UUID) -> dict[str, Mark]:
    """What is in force, by key."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (key) id, key, done_on, note, fields, file_id, said_by, said_at
        FROM event_marks WHERE event_id = $1 ORDER BY key, id DESC
        """,
        event_id,
    )
    return {row["key"]: Mark(**{**row, "fields": tuple(row["fields"])}) for row in rows}


async def say(
    connection: Connection, caller: Caller, event: Event, rule: RulePack | None, new: NewMark, now: datetime
) -> Mark:
    """Put what is said in force; what was said before is kept.

    Raises MarkUnknown, FieldNotAsked, NotYetDone and FileNotOfEvent.
    """
    require_known(rule, new)
    require_past(event, new.done_on, now)
    await require_file(connection, event.id, new.file_id)
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    await connection.execute(
        """
        INSERT INTO event_marks (id, event_id, key, done_on, note, fields, file_id, said_by, said_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        new_id(),
        event.id,
        new.key,
        new.done_on,
        new.note.strip(),
        new.fields,
        new.file_id,
        caller.member,
        now,
    )
    return (await of_event(connection, event.id))[new.key]


def require_known(rule: RulePack | None, new: NewMark) -> None:
    """Raise MarkUnknown for what the rule does not ask, FieldNotAsked for a field that its disclosure does not name."""
    if rule is None or new.key not in known(rule):
        raise MarkUnknown(key=new.key)
    contents = rule.contents_of("disclosure") if new.key == "disclose" else None
    asked = {each.key for each in contents.fields} if contents else set()
    for field in new.fields:
        if field not in asked:
            raise FieldNotAsked(field=field).under(rule.ground(contents) if contents else None)


def known(rule: RulePack) -> Mapping[str, Text]:
    """What may be noted under the rule, by key, in its words."""
    duties = {f"duty_{each.key}": each.text for each in rule.duties if each.step}
    reports = {f"report_{unit}": label for unit, label in CLASS_LABELS.items()}
    milestones = {f"milestone_{each.key}": each.what for each in rule.deadlines if each.classes}
    rest = {
        "publish_retirements": Text("公开注销信息", "Publish what was retired"),
        "disclose": Text("向社会公开", "Disclose to the public"),
        "order": Text("离开推荐顺序的理由", "Why the recommended order was left"),
    }
    return {**duties, **reports, **milestones, **rest}
