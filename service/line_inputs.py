"""What people say of a line of activity data, as requests, forms and tables bring it; and as the scenarios take it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from scenarios.citations import Citation, Gas
from scenarios.meeting.lines import EventDays, Given, OwnFactor, Rank, Stage
from scenarios.meeting.travel import Cabin
from service.events import DAY_BEGINS, Event, day_of
from service.inputs import LINE

Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
Because = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
PeopleText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,8}(\.[0-9]{1,6})?$(?!\n)",
        max_length=15,
        description="How many people, as a decimal number: a fraction of one is possible.",
    ),
]
AmountText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$(?!\n)",
        max_length=22,
        description="A decimal number in plain digits, such as 1234.5.",
    ),
]
ItemKey = Annotated[str, Meta(min_length=1, max_length=40)]
UnitText = Annotated[str, Meta(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
CitedText = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


class NewFactor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor of the organizer's own, and the document that it stands in: its title, publisher, date, and the file."""

    value: AmountText
    unit: UnitText
    gases: Annotated[tuple[Gas, ...], Meta(min_length=1, max_length=5)]
    document: CitedText
    publisher: CitedText
    published_on: CitedText
    file_id: UUID
    number: CitedText = ""
    clause: CitedText = ""


class NewLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of an item over a period, the event's own days where none is told. `mode` is an item of travel.

    Travel has either a quantity and unit, or people and the metres that they came, one way.
    """

    mode: ItemKey | None = None
    people: PeopleText | None = None
    distance_m: Annotated[int, Meta(ge=0, le=40_000_000)] | None = None
    round_trip: bool | None = None
    label: Label = ""
    item: ItemKey | None = None
    quantity: AmountText | None = None
    unit: UnitText = ""
    stage: Stage | None = None
    rank: Rank = "declared"
    starts_on: date | None = None
    ends_on: date | None = None
    cabin: Cabin | None = None
    occupants: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    certificate: Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")] = ""
    file_id: UUID | None = None
    factor: NewFactor | None = None

    def __post_init__(self) -> None:
        """Raises ValueError, which makes the input unreadable."""
        if (self.item is None) == (self.mode is None):
            raise ValueError("either an item or a mode is expected")
        if (self.people is None) != (self.distance_m is None):
            raise ValueError("people and distance_m belong together")

    @property
    def named(self) -> str:
        """The item's key."""
        return self.item or self.mode or ""


def given(line: NewLine, event: EventDays) -> Given:
    """The line as the scenarios take it. People who came go back too, unless told otherwise."""
    starts_on = line.starts_on or line.ends_on or event.first
    return Given(
        item=line.named,
        starts_on=starts_on,
        ends_on=line.ends_on or (line.starts_on or event.last),
        quantity=None if line.quantity is None else Decimal(line.quantity),
        unit=line.unit,
        stage=line.stage,
        rank=line.rank,
        people=None if line.people is None else Decimal(line.people),
        distance_m=line.distance_m,
        round_trip=line.people is not None and line.round_trip is not False,
        cabin=line.cabin,
        occupants=line.occupants,
        certificate=line.certificate.strip(),
        file_id=line.file_id,
        factor=None if line.factor is None else own_factor(line.factor),
    )


def gases_of(unit: str) -> tuple[Gas, ...]:
    """What a factor of that unit covers."""
    return ("CO2",) if "CO2/" in unit else ("CO2e",)


def own_factor(new: NewFactor) -> OwnFactor:
    """The factor as the scenarios take it."""
    citation = Citation(
        document=new.document.strip(),
        publisher=new.publisher.strip(),
        published_on=new.published_on.strip(),
        number=new.number.strip(),
        clause=new.clause.strip(),
    )
    return OwnFactor(Decimal(new.value), new.unit.strip(), new.gases, citation, new.file_id)


def days_of(event: Event) -> EventDays:
    """The event's days, there."""
    days = [day_of(event, each.opens_at) for each in event.hours]
    last = (event.hours[-1].closes_at.astimezone(ZoneInfo(event.time_zone)) - DAY_BEGINS).date()
    return EventDays(event.jurisdiction, min(days), max(last, *days), len(set(days)), event.expected_people)


FilePurpose = Literal["invoice", "meter", "proof", "plan", "factor", "import", "other"]
"""What a file is for."""


def files_named(line: NewLine) -> set[UUID]:
    """The files that a line names."""
    return {each for each in (line.file_id, line.factor and line.factor.file_id) if each}


Refused = dict[str, Any]
"""What is wrong with a line: its `index`, counted from 0, and the refusal's `code`, `texts` and `values`."""
