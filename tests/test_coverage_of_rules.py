"""The coverage table: every clause of the five texts is in it, and what it names is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from scenarios.meeting.measures import measures_of
from scenarios.meeting.rule_files import FOLDER
from scenarios.meeting.rules import rules
from tests.ruled import FIVE, rule

TESTS = Path(__file__).parent
LATER = "later: disclosure and supervision"
NOT_OURS = "not software: "

CLAUSES = {
    "shenzhen": [
        *(
            "引言",
            "一（一）",
            "一（二）",
            "一（三）",
            "二",
            "三",
            "四（一）",
            "四（二）",
            "四（三）",
            "四（四）",
            "四（五）",
        ),
    ],
    "hainan": [
        *("引言", "一（一）", "一（二）", "二", "三（一）", "三（二）", "三（三）", "三（四）", "三（五）"),
        *("四（一）", "四（二）", "四（三）", "四（四）"),
    ],
    "jining": [
        *(
            "引言",
            "一",
            "二",
            "三",
            "三（一）",
            "三（二）",
            "四（一）",
            "四（二）",
            "四（三）",
            "四（四）1",
            "四（四）2",
        ),
        *("四（四）3", "五（一）", "五（二）", "五（三）", "五（四）"),
    ],
    "shanghai": [
        "通知",
        *(
            "第一条",
            "第二条",
            "第三条",
            "第四条",
            "第五条",
            "第六条",
            "第七条",
            "第八条",
            "第九条",
            "第十条",
            "第十一条",
        ),
        *("第十二条", "第十三条", "第十四条", "第十五条", "第十六条", "第十七条", "第十八条", "第十九条", "第二十条"),
        "第二十一条",
    ],
    "shanxi": [
        *("通知", "引言", "一（一）", "一（二）", "一（三）", "二", "三（一）", "三（二）", "三（三）", "三（四）"),
        *("四（一）", "四（二）", "四（三）", "四（四）"),
    ],
}
"""Every heading of the five texts, by its number."""


class Row(NamedTuple):
    """A sentence, its clause, where it went, and the tests that watch it: of the pack, and of the service."""

    quote: str
    clause: str
    went: str
    test: str


@cache
def table(place: str) -> tuple[Row, ...]:
    """The place's rows."""
    text = (FOLDER / "COVERAGE.md").read_text("utf-8")
    section = text.split(f"## {place}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return tuple(Row(*cells) for cells in rows[2:])


def coded(place: str) -> Iterator[tuple[Row, str, str]]:
    """Rows that went into a pack: the pack and the address in it."""
    for row in table(place):
        if found := re.fullmatch(r"`(\w+):([\w.]+)`", row.went):
            yield row, found[1], found[2]


@cache
def promises_of(file: str) -> frozenset[str]:
    """The tests of a file."""
    body = ast.parse((TESTS / file).read_text("utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("place", FIVE)
def test_every_clause_of_the_text_is_in_the_table(place: str) -> None:
    there = {row.clause for row in table(place)}
    assert there == set(CLAUSES[place])


@pytest.mark.parametrize("place", FIVE)
def test_every_sentence_went_somewhere(place: str) -> None:
    for row in table(place):
        assert row.quote, row
        packed = row.went.startswith("`")
        told = row.went == LATER or (row.went.startswith(NOT_OURS) and len(row.went) > len(NOT_OURS))
        assert packed or told, row
        assert bool(row.test) == packed, row


@pytest.mark.parametrize("place", FIVE)
def test_every_entry_named_is_in_the_pack(place: str) -> None:
    here = rule(FIVE[place])
    there = {address for address, _ in here.entries()} | ({"measures"} if measures_of(here) else set())
    for row, pack, address in coded(place):
        assert pack == place, row
        assert address in there, row


@pytest.mark.parametrize("place", FIVE)
def test_every_test_named_is_there(place: str) -> None:
    for row, _, _ in coded(place):
        named = re.findall(r"`([^`]+)`", row.test)
        assert named, row
        for each in named:
            file, _, name = each.partition("::")
            assert name in promises_of(file), row


@pytest.mark.parametrize("place", FIVE)
def test_every_entry_with_a_clause_of_the_text_is_in_the_table(place: str) -> None:
    named = {address for _, _, address in coded(place)}
    own = {
        address
        for address, said in rule(FIVE[place]).entries()
        if said.clause and said.document == "rule" and not said.policy
    }
    assert sorted(own - named) == []


def test_the_five_and_no_other() -> None:
    assert set(CLAUSES) == set(FIVE) == {each.id for each in rules()} - {"guangdong"}
    assert len(CLAUSES["shanghai"]) == 22, "twenty-one articles and the notice"
    assert sum(len(table(place)) for place in FIVE) > 200
