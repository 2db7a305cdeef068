"""碳普惠 programmes of the regions: what their rules allow and forbid, read from TOML, and chosen by place and date.

A programme is a file in packs/programmes. What it does not say is not so: no region borrows another's rule. What no
source settles is the operator's policy (policies/operator.toml), and is named so.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from scenarios.citations import (
    Certainty,
    Citation,
    Cited,
    Document,
    PackUsed,
    overlap,
    parse_toml,
    require,
    require_force,
    resolve,
)
from scenarios.policies.operator import Policy, policy, require_zone

FOLDER = Path(__file__).parent / "packs" / "programmes"


class RuleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as the file has it: that it is so, and where that stands."""

    citation: Cited
    certainty: Certainty
    checked_on: date


class ExpiryEntry(RuleEntry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long credits are held, in months after that of their vintage, and how many days before one is told."""

    months_after_vintage: int
    notice_days: int


class ProgrammeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/programmes. `citation` is where the programme itself stands."""

    id: str
    version: str
    title_zh: str
    title_en: str
    region: str
    time_zone: str
    valid_from: date
    citation: Cited
    certainty: Certainty
    checked_on: date
    documents: dict[str, Document]
    valid_to: date | None = None
    individuals: RuleEntry | None = None
    same_event: RuleEntry | None = None
    expiry: ExpiryEntry | None = None


class Rule(msgspec.Struct, frozen=True):
    """Something that a source lays down."""

    citation: Citation
    certainty: Certainty
    checked_on: date


class Expiry(msgspec.Struct, frozen=True):
    """When credits expire, in the time zone of the place; told at least `notice_days` before.

    `rule` is null where it is the operator's policy.
    """

    months_after_vintage: int
    notice_days: int
    time_zone: str
    pack: PackUsed
    rule: Rule | None

    @property
    def is_policy(self) -> bool:
        """Whether no source says so, but the operator."""
        return self.rule is None

    def expires_on(self, vintage: date) -> date:
        """The first day on which credits of that month are no longer held."""
        months = vintage.year * 12 + vintage.month - 1 + self.months_after_vintage + 1
        return date(months // 12, months % 12 + 1, 1)

    def day_there(self, at: datetime) -> date:
        """The date in the rule's place at an instant."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


class Programme(msgspec.Struct, frozen=True):
    """A region's programme, in force for a period; ends are included.

    `individuals`: that people may retire their own credits for their own footprint. `same_event`: that an event may
    use reductions made by travelling to it. `digest` is the sha256 of its file.
    """

    id: str
    version: str
    title_zh: str
    title_en: str
    region: str
    time_zone: str
    valid_from: date
    valid_to: date | None
    digest: str
    rule: Rule
    individuals: Rule | None
    same_event: Rule | None
    expiry: Expiry | None

    def in_force(self, region: str, on: date) -> bool:
        """Is it that region's own, and in force on that day?"""
        return region == self.region and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Basis(msgspec.Struct, frozen=True):
    """What allows something: a source's clause, or else the operator's policy, by its version."""

    citation: Citation | None
    policy: str | None


class Rules(NamedTuple):
    """What there is to choose from."""

    programmes: tuple[Programme, ...]
    own: Policy

    def programme(self, region: str, on: date) -> Programme | None:
        """The region's programme in force on that day."""
        return next((each for each in self.programmes if each.in_force(region, on)), None)

    def expiry(self, region: str, vintage: date) -> Expiry | None:
        """When credits of that month expire: by the programme in force all of that month, else by policy, if at all."""
        programme = self.programme(region, vintage)
        if programme and programme.expiry:
            return programme.expiry
        return own_expiry(self.own, vintage)

    def same_event_clause(self, region: str, on: date) -> str | None:
        """The clause that lets an event of that day use what was earned by travelling to it, or None."""
        programme = self.programme(region, on)
        return programme.same_event.citation.text if programme and programme.same_event else None

    def own_footprint(self, region: str, on: date) -> Basis | None:
        """What lets people of the region retire credits for their own footprint on that day; None forbids it."""
        programme = self.programme(region, on)
        if programme and programme.individuals:
            return Basis(programme.individuals.citation, None)
        return Basis(None, f"{self.own.id} {self.own.version}") if self.own.individuals_may_retire else None


def own_expiry(own: Policy, vintage: date) -> Expiry | None:
    """The operator's expiry, for months from the one it was decided for."""
    said = own.expiry
    if said is None or vintage < said.from_vintage:
        return None
    pack = PackUsed(own.id, own.version, own.digest[:16])
    return Expiry(said.months_after_vintage, said.notice_days, said.time_zone, pack, None)


@cache
def rules() -> Rules:
    """Every programme that ships, checked, and the operator's policy. Raises PackUnreadable."""
    return Rules(
        combined(*(read_programme(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml")))), policy()
    )


def combined(*found: Programme) -> tuple[Programme, ...]:
    """Programmes side by side. Raises PackUnreadable where a region has two on one day."""
    for one, other in combinations(found, 2):
        both = overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
        require(not (one.region == other.region and both), other.id, f"{one.id} is in force in {one.region} already")
    return found


def read_programme(content: bytes, name: str) -> Programme:
    """A programme from its file's bytes, with every check. Raises PackUnreadable."""
    file = parse_toml(content, ProgrammeFile, name)
    require_force((file.region,), file.valid_from, file.valid_to, name, file.id)
    require_zone(file.time_zone, name)
    digest = hashlib.sha256(content).hexdigest()
    whole = RuleEntry(file.citation, file.certainty, file.checked_on)
    return Programme(
        id=file.id,
        version=file.version,
        title_zh=file.title_zh,
        title_en=file.title_en,
        region=file.region,
        time_zone=file.time_zone,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        digest=digest,
        rule=_rule(whole, file, name),
        individuals=_rule(file.individuals, file, name) if file.individuals else None,
        same_event=_rule(file.same_event, file, name) if file.same_event else None,
        expiry=_expiry(file.expiry, file, digest, name) if file.expiry else None,
    )


def _rule(entry: RuleEntry, file: ProgrammeFile, pack: str) -> Rule:
    require(bool(entry.citation.clause), pack, "a rule names no clause")
    return Rule(resolve(entry.citation, file.documents, pack), entry.certainty, entry.checked_on)


def _expiry(entry: ExpiryEntry, file: ProgrammeFile, digest: str, pack: str) -> Expiry:
    require(1 <= entry.months_after_vintage <= 1200, pack, "expiry is not within 1 to 1200 months")
    require(1 <= entry.notice_days <= 366, pack, "notice is not within 1 to 366 days")
    used = PackUsed(file.id, file.version, digest[:16])
    return Expiry(entry.months_after_vintage, entry.notice_days, file.time_zone, used, _rule(entry, file, pack))
