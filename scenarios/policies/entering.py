"""The operator's policy on activity data, as read from entering.toml."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import parse_toml, require

FILE = Path(__file__).with_name("entering.toml")


class Entering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which periods lines may be of, what green power counts, and what is out of scale with an event."""

    id: str
    version: str
    decided_on: date
    prepare_days: int
    close_days: int
    green_power: str
    most_kg_per_head_day: dict[str, int]
    digest: str = ""

    def window(self, first: date, last: date) -> tuple[date, date]:
        """The first and the last day that a line may be of, for an event of these days."""
        return first - timedelta(days=self.prepare_days), last + timedelta(days=self.close_days)


@cache
def entering() -> Entering:
    """The policy in force. Raises PackUnreadable."""
    content = FILE.read_bytes()
    found = parse_toml(content, Entering, FILE.name)
    limits = [*found.most_kg_per_head_day.values(), found.prepare_days, found.close_days]
    require(all(limit >= 0 for limit in limits), FILE.name, "a limit is negative")
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest()[:16])
