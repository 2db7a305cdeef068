"""The terms of an act: what its pack says with a citation, and for the rest the operator's policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from scenarios.actions.terms import Cap, Caps, Limit, Rule, Source, Times
from scenarios.citations import Cited, Document, require, resolve
from scenarios.policies.actions import action_policy

LONGEST_DAYS = 3660


class NumberEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of a rule, and where it stands."""

    value: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    citation: Cited


class TermsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms as a pack has them; quantities in the act's unit, None where the pack does not say."""

    times: Times | None = None
    lasts_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    family: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,39}\Z")] | None = None
    max_per_act: NumberEntry | None = None
    per_act: NumberEntry | None = None
    per_day: NumberEntry | None = None
    per_month: NumberEntry | None = None
    claim_days: NumberEntry | None = None
    reports_within_h: NumberEntry | None = None
    reviewed: bool | None = None
    precedence: tuple[Source, ...] | None = None


class Terms(NamedTuple):
    """The terms of an act, as `Action` has them."""

    max_quantity: int
    times: Times
    lasts_s: int
    family: str | None
    caps: Caps
    claim_days: Limit
    reports_within_h: Limit | None
    reviewed: bool
    precedence: tuple[Source, ...]


class Saying(NamedTuple):
    """Who says the terms of one act, the pack first."""

    key: str
    entry: TermsEntry
    documents: Mapping[str, Document]
    pack: str

    def plain(self, name: str) -> Any:
        """A term that is no number: the pack's, else the policy's for the act, else its default, else None."""
        own = action_policy()
        for said in (self.entry, own.actions.get(self.key), own.default):
            if (value := getattr(said, name, None)) is not None:
                return value
        return None

    def number(self, name: str, size: int = 1) -> Limit | None:
        """A number in base units, with its rule, from the first who says it."""
        said: NumberEntry | None = getattr(self.entry, name)
        if said is not None:
            require(said.value >= (name != "reports_within_h"), self.pack, f"{name} of {self.key} lets nothing through")
            in_days = {"claim_days": LONGEST_DAYS, "reports_within_h": LONGEST_DAYS * 24}
            require(said.value <= in_days.get(name, said.value), self.pack, f"{name} of {self.key} is above ten years")
            citation = resolve(said.citation, self.documents, self.pack)
            return Limit(said.value * size, Rule(citation=citation.text))
        value = self.plain_of_policy(name)
        return None if value is None else Limit(value * size, Rule(policy=action_policy().name))

    def plain_of_policy(self, name: str) -> Any:
        """The policy's word alone."""
        own = action_policy()
        said = getattr(own.actions.get(self.key), name, None)
        return getattr(own.default, name, None) if said is None else said

    def cap(self, name: str, size: int) -> Cap | None:
        """The number as a cap."""
        found = self.number(name, size)
        return None if found is None else Cap(*found)


def terms_of(key: str, entry: TermsEntry, documents: Mapping[str, Document], size: int, pack: str) -> Terms:
    """The terms of an act whose unit holds `size` base units. Raises PackUnreadable where nobody says one."""
    saying = Saying(key, entry, documents, pack)
    limit, claim_days = saying.number("max_per_act", size), saying.number("claim_days")
    times, lasts_s = saying.plain("times"), saying.plain("lasts_s") or 0
    require(limit is not None, pack, f"neither the pack nor the policy has max_per_act of {key}: no limit")
    require(times is not None, pack, f"neither the pack nor the policy says times of {key}")
    require((times == "instant") == (lasts_s > 0), pack, f"{key} is an instant just when it says how long it lasts")
    precedence = saying.plain("precedence")
    require(sorted(precedence) == ["code", "member", "partner"], pack, f"{key} does not rank each source once")
    assert limit is not None
    assert claim_days is not None
    reports = saying.number("reports_within_h")
    return Terms(
        max_quantity=limit.amount,
        times=times,
        lasts_s=lasts_s,
        family=saying.plain("family"),
        caps=Caps(*(saying.cap(name, size) for name in Caps._fields)),
        claim_days=claim_days,
        reports_within_h=reports if reports and reports.amount else None,
        reviewed=saying.plain("reviewed"),
        precedence=precedence,
    )
