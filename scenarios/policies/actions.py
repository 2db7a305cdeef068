"""The operator's policy for acts, as read from actions.toml: what no source settles."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from scenarios.actions.terms import Source, Times
from scenarios.citations import parse_toml, require

FILE = Path(__file__).with_name("actions.toml")


class DefaultTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for every act. `reports_within_h` of 0: no partner reports it."""

    claim_days: int
    reports_within_h: int
    reviewed: bool
    precedence: tuple[Source, ...]


class ActTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for one kind of act; quantities in the unit of its methodology, None where the default holds."""

    times: Times
    max_per_act: int
    lasts_s: int = 0
    family: str | None = None
    per_act: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    claim_days: int | None = None
    reports_within_h: int | None = None
    reviewed: bool | None = None
    precedence: tuple[Source, ...] | None = None


class ActionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    id: str
    version: str
    decided_on: date
    default: DefaultTerms
    actions: dict[str, ActTerms]

    @property
    def name(self) -> str:
        """How it is named in results."""
        return f"{self.id} {self.version}"


@cache
def action_policy() -> ActionPolicy:
    """The policy in force. Raises PackUnreadable."""
    return read_action_policy(FILE.read_bytes(), FILE.name)


def read_action_policy(content: bytes, name: str) -> ActionPolicy:
    """A policy from its file's bytes, checked. Raises PackUnreadable."""
    found = parse_toml(content, ActionPolicy, name)
    require(found.default.claim_days >= 1, name, "acts may not be told on any day")
    for key, terms in found.actions.items():
        limits = (terms.max_per_act, terms.per_act, terms.per_day, terms.per_month, terms.claim_days)
        require(all(limit is None or limit >= 1 for limit in limits), name, f"a limit of {key} lets nothing through")
        instant = (terms.times == "instant") == (terms.lasts_s > 0)
        require(instant, name, f"{key} is an instant just when it says how long it lasts")
    hours = (found.default.reports_within_h, *(terms.reports_within_h or 0 for terms in found.actions.values()))
    require(min(hours) >= 0, name, "a report may come before the act")
    return found
