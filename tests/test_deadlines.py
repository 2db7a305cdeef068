"""When an event must be neutral: calendar months, from its end, as its place says."""

from __future__ import annotations

from datetime import date

import pytest

from scenarios.meeting.deadlines import FILE, deadlines, due_for, months_after, read_reminders, reminder_policy
from scenarios.refusals import PackUnreadable
from tests.ruled import FIVE, GUANGDONG, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, rule

END = date(2026, 5, 3)


def days(place: str, *classes: str, end: date = END) -> dict[str, date | None]:
    return {each.key: each.due_on for each in deadlines(rule(place), end, classes)}  # type: ignore[arg-type]


def test_each_place_counts_its_own_months() -> None:
    assert days(HAINAN) == {"neutral": date(2026, 11, 3)}
    assert days(JINING) == {"neutral": date(2026, 11, 3)}
    assert days(SHANGHAI) == {"neutral": date(2027, 5, 3)}
    assert days(SHANXI) == {"neutral": date(2027, 5, 3)}
    assert days(GUANGDONG) == {"neutral": date(2027, 5, 3)}
    assert days(SHENZHEN) == {"neutral": None}
    for place in FIVE.values():
        for each in deadlines(rule(place), END):
            assert each.in_principle or place == SHENZHEN, "原则上"
            assert each.ground.citation or each.ground.policy


def test_shenzhen_names_no_deadline_and_says_whom_to_ask() -> None:
    (found,) = deadlines(rule(SHENZHEN), END, ["new_forestry"])
    assert found.due_on is None
    assert found.ground.policy
    assert found.ask
    assert "深圳市生态环境局" in found.ask.zh
    assert found.reminders() == ()
    assert not found.overdue(date(2099, 1, 1))


def test_jinings_sinks_are_filed_in_a_year_and_settled_in_two() -> None:
    alone = {"sink_filed": date(2027, 5, 3), "sink_settled": date(2028, 5, 3)}
    assert days(JINING, "new_forestry") == alone
    assert days(JINING, "marine_sink") == alone
    assert days(JINING, "marine_sink", "ccer") == {"neutral": date(2026, 11, 3), **alone}
    assert days(JINING, "ccer") == {"neutral": date(2026, 11, 3)}
    found = deadlines(rule(JINING), END, ["marine_sink", "ccer"])
    assert [each.key for each in found] == ["neutral", "sink_filed", "sink_settled"], "the earliest first"
    assert [each.key for each in due_for(found, "marine_sink")] == ["sink_filed", "sink_settled"]
    assert [each.key for each in due_for(found, "ccer")] == ["neutral"]


def test_shanxis_forestry_has_six_years() -> None:
    assert days(SHANXI, "new_forestry") == {"forestry": date(2032, 5, 3)}
    assert days(SHANXI, "new_forestry", end=date(2024, 2, 29)) == {"forestry": date(2030, 2, 28)}
    (found,) = deadlines(rule(SHANXI), END, ["new_forestry"])
    assert not found.overdue(date(2032, 5, 3))
    assert found.overdue(date(2032, 5, 4))
    assert not found.in_principle
    assert days(SHANXI, "marine_sink") == {"neutral": date(2027, 5, 3)}, "only forestry has its own"


@pytest.mark.parametrize(
    ("end", "months", "due"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 2, 29), 6, date(2024, 8, 29)),
        (date(2026, 12, 31), 6, date(2027, 6, 30)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(2026, 6, 1), 12, date(2027, 6, 1)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
    ],
)
def test_calendar_months_end_on_the_months_last_day(end: date, months: int, due: date) -> None:
    assert months_after(end, months) == due


def test_a_leap_day_is_held_by_a_place() -> None:
    assert days(SHANGHAI, end=date(2024, 2, 29)) == {"neutral": date(2025, 2, 28)}
    assert days(HAINAN, end=date(2026, 8, 31)) == {"neutral": date(2027, 2, 28)}


def test_reminders_are_policy_and_fall_before_and_a_day_after() -> None:
    (found,) = deadlines(rule(HAINAN), END)
    assert found.reminders() == (
        date(2026, 8, 5),
        date(2026, 10, 4),
        date(2026, 10, 27),
        date(2026, 11, 2),
        date(2026, 11, 4),
    )
    assert reminder_policy().id == "deadlines"


@pytest.mark.parametrize("days", ["[]", "[7, 30]", "[7, 7]", "[0]", "[400]", "[1.5]"])
def test_reminders_that_cannot_be_right_are_refused(days: str) -> None:
    good = FILE.read_text("utf-8")
    with pytest.raises(PackUnreadable):
        read_reminders(good.replace("[90, 30, 7, 1]", days).encode(), "test.toml")
