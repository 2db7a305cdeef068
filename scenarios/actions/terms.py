"""What a methodology is made of: acts, what they save, and the rules under which they count.

Each rule says where it stands: in a source, or in the operator's policy (policies/actions.toml).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from scenarios.citations import Certainty, Citation, Gas, PackUsed
from scenarios.quantities import BaseUnit, Rate
from scenarios.refusals import UnknownAction

Group = Literal["衣", "食", "住", "行", "用", "办公", "数字金融"]
"""The groups of T/ACEF 031-2022."""
Times = Literal["none", "instant", "span"]
Source = Literal["partner", "code", "member"]
Evidence = Literal["self_declared", "proven"]


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a rule stands: a source's clause, or else the operator's policy by id and version."""

    citation: str | None = None
    policy: str | None = None

    @property
    def is_policy(self) -> bool:
        """Whether no source says so, but the operator."""
        return self.citation is None


class Cap(NamedTuple):
    """How much counts, in base units. What is done beyond it earns nothing more, and is no fault."""

    quantity: int
    rule: Rule


class Caps(NamedTuple):
    """What counts of one act, of a person's day, and of a person's month."""

    per_act: Cap | None = None
    per_day: Cap | None = None
    per_month: Cap | None = None


class Limit(NamedTuple):
    """So many days or hours, and where that stands."""

    amount: int
    rule: Rule


class Tier(NamedTuple):
    """What acts of one evidence earn: `rate` in grams a base unit.

    By `share` of the saving, or, where the source gives the tier a figure of its own, by `saving` in the act's unit.
    `is_policy`: the operator says so, no source.
    """

    rate: Rate
    share: Decimal | None
    saving: Decimal | None
    rule: Rule
    is_policy: bool


class ActionRates(NamedTuple):
    """Grams a base unit: what is saved, what each evidence earns of that, what the act itself emits."""

    saving: Rate
    proven: Tier
    self_declared: Tier
    project: Rate | None

    def tier(self, evidence: Evidence) -> Tier:
        """What acts of that evidence earn."""
        return self.self_declared if evidence == "self_declared" else self.proven


class Action(msgspec.Struct, frozen=True):
    """A low-carbon act and what it saves: values in `unit`; `saving` is baseline less project.

    `max_quantity`, in base units, is what is believed of one act: more is refused. `times` is how one says when: a
    date, one moment (the act then lasts `lasts_s`), or start and end. Acts of one `family` by one person cannot
    overlap; a family whose `times` are "none" takes the whole day. `claim_days` is how long after the act it may be
    told, `reports_within_h` for how many hours a partner may still report it. `reviewed`: a photo is looked at before
    the act earns more. `precedence`: whose word counts, the best first.
    """

    key: str
    label: str
    example: str
    group: Group
    unit: str
    unit_label: str
    base_unit: BaseUnit
    gases: tuple[Gas, ...]
    modes: tuple[str, ...]
    baseline: Decimal | None
    project: Decimal | None
    saving: Decimal
    citation: Citation
    citation_text: str
    certainty: Certainty
    checked_on: date
    max_quantity: int
    rates: ActionRates
    times: Times
    lasts_s: int
    family: str | None
    caps: Caps
    claim_days: Limit
    reports_within_h: Limit | None
    reviewed: bool
    precedence: tuple[Source, ...]
    derivation: str = ""


class Methodology(msgspec.Struct, frozen=True, eq=False):
    """A methodology in force in its regions for a period; ends are included. `digest` is the sha256 of its file."""

    id: str
    version: str
    title_zh: str
    title_en: str
    regions: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    digest: str
    actions: dict[str, Action]
    used: PackUsed

    def in_force(self, region: str, on: date) -> bool:
        """Is it that region's own, and in force on that day?"""
        return region in self.regions and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def action(self, key: str) -> Action:
        """Its action of that key. Raises UnknownAction."""
        found = self.actions.get(key)
        if found is None:
            raise UnknownAction(action=key[:40])
        return found
