"""The seven groups of low-carbon acts, and what a region offers in each."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import get_args

import msgspec

from scenarios.actions.methodologies import ActionOffered, actions_of, methodologies
from scenarios.actions.terms import Group
from scenarios.citations import Citation, Cited, Document, parse_toml, require, resolve

FILE = Path(__file__).parent.parent / "packs" / "groups" / "t-acef-031.toml"
NO_FIGURE_YET = "还没有有出处的数值。"
NO_FIGURE_HERE = "这个地区还没有有出处的数值。"


class GroupsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file: the groups in their order, and where they stand."""

    id: str
    version: str
    groups: tuple[Group, ...]
    checked_on: date
    document: Document


class GroupOffered(msgspec.Struct, frozen=True):
    """A group and its acts in a region; `note`, a msgid, says why there are none."""

    group: Group
    actions: tuple[ActionOffered, ...]
    note: str | None


@cache
def groups_file() -> GroupsFile:
    """The groups, checked. Raises PackUnreadable."""
    found = parse_toml(FILE.read_bytes(), GroupsFile, FILE.name)
    require(found.groups == get_args(Group), FILE.name, "the groups are not those that packs know")
    return found


def groups_citation() -> Citation:
    """Where the groups stand."""
    file = groups_file()
    return resolve(Cited("it"), {"it": file.document}, FILE.name)


def groups_of(region: str, on: date) -> tuple[GroupOffered, ...]:
    """Every group in its order, with what is offered there on that day, or why nothing is."""
    offered = actions_of(region, on)
    known = {action.group for each in methodologies() for action in each.actions.values()}
    found = []
    for group in groups_file().groups:
        acts = tuple(act for act in offered if act.group == group)
        note = None if acts else NO_FIGURE_HERE if group in known else NO_FIGURE_YET
        found.append(GroupOffered(group, acts, note))
    return tuple(found)


def group_texts() -> tuple[str, ...]:
    """The msgids of this module."""
    return (*groups_file().groups, NO_FIGURE_YET, NO_FIGURE_HERE)
