"""Modes that the organizer corrects in bulk: the accounting alone changes, never a check-in or a balance.

A correction takes check-ins with a leg of one mode, by gate if it names one, all or so many of them, and counts that
leg by another mode over the same distance. Corrections apply in the order in which they were entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from scenarios.labels import MODE_LABELS
from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.lines import Cabin, Factors
from scenarios.meeting.travel import FactorUsed
from scenarios.quantities import UNITS, rate
from scenarios.refusals import UnknownMode


class ModeCorrection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of check-ins that came by `from_mode`, through that gate or any, all or `check_ins` count as `to_mode`.

    `occupants` shared the vehicle; None takes those said, else the group.
    """

    id: UUID | None = None
    from_mode: str
    to_mode: str
    gate: int | None = None
    check_ins: int | None = None
    cabin: Cabin | None = None
    occupants: int | None = None


def corrected(
    cells: Sequence[Cell], corrections: Iterable[ModeCorrection], factors: Factors, place: str, on: date
) -> list[Cell]:
    """The cells as the accounting counts them. Raises UnknownMode, FactorNotInForce and DistanceAbsurd."""
    raise NotImplementedError
