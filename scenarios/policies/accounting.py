"""The operator's policy for accounting, as read from accounting.toml: what no source settles."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import PackUsed, parse_toml, require, require_number

FILE = Path(__file__).with_name("accounting.toml")
RANKS = {"measured", "declared", "default"}
CERTAINTIES = {"verbatim", "agreed", "derived", "unverified", "placeholder"}


class UncertaintyPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Half-widths at 95 %, in percent: of activity data by rank, of factors by certainty or as placeholders."""

    activity_percent: dict[str, Decimal]
    factor_percent: dict[str, Decimal]


class ExtrapolationPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many answers a group needs before the rest of it is estimated from them."""

    least_answers: int


class AccountingPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. `digest` is the sha256 of it."""

    id: str
    version: str
    decided_on: date
    uncertainty: UncertaintyPolicy
    extrapolation: ExtrapolationPolicy
    digest: str = ""

    @property
    def used(self) -> PackUsed:
        """How it is named in results."""
        return PackUsed(id=self.id, version=self.version, digest=self.digest[:16])


@cache
def accounting_policy() -> AccountingPolicy:
    """The policy in force. Raises PackUnreadable."""
    return read_accounting_policy(FILE.read_bytes(), FILE.name)


def read_accounting_policy(content: bytes, name: str) -> AccountingPolicy:
    """A policy from its file's bytes, checked. Raises PackUnreadable."""
    found = parse_toml(content, AccountingPolicy, name)
    require(not found.digest, name, "a file does not hold its own digest")
    own = found.uncertainty
    for given, wanted in ((own.activity_percent, RANKS), (own.factor_percent, CERTAINTIES)):
        require(set(given) == wanted, name, f"half-widths are needed of {', '.join(sorted(wanted))}")
        for key, percent in given.items():
            require_number(percent, name, key)
            require(percent <= 1000, name, f"{key} is above ten times the value")
    require(found.extrapolation.least_answers >= 2, name, "one answer has no variance")
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest())
