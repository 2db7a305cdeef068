"""Fair play: which acts are refused as impossible, which a reviewer looks at first, and whose caps are lower.

The rules are the operator's policy (fair_play.toml): no source sets their limits. Each has a name, which the refusal
or the hold carries. They judge acts, never people: nothing adds up to a score.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from scenarios.actions.methodologies import Action
from scenarios.citations import parse_toml, require, require_number
from scenarios.quantities import UNITS, exact, size_of
from scenarios.refusals import ActImplausible

FILE = Path(__file__).parent.with_name("policies").joinpath("fair_play.toml")

Source = Literal["member", "code", "partner"]
Evidence = Literal["self_declared", "proven"]
OF_ACTS = frozenset({"per_hour", "per_day"})
OF_NEWCOMERS = frozenset({"account_days", "device_days"})
PERS = frozenset(unit.per for unit in UNITS.values())
_NAME = re.compile("[a-z]+(_[a-z]+)*").fullmatch


class Known(NamedTuple):
    """What is known when an act is told.

    `account_days` and `device_days` are whole days since each was first seen (None: no device told, which counts as
    one never seen); `device_members` how many members told acts with it lately; `told_today` the quantities of that
    day's acts before this one, by action, in base units.
    """

    account_days: int
    device_days: int | None
    device_members: int
    told_today: Mapping[str, int]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One rule: it refuses or holds what is above `limit`, or lowers the caps of whoever is below it.

    `looks_at` per_hour or per_day: `limit` is in the action's own unit, which must be one of `units` (by what they are
    per), for the `actions` named or each there is. account_days, device_days: days;
    device_members: people. `share` is of the caps. With `without_photo` it is only for self-declared acts without a
    photo. `text` is a msgid, with {limit} in it.
    """

    name: str
    kind: Literal["refuse", "hold", "lower"]
    looks_at: Literal["per_hour", "per_day", "account_days", "device_days", "device_members"]
    limit: int
    text: str
    actions: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ("member", "code", "partner")
    without_photo: bool = False
    share: Decimal | None = None

    @cached_property
    def part(self) -> Fraction:
        """The share of the caps that it leaves, exactly."""
        return Fraction(1) if self.share is None else exact(self.share)

    def sentence(self, translate: Callable[[str], str]) -> str:
        """Why, in the language that `translate` looks msgids up in."""
        return translate(self.text).format(limit=self.limit)

    def is_for(self, action: str, unit: str) -> bool:
        """Whether it judges acts of that kind, in that unit."""
        return (not self.actions or action in self.actions) and (not self.units or UNITS[unit].per in self.units)


class FairPlay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: its rules in the order in which they are asked. `clock_slack_s`: times are told to the minute."""

    id: str
    version: str
    decided_on: date
    clock_slack_s: int
    shared_device_window_days: int
    rules: tuple[Rule, ...]
    digest: str = ""


class Verdict(NamedTuple):
    """What fair play says of an act: which rule refuses it, else which holds it; the share of the caps, and whose."""

    refused_by: Rule | None
    held_by: Rule | None
    share: Fraction
    share_by: Rule | None


class Told(NamedTuple):
    """An act as it is judged: `seconds` is how long it took, None where nobody said."""

    action: Action
    quantity: int
    seconds: int | None
    source: Source
    evidence: Evidence
    photos: int
    known: Known


def judge(
    action: Action, quantity: int, seconds: int | None, source: Source, evidence: Evidence, photos: int, known: Known
) -> Verdict:
    """What fair play says of an act of `quantity` base units, by the rules in force."""
    told = Told(action, quantity, seconds, source, evidence, photos, known)
    broken = [rule for rule in rules_for(action.key, action.unit) if breaks(rule, told)]
    lowest = min((rule for rule in broken if rule.kind == "lower"), key=lambda rule: rule.part, default=None)
    return Verdict(
        refused_by=next((rule for rule in broken if rule.kind == "refuse"), None),
        held_by=next((rule for rule in broken if rule.kind == "hold"), None),
        share=Fraction(1) if lowest is None else lowest.part,
        share_by=lowest,
    )


def breaks(rule: Rule, told: Told) -> bool:
    """Whether an act is above what the rule allows, or told by someone newer here than it asks. Exact at the limit."""
    if told.source not in rule.sources:
        return False
    if rule.without_photo and (told.photos > 0 or told.evidence == "proven"):
        return False
    known, limit = told.known, rule.limit
    if rule.looks_at == "per_hour":
        most = limit * size_of(told.action.unit)
        return told.seconds is not None and told.quantity * 3600 > most * (told.seconds + fair_play().clock_slack_s)
    if rule.looks_at == "per_day":
        return known.told_today.get(told.action.key, 0) + told.quantity > limit * size_of(told.action.unit)
    if rule.looks_at == "device_members":
        return known.device_members > limit
    return (known.account_days if rule.looks_at == "account_days" else known.device_days or 0) < limit


@lru_cache(maxsize=1024)
def rules_for(action: str, unit: str) -> tuple[Rule, ...]:
    """The rules that judge acts of that kind, in their order."""
    return tuple(rule for rule in fair_play().rules if rule.is_for(action, unit))


def refusal(rule: Rule) -> ActImplausible:
    """The refusal that carries a rule's name."""
    return ActImplausible(rule=rule.name, limit=rule.limit, reason_label=rule.text)


def rule_named(name: str) -> Rule | None:
    """The rule of that name, if it is still in force."""
    return next((rule for rule in fair_play().rules if rule.name == name), None)


@cache
def fair_play() -> FairPlay:
    """The rules in force. Raises PackUnreadable."""
    return read_fair_play(FILE.read_bytes(), FILE.name)


def read_fair_play(content: bytes, name: str) -> FairPlay:
    """Rules from their file's bytes, checked, with the sha256 of the file. Raises PackUnreadable."""
    found = parse_toml(content, FairPlay, name)
    require(not found.digest, name, "a file does not hold its own digest")
    require(0 <= found.clock_slack_s <= 3600, name, "clock_slack_s is not within an hour")
    require(1 <= found.shared_device_window_days <= 366, name, "shared_device_window_days is not within a year")
    names = [rule.name for rule in found.rules]
    require(len(names) == len(set(names)) > 0, name, "a rule's name stands twice, or there is no rule")
    for rule in found.rules:
        _check(rule, name)
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest())


def _check(rule: Rule, pack: str) -> None:
    require(_NAME(rule.name) is not None, pack, f"{rule.name!r} is no name of a rule")
    require(1 <= rule.limit <= 10**9, pack, f"{rule.name} has no sensible limit")
    require("{limit}" in rule.text, pack, f"{rule.name} does not say its limit")
    require(set(rule.units) <= PERS, pack, f"{rule.name} is for an unknown unit")
    require(rule.looks_at not in OF_ACTS or bool(rule.units), pack, f"{rule.name} is for no unit")
    lowers, newcomers = rule.kind == "lower", rule.looks_at in OF_NEWCOMERS
    require(lowers == newcomers == (rule.share is not None), pack, f"{rule.name} does not lower caps of newcomers")
    require_number(rule.share, pack, rule.name)
    require(rule.share is None or 0 < rule.share < 1, pack, f"{rule.name} leaves no part of the caps, or all")
