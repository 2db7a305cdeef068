"""What readiness is told of an event, and what it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Literal

import msgspec

from scenarios.meeting.readiness_texts import NOTHING
from scenarios.meeting.rule_terms import (
    Confirmation,
    Contents,
    FieldKey,
    Ground,
    Label,
    OffsetClass,
    RulePack,
    Text,
)
from scenarios.meeting.thresholds import EventFacts

State = Literal["done", "missing", "due", "overdue", "not_needed"]
"""due: there is a last day, and it is not over. missing: to be done, but no text says by when."""


class EventRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What has been done for an event. Days are in its time zone; grams are CO2e; what is null has not happened.

    `planned_g`: what the organizer means to retire, by class; `retired_g`: what is. `unproven`: classes retired
    without a proof attached; `reported`: classes whose retirement the organizer told the authority. `milestones`:
    deadlines of sinks that were met, by key. `label`: the one wanted, where the place has several. `confirmation`:
    the way chosen. `duties_done`: keys of the pack's duties noted as done.
    """

    facts: EventFacts
    starts_on: date
    ends_on: date
    plan_fields: frozenset[FieldKey] = frozenset()
    plan_published_on: date | None = None
    target_date: date | None = None
    measures_done: int = 0
    inventory_submitted_on: date | None = None
    basic_g: int | None = None
    full_g: int | None = None
    planned_g: Mapping[OffsetClass, int] = {}
    retired_g: Mapping[OffsetClass, int] = {}
    left_order: bool = False
    order_reason: str = ""
    unproven: frozenset[OffsetClass] = frozenset()
    reported: frozenset[OffsetClass] = frozenset()
    retirements_published_on: date | None = None
    milestones: Mapping[str, date] = {}
    label: Literal["neutral", "basic", "full"] | None = None
    confirmation: Confirmation | None = None
    declaration_fields: frozenset[FieldKey] = frozenset()
    declared_on: date | None = None
    certificate_applied_on: date | None = None
    certificate_granted_on: date | None = None
    withdrawn_on: date | None = None
    disclosed_fields: frozenset[FieldKey] = frozenset()
    disclosed_on: date | None = None
    duties_done: frozenset[str] = frozenset()

    @property
    def classes(self) -> tuple[OffsetClass, ...]:
        """Everything that it is or will be offset with."""
        return tuple(dict.fromkeys([*self.planned_g, *self.retired_g]))

    @property
    def total_retired_g(self) -> int:
        """All that is retired for it."""
        return sum(self.retired_g.values())


class Step(msgspec.Struct, frozen=True):
    """A line of the checklist. `missing` names the fields lacking; `ground` is null for the product's own steps."""

    key: str
    title: Text
    state: State
    due_on: date | None
    todo: Text
    ground: Ground | None
    missing: tuple[Text, ...] = ()
    note: Text | None = None


def state_of(done: bool, due_on: date | None, today: date) -> State:
    """Done, or not; and then whether the last day is over."""
    if done:
        return "done"
    if due_on is None:
        return "missing"
    return "overdue" if today > due_on else "due"


def step(
    key: str,
    title: Text,
    state: State,
    todo: Text,
    ground: Ground | None,
    *,
    due_on: date | None = None,
    missing: tuple[Text, ...] = (),
    note: Text | None = None,
) -> Step:
    """A step; once done or not needed, nothing remains to do."""
    if state in {"done", "not_needed"}:
        return Step(key, title, state, due_on, todo if state == "not_needed" else NOTHING, ground, (), note)
    return Step(key, title, state, due_on, todo, ground, missing, note)


def lacking(contents: Contents | None, present: Collection[FieldKey]) -> tuple[Text, ...]:
    """The fields that a document still lacks, in the text's words."""
    return tuple(each.label for each in contents.fields if each.key not in present) if contents else ()


def label_of(rule: RulePack, record: EventRecord) -> Label:
    """The label wanted; where none is named, the pack's last, which asks the most."""
    return next((each for each in rule.labels if each.key == record.label), rule.labels[-1])


def needed_g(rule: RulePack, record: EventRecord) -> int | None:
    """How much must be retired for the label wanted; null before the inventory is submitted."""
    return record.basic_g if label_of(rule, record).scope == "basic" else record.full_g


def is_neutral(rule: RulePack, record: EventRecord) -> bool:
    """Has at least as much been retired as was emitted?"""
    need = needed_g(rule, record)
    return record.inventory_submitted_on is not None and need is not None and record.total_retired_g >= need


def earned_label(rule: RulePack, record: EventRecord) -> Label | None:
    """The widest label that what was retired reaches, if any: full before basic."""
    for each in reversed(rule.labels):
        if is_neutral(rule, msgspec.structs.replace(record, label=each.key)):
            return each
    return None
