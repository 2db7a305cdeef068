"""Activity data: travel that the organizer enters line by line, for people who did not check in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios import factors
from scenarios.meeting.inventory import MAX_PEOPLE, TravelInventory, TravelLine, quantify_lines
from scenarios.refusals import CarbonRefusal, PeopleAbsurd
from service.access import Caller
from service.carbon import carbon_refusal
from service.db import Connection, encode_json, new_id
from service.errors import NotNow, Refusal
from service.events import Event, day_of
from service.i18n import LANGUAGES

MOST_LINES = 1_000
Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
PeopleText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,8}(\.[0-9]{1,6})?$(?!\n)",
        max_length=15,
        description="How many people, as a decimal number: a fraction of one is possible.",
    ),
]


class LinesRefused(NotNow):
    """第 {numbers} 行不能核算，因此全部没有录入。"""

    code = "lines_refused"


class NewLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many people came by one mode over such a distance (one way, in metres)."""

    mode: Annotated[str, Meta(min_length=1, max_length=40)]
    people: PeopleText
    distance_m: Annotated[int, Meta(ge=0, le=40_000_000)]
    round_trip: bool = True
    label: Label = ""


class NewActivityData(msgspec.Struct, forbid_unknown_fields=True):
    """Lines that are entered together or not at all."""

    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=MOST_LINES)]


class EnteredLine(msgspec.Struct, frozen=True):
    """A line as entered, with what it emits."""

    id: UUID
    label: str
    mode: str
    people: Decimal
    distance_m: int
    round_trip: bool
    emissions_g: int


class EnteredActivityData(msgspec.Struct, frozen=True):
    """What was entered, in its order. `co2_only_g` is the part of the emissions whose factors cover CO2 alone."""

    emissions_g: int
    co2_only_g: int
    lines: list[EnteredLine]


async def enter(
    connection: Connection, caller: Caller, event: Event, new: NewActivityData, now: datetime
) -> EnteredActivityData:
    """Quantify lines by the event's own factor set and record them, all or none.

    Raises LinesRefused, whose values tell of each line its index and what is wrong.
    """
    quantified = quantify_all(event, new.lines)
    ids = [new_id() for _ in new.lines]
    await add(connection, caller, event, ids, new.lines, quantified, now)
    return EnteredActivityData(
        emissions_g=sum(each.emissions_g for each in quantified),
        co2_only_g=sum(each.co2_only_g for each in quantified),
        lines=[
            EnteredLine(
                id=line_id,
                label=line.label,
                mode=line.mode,
                people=Decimal(line.people),
                distance_m=line.distance_m,
                round_trip=line.round_trip,
                emissions_g=each.emissions_g,
            )
            for line_id, line, each in zip(ids, new.lines, quantified, strict=True)
        ],
    )


def quantify_all(event: Event, lines: Sequence[NewLine]) -> list[TravelInventory]:
    """An inventory of each line alone. Raises LinesRefused."""
    done, refused = [], []
    for index, line in enumerate(lines):
        try:
            done.append(quantify(event, line))
        except CarbonRefusal as refusal:
            refused.append(told_of_line(index, carbon_refusal(refusal)))
    if refused:
        raise LinesRefused(numbers=", ".join(str(each["index"] + 1) for each in refused), lines=refused)
    return done


def quantify(event: Event, line: NewLine) -> TravelInventory:
    """What a line emits, by the factors in force on the event's first day. Raises CarbonRefusal."""
    people = Decimal(line.people)
    if not people:
        raise PeopleAbsurd(people=line.people, limit=MAX_PEOPLE)
    travel = TravelLine(line.mode, people, line.distance_m, line.round_trip)
    first_day = day_of(event, event.hours[0].opens_at)
    return quantify_lines([travel], factors.factor_set(event.factor_set), event.jurisdiction, first_day)


def told_of_line(index: int, refusal: Refusal) -> dict[str, Any]:
    """What is wrong with a line: its index, counted from 0, and the refusal's code, values and texts."""
    texts = {language: refusal.message(language) for language in LANGUAGES}
    return {"index": index, "code": refusal.code, "texts": texts, "values": refusal.values}


async def add(
    connection: Connection,
    caller: Caller,
    event: Event,
    ids: Sequence[UUID],
    lines: Sequence[NewLine],
    quantified: Sequence[TravelInventory],
    now: datetime,
) -> None:
    """Write lines with the trace of the values used."""
    await connection.execute(
        """
        INSERT INTO activity_data (
            id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at
        )
        SELECT id, $1, label, mode, people, distance_m, round_trip, emissions_g, trace, $2, $3
        FROM unnest(
            $4::uuid[], $5::text[], $6::text[], $7::numeric[], $8::bigint[], $9::boolean[], $10::bigint[], $11::jsonb[]
        ) AS entered (id, label, mode, people, distance_m, round_trip, emissions_g, trace)
        """,
        event.id,
        caller.member,
        now,
        list(ids),
        [each.label.strip() for each in lines],
        [each.mode for each in lines],
        [Decimal(each.people) for each in lines],
        [each.distance_m for each in lines],
        [each.round_trip for each in lines],
        [each.emissions_g for each in quantified],
        [encode_json(each) for each in quantified],
    )
