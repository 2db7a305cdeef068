"""The national guide where a place has no rule: what a plan holds that is made of one's own accord."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import Cited, Document, parse_toml, resolve
from scenarios.meeting.rule_terms import Contents, Ground

FILE = Path(__file__).parent.parent / "packs" / "guide" / "mee-2019-19.toml"


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the guide holds everywhere."""

    checked_on: date
    documents: dict[str, Document]
    plan: Contents

    @property
    def ground(self) -> Ground:
        """Where the plan's contents stand."""
        cited = Cited(self.plan.document, self.plan.clause)
        return Ground(resolve(cited, self.documents, FILE.name), self.plan.certainty, policy=False)


@cache
def guide() -> Guide:
    """The guide as shipped. Raises PackUnreadable."""
    return parse_toml(FILE.read_bytes(), Guide, FILE.name)
