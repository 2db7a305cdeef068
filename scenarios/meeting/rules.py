"""The rules by which an event may call itself carbon-neutral: one pack a place, every entry with its clause.

A pack is a file in packs/rules. No place borrows another's rule; beneath them lies the national guide, cited as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache

import msgspec

from scenarios.meeting.rule_files import read_folder
from scenarios.meeting.rule_terms import Ground, RulePack
from scenarios.regions import WORLD, wider

__all__ = ["Governing", "Ground", "RulePack", "governing", "narrowest", "rule_of", "rules"]


class Governing(msgspec.Struct, frozen=True):
    """Which version governs an event. `before`: the one that the plan was made under, where it gave way."""

    rule: RulePack
    ground: Ground
    before: RulePack | None = None


@cache
def rules() -> tuple[RulePack, ...]:
    """Every rule pack that ships, checked, in order of file name. Raises PackUnreadable."""
    return read_folder()


@lru_cache(maxsize=4096)
def rule_of(place: str, on: date) -> RulePack | None:
    """The rule in force on that day in the place, else in the narrowest place around it that has one."""
    return narrowest(rules(), place, on)


def narrowest(packs: Sequence[RulePack], place: str, on: date) -> RulePack | None:
    """As rule_of, of these packs."""
    for around in wider(place):
        for each in packs:
            if around != WORLD and each.in_force(around, on):
                return each
    return None


def governing(packs: Sequence[RulePack], place: str, plan_published_on: date | None, today: date) -> Governing | None:
    """The version that governs an event of the place, by what the texts say of a change.

    Where either version asks for the newest, the newest governs; else the one in force when the plan was published.
    Before the plan is published it is the one in force today. None where no rule is in force.
    """
    newest = narrowest(packs, place, today)
    return between(narrowest(packs, place, plan_published_on) if plan_published_on else newest, newest)


def between(planned: RulePack | None, newest: RulePack | None) -> Governing | None:
    """Which of the two governs: the version that the plan was published under, or the newest."""
    if newest is None or planned is None or (newest.id, newest.valid_from) == (planned.id, planned.valid_from):
        found = planned or newest
        return Governing(found, found.ground(found.switch)) if found else None
    asks = next((each for each in (newest, planned) if each.switch.to == "newest"), None)
    if asks:
        return Governing(newest, asks.ground(asks.switch), planned)
    return Governing(planned, planned.ground(planned.switch))
