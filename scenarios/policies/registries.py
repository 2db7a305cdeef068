"""The registries of units that are known: the operator's policy, as read from registries.toml."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import parse_toml, require
from scenarios.meeting.rule_terms import OffsetClass, Text

FILE = Path(__file__).with_name("registries.toml")
TONNE_G = 1_000_000


class Registry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registry, and the classes that it registers. One serial is `unit_g` grams. `named_in`: by that rule pack."""

    key: str
    name: Text
    classes: tuple[OffsetClass, ...]
    unit_g: int = TONNE_G
    named_in: str = ""


class RegistryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. `digest` is the sha256 of it."""

    id: str
    version: str
    decided_on: date
    registries: tuple[Registry, ...]
    digest: str = ""

    def of(self, unit: OffsetClass) -> tuple[Registry, ...]:
        """Those that register units of a class."""
        return tuple(each for each in self.registries if unit in each.classes)

    def find(self, key: str) -> Registry | None:
        """The registry of that key."""
        return next((each for each in self.registries if each.key == key), None)


@cache
def registries() -> RegistryFile:
    """The registries in force. Raises PackUnreadable."""
    return read_registries(FILE.read_bytes(), FILE.name)


def read_registries(content: bytes, name: str) -> RegistryFile:
    """Registries from their file's bytes, checked. Raises PackUnreadable."""
    found = parse_toml(content, RegistryFile, name)
    keys = [each.key for each in found.registries]
    require(not found.digest, name, "a file does not hold its own digest")
    require(len(set(keys)) == len(keys) > 0, name, "a registry is there twice, or none is")
    for each in found.registries:
        require(each.key == each.key.strip().upper() != "", name, f"{each.key} is not in capitals")
        require("citizen_credits" not in each.classes != (), name, f"{each.key} registers nothing, or this ledger's")
        require(each.unit_g >= 1, name, f"{each.key}: a serial is nothing")
    return msgspec.structs.replace(found, digest=hashlib.sha256(content).hexdigest())
