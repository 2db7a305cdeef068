"""Blocks of serials as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.meeting.serial_texts import MOST_DIGITS, Serials, read_serials, run, series_of
from scenarios.policies.registries import registries

NUMBERS = st.integers(0, 10**MOST_DIGITS - 1)


def wide(text: str) -> str:
    """The same in the wide characters that Chinese keyboards type."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PREFIX 000123–000456", Serials("PREFIX", 123, 456)),
        ("ccer-2024-000123-000456", Serials("CCER-2024", 123, 456)),
        ("CCER 000123 — CCER 000456", Serials("CCER", 123, 456)),
        ("000123 至 000456", Serials("", 123, 456)),
        (wide("AB12~34"), Serials("AB", 12, 34)),
        ("AB 7", Serials("AB", 7, 7)),
    ],
)
def test_a_block_is_read_in_the_forms_that_people_use(text: str, found: Serials) -> None:
    assert read_serials(text) == found


@pytest.mark.parametrize("text", ["", "CCER", "CCER 9–3", "CCER 1–2 3", "AB 1 – CD 2", "1" * 19, f"{'A' * 101} 1–2"])
def test_what_names_no_block_or_runs_backwards_is_none(text: str) -> None:
    assert read_serials(text) is None


@given(st.from_regex(r"[A-Z]{2}(-[A-Z0-9]{1,5}[A-Z]){0,3}", fullmatch=True), NUMBERS, NUMBERS)
def test_what_is_shown_is_read_as_the_same_block(series: str, one: int, other: int) -> None:
    block = run(series_of(series), *sorted((one, other)))
    assert block is not None
    assert read_serials(block.text) == block


def test_whatever_sets_parts_apart_makes_no_other_series() -> None:
    assert {series_of(each) for each in ("hn 2024/a", "HN-2024-A", " hn_2024.A- ", wide("HN-2024") + "—A")} == {
        "HN-2024-A"
    }


def test_every_registry_is_known_once_and_registers_something() -> None:
    known = registries()
    assert known.find("CCER") in known.of("ccer")
    assert not any("citizen_credits" in each.classes for each in known.registries)
    assert known.find("ccer") is None, "keys are capitals: whoever asks has them so"
