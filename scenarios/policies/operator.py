"""The operator's policy, as read from operator.toml."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

import msgspec

from scenarios.citations import parse_toml, require, require_number
from scenarios.quantities import FARTHEST_M, exact

FILE = Path(__file__).with_name("operator.toml")


class OwnExpiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long credits of months from `from_vintage` on are held where no programme says, and when one is told."""

    months_after_vintage: int
    notice_days: int
    time_zone: str
    from_vintage: date


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares and limits that no source gives."""

    id: str
    version: str
    decided_on: date
    self_declared_share: Decimal
    self_declared_precedent: str
    people_per_room: int
    max_legs: int
    max_nights: int
    max_meals: int
    max_companions: int
    max_occupants: int
    max_distance_km: dict[str, int]
    review_within_days: int
    appeal_within_days: int
    individuals_may_retire: bool = False
    expiry: OwnExpiry | None = None
    digest: str = ""

    @property
    def self_declared(self) -> Fraction:
        """The share that a self-declared act earns, exactly."""
        return exact(self.self_declared_share)

    def farthest_m(self, mode: str) -> int:
        """The longest one-way distance that is believed of a mode."""
        known = self.max_distance_km.get(mode)
        return FARTHEST_M if known is None else known * 1000


@cache
def policy() -> Policy:
    """The policy in force. Raises PackUnreadable."""
    return read_policy(FILE.read_bytes(), FILE.name)


def read_policy(content: bytes, name: str) -> Policy:
    """A policy from its file's bytes, checked, with the sha256 of its file. Raises PackUnreadable."""
    found = parse_toml(content, Policy, name)
    require(not found.digest, name, "a file does not hold its own digest")
    require_expiry(found.expiry, name)
    require_number(found.self_declared_share, name, "self_declared_share")
    require(found.self_declared_share <= 1, name, "self_declared_share is above one")
    require(found.people_per_room >= 1, name, "a room holds nobody")
    limits = [*found.max_distance_km.values(), found.max_legs, found.max_occupants]
    limits += [found.review_within_days, found.appeal_within_days]
    require(all(limit >= 1 for limit in limits), name, "a limit lets nothing through")
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest())


def require_expiry(found: OwnExpiry | None, name: str) -> None:
    """Raise PackUnreadable for an expiry at once, without notice, or in no time zone."""
    if found is None:
        return
    require(1 <= found.months_after_vintage <= 1200, name, "expiry is not within 1 to 1200 months")
    require(1 <= found.notice_days <= 366, name, "notice is not within 1 to 366 days")
    require_zone(found.time_zone, name)


def require_zone(time_zone: str, name: str) -> None:
    """Raise PackUnreadable for a time zone that is none."""
    require(time_zone in available_timezones(), name, f"{time_zone} is no time zone")
