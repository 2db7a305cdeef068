"""Activity data: what the organizer enters line by line or imports, corrects and ends. A line is never changed.

The first line opens the event's accounting: factors are those of the packs that were pinned then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.lines import EventDays, Factors, Given, Line, LineQuantified, quantify_line
from scenarios.refusals import CarbonRefusal
from service import accountings, event_files, line_rows
from service.access import Caller
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import BadInput, Conflict, NotNow, Refusal
from service.events import Event
from service.i18n import LANGUAGES
from service.line_inputs import Because, NewLine, Refused, days_of, files_named, given
from service.line_rows import NewRow, live_lines, page_of_lines

__all__ = ["live_lines", "page_of_lines"]

MOST_LINES = 1_000


class LinesRefused(NotNow):
    """第 {numbers} 行不能核算，因此全部没有录入。"""

    code = "lines_refused"


class FileNotOfEvent(BadInput):
    """没有这个文件，请先把它上传到这个活动。"""

    code = "file_not_of_event"


class LineEnded(Conflict):
    """这一行已经更正或结束，不能再改。"""

    code = "line_ended"


class NewActivityData(msgspec.Struct, forbid_unknown_fields=True):
    """Lines that are entered together or not at all."""

    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=MOST_LINES)]


class Correction(msgspec.Struct, forbid_unknown_fields=True):
    """What takes a line's place, and why."""

    line: NewLine
    because: Because


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Why a line no longer counts."""

    because: Because


class EnteredLine(Line, frozen=True, kw_only=True):
    """A line as entered, with what it emits. `mode` is the item's key where it is travel."""

    mode: str | None


class EnteredActivityData(msgspec.Struct, frozen=True):
    """What was entered, in its order. `co2_only_g` is the part of the emissions whose factors cover CO2 alone.

    `out_of_scale` has the indexes of lines that emit more than is believed: they were entered, and should be checked.
    """

    emissions_g: int
    co2_only_g: int
    lines: list[EnteredLine]
    out_of_scale: list[int]


async def enter(
    connection: Connection, caller: Caller, event: Event, new: NewActivityData, now: datetime
) -> EnteredActivityData:
    """Quantify lines by the event's pinned factors and record them, all or none.

    Raises LinesRefused, whose values tell of each line its index and what is wrong, and what opening the accounting
    raises.
    """
    accounting = await accountings.opened(connection, event, caller, now)
    known = await event_files.known(connection, event.id, {each for line in new.lines for each in files_named(line)})
    rows = quantify_all(days_of(event), new.lines, accounting.factors, known)
    await line_rows.add(connection, caller.member, event.id, rows, now)
    return entered([as_line(each, caller.member, now) for each in rows])


def entered(lines: Sequence[EnteredLine]) -> EnteredActivityData:
    """Lines with their sums."""
    return EnteredActivityData(
        emissions_g=sum(each.emissions_g for each in lines),
        co2_only_g=sum(each.emissions_g for each in lines if each.co2_only),
        lines=list(lines),
        out_of_scale=[index for index, each in enumerate(lines) if each.out_of_scale],
    )


def quantify_all(days: EventDays, lines: Sequence[NewLine], factors: Factors, known: frozenset[UUID]) -> list[NewRow]:
    """Every line quantified; `known` are the event's files. Raises LinesRefused."""
    rows, refused = [], []
    for index, line in enumerate(lines):
        try:
            rows.append(quantify(days, line, factors, known))
        except CarbonRefusal as refusal:
            refused.append(told_of_line(index, carbon_refusal(refusal)))
        except Refusal as refusal:
            refused.append(told_of_line(index, refusal))
    if refused:
        raise LinesRefused(numbers=", ".join(str(each["index"] + 1) for each in refused), lines=refused)
    return rows


def quantify(days: EventDays, line: NewLine, factors: Factors, known: frozenset[UUID]) -> NewRow:
    """What a line emits. Raises CarbonRefusal and FileNotOfEvent."""
    if (line.file_id or line.factor) and not files_named(line) <= known:
        raise FileNotOfEvent
    said = given(line, days)
    return NewRow(new_id(), line.label.strip(), said, quantify_line(said, factors, days))


def told_of_line(index: int, refusal: Refusal) -> Refused:
    """What is wrong with a line: its index, counted from 0, and the refusal's code, values and texts."""
    texts = {language: refusal.message(language) for language in LANGUAGES}
    return {"index": index, "code": refusal.code, "texts": texts, "values": refusal.values}


def as_line(row: NewRow, member_id: UUID, now: datetime, replaces: UUID | None = None) -> EnteredLine:
    """A row just written, as it will be read back."""
    return EnteredLine(
        id=row.id,
        label=row.label,
        **said(row.given),
        **{name: getattr(row.quantified, name) for name in LineQuantified.__struct_fields__},
        factor_file_id=row.given.factor.file_id if row.given.factor else None,
        entered_by=member_id,
        entered_at=now,
        import_id=None,
        replaces=replaces,
        ended_at=None,
        ended_by=None,
        ended_because=None,
        mode=row.given.item if row.quantified.source == "travel" else None,
    )


SAID = ("item", "rank", "starts_on", "ends_on", "people", "distance_m", "round_trip", "cabin", "occupants")


def said(line: Given) -> dict[str, Any]:
    """The parts of a line that are as somebody said them."""
    return {name: getattr(line, name) for name in (*SAID, "certificate", "file_id")}


async def correct(
    connection: Connection, caller: Caller, event: Event, line_id: UUID, new: Correction, now: datetime
) -> EnteredActivityData:
    """Put a line in another's place, which stays to be seen. Raises NotFound, LineEnded and what `enter` raises."""
    accounting = await accountings.opened(connection, event, caller, now)
    known = await event_files.known(connection, event.id, files_named(new.line))
    rows = quantify_all(days_of(event), [new.line], accounting.factors, known)
    await end(connection, caller, event.id, line_id, new.because, now)
    await line_rows.add(connection, caller.member, event.id, rows, now, replaces=line_id)
    return entered([as_line(each, caller.member, now, line_id) for each in rows])


async def end(
    connection: Connection, caller: Caller, event_id: UUID, line_id: UUID, because: str, now: datetime
) -> None:
    """A line counts no longer. Raises NotFound and LineEnded."""
    ended = await connection.fetchval(
        """
        UPDATE activity_data SET ended_at = $3, ended_by = $4, ended_because = $5
        WHERE event_id = $1 AND id = $2 AND ended_at IS NULL
        RETURNING id
        """,
        event_id,
        line_id,
        now,
        caller.member,
        because.strip(),
    )
    if ended is None:
        await line_rows.find(connection, event_id, line_id)
        raise LineEnded
