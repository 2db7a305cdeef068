"""The operator's policy, as read from operator.toml."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import parse_toml, require, require_number
from scenarios.quantities import FARTHEST_M, exact

FILE = Path(__file__).with_name("operator.toml")


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
    max_companions: int
    max_occupants: int
    max_distance_km: dict[str, int]
    max_per_act: dict[str, int]

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
    """A policy from its file's bytes, checked. Raises PackUnreadable."""
    found = parse_toml(content, Policy, name)
    require_number(found.self_declared_share, name, "self_declared_share")
    require(found.self_declared_share <= 1, name, "self_declared_share is above one")
    require(found.people_per_room >= 1, name, "a room holds nobody")
    limits = [*found.max_distance_km.values(), *found.max_per_act.values(), found.max_legs, found.max_occupants]
    require(all(limit >= 1 for limit in limits), name, "a limit lets nothing through")
    return found
