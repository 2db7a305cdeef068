"""What a verifier checks: the operator's policy, as read from verification.toml, each item with its clauses."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import Citation, Cited, Document, parse_toml, require, resolve
from scenarios.meeting.rule_terms import Text

FILE = Path(__file__).with_name("verification.toml")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to check. `may_be_na`: an event may have nothing of it."""

    key: str
    words: Text
    sources: tuple[Cited, ...]
    may_be_na: bool = False


class ChecklistFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    id: str
    version: str
    decided_on: date
    documents: dict[str, Document]
    items: tuple[Item, ...]


class Checked(msgspec.Struct, frozen=True):
    """An item with where it comes from."""

    key: str
    words: Text
    may_be_na: bool
    citations: tuple[Citation, ...]


class Checklist(msgspec.Struct, frozen=True):
    """What is checked, in order. `digest` is the sha256 of its file."""

    id: str
    version: str
    digest: str
    items: tuple[Checked, ...]

    @property
    def name(self) -> str:
        """Which checklist it is."""
        return f"{self.id} {self.version}"


@cache
def checklist() -> Checklist:
    """The checklist in force. Raises PackUnreadable."""
    return read(FILE.read_bytes())


def read(content: bytes) -> Checklist:
    """A checklist from its file's bytes. Raises PackUnreadable."""
    file = parse_toml(content, ChecklistFile, FILE.name)
    keys = [each.key for each in file.items]
    require(len(set(keys)) == len(keys) > 0, FILE.name, "an item is there twice, or none is")
    for each in file.items:
        require(bool(each.words.zh and each.words.en and each.sources), FILE.name, f"{each.key} lacks words or sources")
    items = tuple(checked(each, file.documents) for each in file.items)
    return Checklist(file.id, file.version, hashlib.sha256(content).hexdigest(), items)


def checked(item: Item, documents: dict[str, Document]) -> Checked:
    """An item with its citations. Raises PackUnreadable."""
    citations = tuple(resolve(each, documents, FILE.name) for each in item.sources)
    return Checked(item.key, item.words, item.may_be_na, citations)
