"""What report.json is: an event's accounting with everything that went into it, so that anyone can do it again.

Factors stand once, in a table; lines and cells name them by their place in it. Amounts are whole grams and metres,
every other number is a text with an exact decimal or fraction. `digests` are SHA-256 (hexadecimal) of the canonical
JSON (sorted keys, no spaces, UTF-8) of each section, line and factor; `sha256` is that of the report without itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from scenarios.citations import PackUsed
from scenarios.meeting.accounting import Facts, Result
from scenarios.meeting.boundaries import Boundary
from scenarios.meeting.extrapolation import Group
from scenarios.meeting.lines import LineFactor, OutOfScale, Rank, Stage
from scenarios.meeting.travel import Cabin, Part

FORMAT: Literal["tanhui-report/1"] = "tanhui-report/1"
LEAST_PEOPLE = 5
"""Who come alike and are fewer are told apart from nobody in a public report."""

Form = Literal["full", "public"]


class ReportUnreadable(ValueError):
    """It is no tanhui-report/1; `args[0]` says where and why."""


class EventSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The event. `place` is a code of GB/T 2260, or GeoNames' of another country's place."""

    id: UUID
    name: str
    kind: str
    organizer: str
    place: str
    venue: str
    time_zone: str
    first: date
    last: date
    expected_people: int


class VersionSaid(msgspec.Struct, frozen=True, kw_only=True):
    """Which inventory it tells of: its number, None of a draft; why it restates the one before."""

    number: int | None
    state: str
    made_at: datetime
    because: str = ""


class PackSaid(msgspec.Struct, frozen=True):
    """A pinned file of factors, boundary or sources, with its whole SHA-256."""

    kind: str
    id: str
    version: str
    sha256: str


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to emit less, as the organizer says it; `reduction_g` where it was quantified."""

    name: str
    said: str = ""
    reduction_g: int | None = None
    files: tuple[str, ...] = ()


class LineSaid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of activity data; see scenarios/meeting/lines.py. `factor` is its place in the table of factors."""

    id: UUID
    item: str
    source: str
    stage: Stage
    quantity: Decimal
    unit: str
    base_amount: str
    rank: Rank
    starts_on: date
    ends_on: date
    factor: int
    emissions_g: int
    co2_only: bool
    shared_by: int = 1
    label: str = ""
    people: Decimal | None = None
    distance_m: int | None = None
    round_trip: bool = False
    cabin: Cabin | None = None
    occupants: int | None = None
    certificate: str = ""
    grid_g: int | None = None
    out_of_scale: OutOfScale | None = None
    entered_by: UUID | None = None
    entered_at: datetime | None = None
    file_id: UUID | None = None
    factor_file_id: UUID | None = None


class LegSaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """A leg of one check-in: metres one way; grams of its whole group, there and back when the trip says so."""

    mode: str
    distance_m: int
    factor: int
    emissions_g: int
    cabin: Cabin | None = None
    occupants: int | None = None


class CellSaid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Check-ins that came alike: `count` of them, each of `people` people. grams = count × grams_each."""

    part: Part
    legs: tuple[LegSaid, ...]
    people: int
    count: int
    grams_each: int
    grams: int
    gate: int | None = None
    round_trip: bool = False
    nights: int = 0
    lodging_factor: int | None = None
    lodging_each_g: int = 0
    meals: int = 0
    meal_factor: int | None = None
    meals_each_g: int = 0


class MergedLeg(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one mode and factor come to in a merged cell: metres of all people in every direction, and grams."""

    mode: str
    person_m: int
    factor: int
    emissions_g: int
    cabin: Cabin | None = None


class MergedCell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cells of fewer than five people, put together so that none of them can be told: of like modes, or of any.

    One of any modes says neither modes nor ways: `other_g` grams in all, of them `other_lodging_g` of lodging,
    `other_meals_g` of meals, and the same with `co2_only` by factors of CO2 alone. Lodging and meals of like modes are
    told by factor.
    """

    check_ins: int
    people: int
    grams: int
    legs: tuple[MergedLeg, ...] = ()
    lodging: tuple[tuple[int, int], ...] = ()
    other_g: int = 0
    other_lodging_g: int = 0
    other_co2_only_g: int = 0
    other_lodging_co2_only_g: int = 0
    meals: tuple[tuple[int, int], ...] = ()
    other_meals_g: int = 0
    other_meals_co2_only_g: int = 0


class OffsetNeeded(msgspec.Struct, frozen=True):
    """Grams to be offset so that the basic scope, or all of it, is neutral."""

    basic_g: int
    full_g: int


class Annex(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that proves something, with its whole SHA-256. Only the parties read its name."""

    id: UUID
    purpose: str
    sha256: str
    name: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report (实施报告). Its sections in order: 基本情况, 减排情况, 核算过程, 排放量, 所需抵销量, annexes.

    `rooms_for` is how many people share a room (the operator's policy). `merged` is empty in a full report.
    """

    format: Literal["tanhui-report/1"] = FORMAT
    form: Form
    event: EventSaid
    version: VersionSaid
    measures: tuple[Measure, ...]
    boundary: Boundary
    packs: tuple[PackSaid, ...]
    check_in_set: PackUsed
    rooms_for: int
    factors: tuple[LineFactor, ...]
    facts: Facts
    lines: tuple[LineSaid, ...]
    cells: tuple[CellSaid, ...]
    merged: tuple[MergedCell, ...]
    groups: tuple[Group, ...]
    result: Result
    offset_needed: OffsetNeeded
    annexes: tuple[Annex, ...]
    digests: Mapping[str, str] = {}
    sha256: str = ""


_encoder = msgspec.json.Encoder(decimal_format="string")
_canonical = msgspec.json.Encoder(decimal_format="string", order="sorted")
ITEMIZED = ("factors", "lines")
SEALS = ("digests", "sha256")


def encode(report: Report) -> bytes:
    """report.json."""
    return _encoder.encode(report)


def decode(content: bytes) -> Report:
    """A report from its bytes. Raises ReportUnreadable, also for keys that it does not know or that it lacks."""
    try:
        report = msgspec.json.decode(content, type=Report)
        if plain_of(report) != msgspec.json.decode(content):
            raise ReportUnreadable("it holds what a report does not")
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise ReportUnreadable(str(wrong)) from None
    return report


def plain_of(told: Any) -> Any:
    """A report or a part of it as plain JSON."""
    return msgspec.json.decode(_encoder.encode(told))


def sealed(report: Report) -> Report:
    """The report with its digests."""
    told = sections(report)
    told["digests"] = dict(digests_of(told))
    return msgspec.structs.replace(report, digests=told["digests"], sha256=whole_digest(told))


def sections(report: Report) -> dict[str, Any]:
    """A report's sections by name."""
    return {name: getattr(report, name) for name in Report.__struct_fields__}


def digests_of(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The digest of each section, and of each line and factor, by its path; of a report's sections or plain JSON."""
    for section, content in told.items():
        if section in SEALS:
            continue
        yield section, digest(content)
        if section in ITEMIZED:
            yield from ((f"{section}[{index}]", digest(each)) for index, each in enumerate(content))


def whole_digest(told: Mapping[str, Any]) -> str:
    """The digest of a report's sections or plain JSON, without the digest itself."""
    return digest({name: each for name, each in told.items() if name != "sha256"})


def digest(told: Any) -> str:
    """SHA-256 of canonical JSON: structs and what they are in JSON have the same."""
    return hashlib.sha256(_canonical.encode(told)).hexdigest()
