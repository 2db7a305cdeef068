"""Whose citizens' credits an event takes by its place's rule, as regions; for donors to be told before they give."""

from __future__ import annotations

import msgspec

from scenarios.meeting.offset_classes import OffsetUnit, admits, is_in_china
from scenarios.meeting.rule_terms import RulePack
from scenarios.regions import CITIES, ELSEWHERE, PROVINCES

ABROAD = "AT"
"""Anywhere outside China: no text names another country."""


class Taken(msgspec.Struct, frozen=True):
    """Regions whose credits are taken, null for all; and those besides, of which only what is recognized is.

    Recognized is what the authority of a region published the methodology of: it vouches for its own credits.
    """

    regions: tuple[str, ...] | None = None
    recognized: tuple[str, ...] = ()


EVERYTHING = Taken()
"""What an event takes that is under no rule."""


def credits_unit(region: str, recognized: bool) -> OffsetUnit:
    """Credits of a region's citizens, donated. They are retired here, where each gram is used once."""
    return OffsetUnit(unit="citizen_credits", project_place=region, recognized=recognized, donated=True)


def taken_by(rule: RulePack | None) -> Taken:
    """Whose credits an event takes under a rule."""
    if rule is None:
        return EVERYTHING
    codes = (*PROVINCES, *CITIES, *ELSEWHERE)
    outright = tuple(each for each in codes if _is_taken(rule, each, False))
    if len(outright) == len(codes) and _is_taken(rule, ABROAD, False):
        return EVERYTHING
    own = (each for each in codes if vouches(rule, each) and each not in outright)
    return Taken(outright, tuple(each for each in own if _is_taken(rule, each, True)))


def vouches(rule: RulePack, region: str) -> bool:
    """May what a region's authority published pass as recognized under the rule? Within its own province."""
    return is_in_china(region) and region[:2] == rule.region[:2]


def _is_taken(rule: RulePack, region: str, recognized: bool) -> bool:
    return admits(rule, credits_unit(region, recognized)).admitted
