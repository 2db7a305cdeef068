"""The short form of `python -m tests.faults`: each kind of process killed under load, every answer accounted for.

Below it, that the account would find what it looks for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from rich.console import Console

from tests.bench import stand
from tests.faults.accounting import Books, changed, doubled, lost
from tests.faults.asking import Asked
from tests.faults.killing import ROUND, plan
from tests.faults.telling import tell
from tests.faults.trial import Trial, run
from tests.faults.wire import Answer

MEMBER, EVENT = UUID(int=7), UUID(int=8)
NOW = datetime(2026, 11, 20, 1, 2, tzinfo=UTC)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled_when_processes_are_killed(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial(kills=len(ROUND), seed=20, clients=8, longest_pause_s=0.5)
    with stand.folder() as scratch:
        outcome = asyncio.run(run(scratch, trial))
    with capsys.disabled():
        tell(Console(width=120, highlight=False), trial, outcome)
    assert outcome.findings == []
    assert sorted(each.victim for each in outcome.falls) == sorted(ROUND)
    for kind in ("check_in", "action", "donation", "undo", "organization"):
        assert outcome.asked[f"{kind} accepted"] > 0
    assert outcome.seen["lost"] > 0, "the clients noticed"


def test_a_seed_names_the_blows() -> None:
    assert list(plan(5, 20, 2)) == list(plan(5, 20, 2)) != list(plan(6, 20, 2))
    assert sorted(each.victim for each in plan(5, 16, 2)) == sorted(ROUND * 2)


def answered(kind: str, status: int = 201, key: int = 1, said: dict[str, Any] | None = None, **told: Any) -> Asked:
    asked = Asked(kind, UUID(int=key), "/", said or {}, member=MEMBER, subject=EVENT)  # type: ignore[arg-type]
    asked.answer = Answer(status, msgspec.json.encode(told))
    return asked


def given(grams: int = 300, status: int = 201) -> Asked:
    return answered("donation", status, said={"grams": grams}, donated_at=NOW)


def acted(grams: int = 300) -> Asked:
    return answered("action", key=2, said={"quantity": 1_000}, state="credited", reduction_g=grams, logged_at=NOW)


def books(journal: list[Asked]) -> Books:
    """The database as it must be after an action and donations that were accepted."""
    acts = {each.key: each for each in journal if each.kind == "action"}
    gifts = {each.key: each for each in journal if each.kind == "donation" and each.accepted}
    donated_g = sum(each.said["grams"] for each in gifts.values())
    facts = {"member_id": MEMBER, "event_id": EVENT, "refusal": None, "decided_at": NOW}
    return Books(
        check_ins={},
        actions={
            key: {"member_id": MEMBER, "quantity": 1_000, "reduction_g": each.told["reduction_g"], "logged_at": NOW}
            for key, each in acts.items()
        },
        donations={key: facts | {"grams": each.said["grams"]} for key, each in gifts.items()},
        organizations={},
        issued_g={key: each.told["reduction_g"] for key, each in acts.items()},
        reversed_g={},
        given_g={key: each.said["grams"] for key, each in gifts.items()},
        balances_g={MEMBER: sum(each.told["reduction_g"] for each in acts.values()) - donated_g},
        tallies={EVENT: {"event_id": EVENT, "check_ins": 0, "donated_g": donated_g}},
    )


def findings(journal: list[Asked], found: Books) -> Iterator[str]:
    yield from lost(journal, found)
    yield from doubled(journal, found)


def test_books_that_are_as_answered_give_no_finding() -> None:
    journal = [acted(), given()]
    assert list(findings(journal, books(journal))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"donations": {}}, "was acknowledged as"),
        ({"given_g": {UUID(int=1): 299}}, "was acknowledged as"),
        ({"issued_g": {}}, "was acknowledged as"),
        ({"issued_g": {UUID(int=2): 300, UUID(int=3): 5}}, "issuances: .*3 is there, and was not acknowledged"),
        ({"actions": {}}, "actions: .*2 was acknowledged, and is not there"),
        ({"balances_g": {MEMBER: 1}}, "holds 1 g, by the answers 0 g"),
        ({"tallies": {EVENT: {"check_ins": 1, "donated_g": 300}}}, "by the answers 0 and 300 g"),
    ],
)
def test_what_is_not_as_answered_is_found(change: dict[str, Any], said: str) -> None:
    journal = [acted(), given()]
    with pytest.raises(AssertionError, match=said):
        assert not "\n".join(findings(journal, books(journal)._replace(**change)))


def test_what_was_refused_or_half_sent_and_is_done_is_found() -> None:
    refused, done = given(status=409), books([given()])
    assert any("was refused, and is in ['donations', 'transfers']" in each for each in lost([refused], done))
    refused.answer, refused.part = None, "half"
    assert any("was half, and is in" in each for each in lost([refused], done))
    refused.part = None
    assert any("was never answered" in each for each in lost([refused], done))


def test_another_answer_to_a_repeat_is_found() -> None:
    asked = acted()
    assert asked.answer
    asked.repeats = [asked.answer]
    assert list(changed(asked)) == []
    asked.repeats = [Answer(201, acted(301).answer.body)]  # type: ignore[union-attr]
    assert list(changed(asked))
    asked.repeats = [Answer(409, asked.answer.body)]
    assert list(changed(asked))
