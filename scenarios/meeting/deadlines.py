"""When an event must be neutral: calendar months from its end, as its place's rule says; reminders by policy."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import parse_toml, require
from scenarios.meeting.rule_terms import SINKS, DeadlineRule, Ground, OffsetClass, RulePack, Text

FILE = Path(__file__).parent.parent / "policies" / "deadlines.toml"


class Reminders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's policy: on how many days before a deadline the organizer is reminded, the first first."""

    id: str
    version: str
    decided_on: date
    remind_days_before: tuple[int, ...]


class Deadline(msgspec.Struct, frozen=True):
    """Something that is due. `due_on` is its last day; null where no text says, and `ask` tells what to do.

    `classes`: for what is offset with these alone. `in_principle`: the text says 原则上.
    """

    key: str
    what: Text
    due_on: date | None
    months: int | None
    classes: tuple[OffsetClass, ...]
    in_principle: bool
    ask: Text | None
    ground: Ground
    note: Text | None

    def overdue(self, today: date) -> bool:
        """Has its last day passed?"""
        return self.due_on is not None and today > self.due_on

    def reminders(self) -> tuple[date, ...]:
        """The days on which to remind, in order: those before, and the day after."""
        if self.due_on is None:
            return ()
        before = [self.due_on - timedelta(days=days) for days in reminder_policy().remind_days_before]
        return (*before, self.due_on + timedelta(days=1))


def months_after(day: date, months: int) -> date:
    """The same day of the month, so many calendar months later; else that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def deadlines(rule: RulePack, ends_on: date, classes_used: Collection[OffsetClass] = ()) -> list[Deadline]:
    """What is due of an event that ended on that day in its own time zone, the earliest first, undated last.

    A sink that has its own deadline is not held to the general one; what else is used is, and so is an event that
    has not chosen yet.
    """
    own = {unit for each in rule.deadlines for unit in each.classes}
    others = not classes_used or any(unit not in own for unit in classes_used)
    found = [
        _deadline(rule, each, ends_on)
        for each in rule.deadlines
        if (set(each.classes) & set(classes_used) if each.classes else others)
    ]
    return sorted(found, key=lambda each: (each.due_on is None, each.due_on or date.max, each.key))


def due_for(found: Sequence[Deadline], unit: OffsetClass) -> list[Deadline]:
    """Those of the deadlines that hold for units of that class."""
    own = [each for each in found if unit in each.classes]
    return own or [each for each in found if not each.classes]


def has_own_deadline(rule: RulePack, unit: OffsetClass) -> bool:
    """Has a sink of that class a deadline of its own here?"""
    return unit in SINKS and any(unit in each.classes for each in rule.deadlines)


def _deadline(rule: RulePack, said: DeadlineRule, ends_on: date) -> Deadline:
    return Deadline(
        key=said.key,
        what=said.what,
        due_on=None if said.months is None else months_after(ends_on, said.months),
        months=said.months,
        classes=said.classes,
        in_principle=said.in_principle,
        ask=said.ask,
        ground=rule.ground(said),
        note=said.note,
    )


@cache
def reminder_policy() -> Reminders:
    """The operator's policy on reminders. Raises PackUnreadable."""
    return read_reminders(FILE.read_bytes(), FILE.name)


def read_reminders(content: bytes, name: str) -> Reminders:
    """The policy from its file's bytes. Raises PackUnreadable."""
    found = parse_toml(content, Reminders, name)
    days = found.remind_days_before
    require(bool(days) and list(days) == sorted(set(days), reverse=True), name, "the days are not in falling order")
    require(all(1 <= each <= 366 for each in days), name, "a reminder is not within 1 to 366 days")
    return found
