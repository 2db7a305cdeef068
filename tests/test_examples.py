"""Worked examples of the packs: each comes out to the gram, and whoever has the trace can work it out again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from scenarios.actions.methodologies import FOLDER, Methodology, read_methodology
from scenarios.actions.methodology_files import ExampleEntry, MethodologyFile
from scenarios.actions.reductions import Reduction, quantify_action, under_caps
from scenarios.actions.terms import Action
from scenarios.citations import parse_toml
from scenarios.quantities import UNITS, size_of
from scenarios.refusals import PackUnreadable

FILES = sorted(FOLDER.glob("*.toml"))


def told(example: ExampleEntry, found: Methodology) -> Reduction:
    action = found.actions[example.action]
    quantity = int(example.quantity * size_of(action.unit))
    return quantify_action(found, action.key, quantity, example.tier, found.regions[0])


EXAMPLES = [
    pytest.param(example, read_methodology(path.read_bytes(), path.name), id=f"{path.stem}-{number}-{example.action}")
    for path in FILES
    for number, example in enumerate(parse_toml(path.read_bytes(), MethodologyFile, path.name).examples, 1)
]


@pytest.mark.parametrize(("example", "found"), EXAMPLES)
def test_a_worked_example_comes_out(example: ExampleEntry, found: Methodology) -> None:
    assert told(example, found).reduction_g == example.grams


@pytest.mark.parametrize(("example", "found"), EXAMPLES)
def test_its_trace_suffices_to_work_it_out_again(example: ExampleEntry, found: Methodology) -> None:
    trace = msgspec.json.decode(msgspec.json.encode(told(example, found)), type=Reduction)
    assert worked_out(trace) == example.grams


def worked_out(trace: Reduction) -> int:
    """The grams of a trace, by nothing but the trace and the meaning of its unit."""
    counted = trace.quantity if trace.counted is None else trace.counted
    if trace.tier_saving is not None:
        return int(Fraction(trace.tier_saving) * UNITS[trace.unit].grams * counted)
    assert trace.share is not None
    return int(Fraction(trace.saving) * UNITS[trace.unit].grams * counted * Fraction(trace.share))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_action_goes_without_an_example(path: Path) -> None:
    text = path.read_text()
    first = text.index("[[examples]]")
    second = text.index("[[examples]]", first + 1)
    action = text[first:].split('action = "')[1].split('"')[0]
    if text.count(f'[[examples]]\naction = "{action}"') == 1:
        with pytest.raises(PackUnreadable, match=f"no worked example of {action}"):
            read_methodology((text[:first] + text[second:]).encode(), "test.toml")


WUTAN = read_methodology((FOLDER / "wutan.toml").read_bytes(), "wutan.toml")
BIKE: Action = WUTAN.actions["shared_bike"]


@pytest.mark.parametrize(
    ("metres", "day", "month", "share", "counted", "period"),
    [
        (5_000, 0, 0, 1, 5_000, None),
        (30_000, 0, 0, 1, 30_000, None),
        (40_000, 0, 0, 1, 30_000, "per_day"),
        (5_000, 28_000, 28_000, 1, 2_000, "per_day"),
        (5_000, 30_000, 30_000, 1, 0, "per_day"),
        (5_000, 0, 597_000, 1, 3_000, "per_month"),
        (5_000, 28_000, 599_000, 1, 1_000, "per_month"),
        (5_000, 12_000, 12_000, "1/2", 3_000, "per_day"),
        (5_000, 16_000, 16_000, "1/2", 0, "per_day"),
    ],
)
def test_beyond_a_cap_nothing_more_counts(
    metres: int, day: int, month: int, share: str, counted: int, period: str | None
) -> None:
    found = under_caps(BIKE, metres, day, month, Fraction(share), "new_account")
    assert found.quantity == counted
    assert (found.capped_by and found.capped_by.period) == period


def test_a_capped_act_tells_which_cap_by_whose_rule_and_can_be_worked_out_again() -> None:
    counted = under_caps(BIKE, 5_000, 12_000, 12_000, Fraction(1, 2), "new_account")
    made = quantify_action(WUTAN, "shared_bike", 5_000, "proven", "420100", *counted)
    trace = msgspec.json.decode(msgspec.json.encode(made), type=Reduction)
    assert (trace.quantity, trace.counted, trace.reduction_g, trace.full_reduction_g) == (5_000, 3_000, 120, 120)
    capped = trace.capped_by
    assert capped is not None
    assert (capped.period, capped.cap, capped.limit, capped.before) == ("per_day", 30_000, 15_000, 12_000)
    assert (capped.share, capped.share_by) == ("1/2", "new_account")
    assert (capped.rule.is_policy, capped.rule.policy) == (True, "actions 2026.1")
    assert trace.counted == int(capped.cap * Fraction(capped.share)) - capped.before
    assert worked_out(trace) == trace.reduction_g
