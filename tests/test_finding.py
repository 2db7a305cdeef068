"""Finding an act: whatever it is called finds it, and what it earns is said in figures that are not nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from scenarios.actions.earnings import Grams, earning_of, grams_of, most_counted
from scenarios.actions.finding import matching, words
from scenarios.actions.methodologies import actions_of, methodologies
from scenarios.actions.terms import Action
from scenarios.quantities import Rate

DAY = date(2026, 11, 21)
KINDS = [(each.regions[0], action) for each in methodologies() for action in each.actions.values()]
NAMES = [f"{region}-{action.key}" for region, action in KINDS]
OFFERED = [(region, action) for region, action in KINDS if action.key in {each.key for each in actions_of(region, DAY)}]


def found(region: str, text: str) -> list[str]:
    """Keys of what a text finds, the likeliest first."""
    return [each.key for each in matching(actions_of(region, DAY), text, str)]


@pytest.mark.parametrize(("region", "action"), OFFERED, ids=[f"{region}-{action.key}" for region, action in OFFERED])
def test_each_act_is_found_first_by_its_own_name_and_by_each_word_for_it(region: str, action: Action) -> None:
    key, label = action.key, action.label
    assert found(region, label)[0] == key
    assert words().get(key), f"{key} has no word but its name"
    for word in words()[key]:
        assert key in found(region, word)


def test_words_are_those_of_acts_that_there_are() -> None:
    assert words().keys() <= {action.key for _, action in KINDS}


@pytest.mark.parametrize("text", ["", "   ", "???", "。", "火箭发射", "\u202e", "x" * 10_000])
def test_what_is_no_word_finds_nothing(text: str) -> None:
    assert found("110000", text) == []


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (Rate(72, 1_000), Grams(Decimal(72), exact=True)),
        (Rate(953, 10_000), Grams(Decimal(95), exact=False)),
        (Rate(25, 10_000), Grams(Decimal("2.5"), exact=True)),
        (Rate(2_999, 1_000_000), Grams(Decimal(3), exact=False)),
        (Rate(0, 1), Grams(Decimal(0), exact=True)),
    ],
)
def test_grams_are_rounded_and_say_so(rate: Rate, shown: Grams) -> None:
    assert grams_of(rate, 1_000) == shown


@pytest.mark.parametrize(("region", "action"), KINDS, ids=NAMES)
def test_no_act_seems_to_earn_nothing_or_more_than_it_does(region: str, action: Action) -> None:
    earning = earning_of(action)
    assert earning.full.number > 0
    assert earning.own.number <= earning.full.number
    assert most_counted(action).per_day is None or float(most_counted(action).per_day or 0) > 0
