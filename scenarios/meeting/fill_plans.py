"""How what an event holds covers its need: in the pack's recommended order, and whether what was chosen keeps to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from scenarios.meeting.offset_classes import Admission, OffsetUnit, admits
from scenarios.meeting.rule_terms import Ground, RulePack, Text


class Holding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units alike, summed: what an event holds or is offered of one class. `key` is the caller's."""

    key: str
    unit: OffsetUnit
    grams: int


class Fill(msgspec.Struct, frozen=True):
    """What one holding covers. `left_g`: of it, beyond the need. `rank`: null where the text gives it none."""

    key: str
    rank: int | None
    words: Text
    covers_g: int
    left_g: int
    ground: Ground


class NotTaken(msgspec.Struct, frozen=True):
    """A holding that the rule does not admit, and why."""

    key: str
    grams: int
    admission: Admission


class FillPlan(msgspec.Struct, frozen=True):
    """Fills in their order. `uncovered_g` is still needed, `left_g` beyond the need. `ground`: where the order stands.

    Without a recommended order, fills come in the order in which holdings were given.
    """

    need_g: int
    recommended: bool
    ground: Ground
    fills: tuple[Fill, ...]
    not_taken: tuple[NotTaken, ...]
    uncovered_g: int
    left_g: int


class Departure(msgspec.Struct, frozen=True):
    """Where a choice leaves the order: `passed_over` could have covered `grams` more before `used` was taken."""

    used: str
    passed_over: str
    grams: int
    ground: Ground


def fill_plan(rule: RulePack, need_g: int, holdings: Sequence[Holding]) -> FillPlan:
    """What each holding covers of the need, best rank first; linear in the holdings but for their sorting."""
    ranked, refused = _ranked(rule, holdings)
    fills = []
    missing = need_g
    for each, admission in ranked:
        covers = min(missing, each.grams)
        missing -= covers
        fills.append(_fill(each, admission, covers))
    left = sum(each.left_g for each in fills)
    ground = rule.ground(rule.order)
    return FillPlan(need_g, rule.order.recommended, ground, tuple(fills), tuple(refused), missing, left)


def departure(rule: RulePack, used: Mapping[str, int], holdings: Sequence[Holding]) -> Departure | None:
    """The first place where what is `used`, grams by key, leaves the recommended order; None where it keeps to it.

    It leaves it when something of a better rank is not used up before a worse one is taken. Units that the order
    does not name come after all that it names. Without a recommended order nothing leaves it.
    """
    if not rule.order.recommended:
        return None
    ranked, _ = _ranked(rule, holdings)
    taken = [(each, _rank(rule, admission)) for each, admission in ranked if used.get(each.key, 0) > 0]
    if not taken:
        return None
    worst, worst_rank = taken[-1]
    for each, admission in ranked:
        spare = each.grams - used.get(each.key, 0)
        if spare > 0 and _rank(rule, admission) < worst_rank:
            return Departure(worst.key, each.key, spare, rule.ground(rule.order))
    return None


def follows_order(rule: RulePack, used: Mapping[str, int], holdings: Sequence[Holding]) -> bool:
    """Does the choice keep to the recommended order?"""
    return departure(rule, used, holdings) is None


def _ranked(rule: RulePack, holdings: Sequence[Holding]) -> tuple[list[tuple[Holding, Admission]], list[NotTaken]]:
    """What is admitted, best rank first, else as given; and what is not."""
    judged = [(each, admits(rule, each.unit)) for each in holdings if each.grams > 0]
    ranked = sorted((pair for pair in judged if pair[1].admitted), key=lambda pair: _rank(rule, pair[1]))
    return ranked, [NotTaken(each.key, each.grams, told) for each, told in judged if not told.admitted]


def _rank(rule: RulePack, admission: Admission) -> int:
    return admission.rank or len(rule.offsets) + 1


def _fill(holding: Holding, admission: Admission, covers_g: int) -> Fill:
    assert admission.offset, "it is admitted"
    assert admission.ground, "it is admitted"
    words, left_g = admission.offset.words, holding.grams - covers_g
    return Fill(holding.key, admission.rank, words, covers_g, left_g, admission.ground)
