"""What an event emits in all: lines of activity data, check-ins in cells, and those who did not answer.

Every gram of the total stands once in each division of it: by source, scope, stage, rank, gases and origin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from scenarios.citations import Gas
from scenarios.meeting.boundaries import Boundary
from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import Extrapolated
from scenarios.meeting.items import sources
from scenarios.meeting.lines import Line, Rank, Stage
from scenarios.meeting.travel import FactorUsed
from scenarios.meeting.uncertainty import Uncertainty

Scope = Literal["basic", "extended"]
Origin = Literal["line", "check_in", "extrapolated"]
AnyRank = Literal["measured", "declared", "default", "extrapolated"]
WeakKind = Literal["default_value", "placeholder_factor", "unverified_factor", "out_of_scale", "extrapolated"]


class Share(msgspec.Struct, frozen=True):
    """A part of a whole: its grams, and its share in thousandths; shares of one whole add to 1000."""

    key: str
    emissions_g: int
    share_permille: int


class SourceShare(msgspec.Struct, frozen=True):
    """A source's part of the whole, with its scope."""

    source: str
    scope: Scope
    emissions_g: int
    share_permille: int


class PerUnit(msgspec.Struct, frozen=True):
    """Grams of the whole per head, per head and day, and per square metre, rounded up; None where nobody said."""

    head_g: int | None
    head_day_g: int | None
    m2_g: int | None


class Avoided(msgspec.Struct, frozen=True):
    """What the plan's baseline is above the whole (below, when negative). It is never taken off the emissions."""

    baseline_g: int
    because: str
    avoided_g: int


class WeakSpot(msgspec.Struct, frozen=True):
    """Where the result rests on little: a line's id or a factor's key, and the grams that hang on it."""

    kind: WeakKind
    source: str
    item: str
    line_id: UUID | None
    emissions_g: int


class Missing(msgspec.Struct, frozen=True):
    """What the accounting lacks: a source of which nothing is said, or a fact."""

    what: Literal["source", "head_count", "area", "opening_of_extrapolation"]
    source: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole is divided by and compared with. `people` came in all; None where nobody counted."""

    people: int | None
    days: int
    ambition: Scope | Literal["full"]
    area_m2: Decimal | None = None
    baseline_g: int | None = None
    baseline_because: str | None = None
    absent: Mapping[str, str] = {}
    gwp_set: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """An event's emissions in grams CO2e and how they divide, the largest first.

    `full_g` is all of it, `basic_g` what is of the basic scope. `co2_only_g` is the part whose factors cover CO2
    alone and entered with GWP 1; `by_gas` names the gases covered. `extrapolated` stands apart and is in the whole.
    """

    full_g: int
    basic_g: int
    extended_g: int
    ambition: str
    ambition_g: int
    lines_g: int
    checked_in_g: int
    checked_in_travel_g: int
    checked_in_lodging_g: int
    extrapolated_g: int
    check_ins: int
    by_source: tuple[SourceShare, ...]
    by_scope: tuple[Share, ...]
    by_stage: tuple[Share, ...]
    by_rank: tuple[Share, ...]
    by_gas: tuple[Share, ...]
    by_origin: tuple[Share, ...]
    by_mode: tuple[Share, ...]
    co2_only_g: int
    co2_only_permille: int
    gwp_set: str
    boundary_placeholder: bool
    people: int | None
    days: int
    per: PerUnit
    avoided: Avoided | None
    extrapolated: tuple[Extrapolated, ...]
    uncertainty: Uncertainty | None
    weak_spots: tuple[WeakSpot, ...]
    missing: tuple[Missing, ...]
    absent: dict[str, str]
