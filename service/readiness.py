"""What an event has done under its place's rule, what it lacks, what is due when and by which clause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from scenarios.meeting import readiness_texts as texts
from scenarios.meeting.readiness import EventRecord, Step, readiness
from scenarios.meeting.readiness_terms import State, lacking, state_of, step
from scenarios.meeting.readiness_texts import filled, listed
from scenarios.meeting.rule_changes import newly_asked
from scenarios.meeting.rule_terms import Confirmation, RulePack, StandingKey, Text
from scenarios.meeting.thresholds import Standing
from scenarios.regions import jurisdiction_name
from service import event_notices, event_records, governing_rules, plans
from service.db import Connection
from service.event_facts import Facts
from service.event_notices import Notice
from service.events import Event, day_of
from service.governing_rules import Governed
from service.grounds import GroundSaid, RuleSaid, rule_said, said

FACTS = Text("说明活动的种类、规模和举办者", "Say what kind of event it is, how large, and who hosts it")
FACTS_TODO = Text(
    "填好之后，才知道规则怎样看待它、可以怎样确认。",
    "Once that is said, it is known how the rule takes it and how it may be confirmed.",
)
NO_RULE = Text("{place}没有大型活动碳中和的规则", "{place} has no rule on carbon-neutral events")
NO_RULE_TODO = Text(
    "可以自愿开展，对外说明时须注明“自愿”。下面按国家指南。",
    "It may be done of your own accord: say that it is voluntary wherever you mention it. What follows is by the "
    "national guide.",
)
BY_GUIDE = Text("国家指南推荐的核算标准", "the standards that the national guide recommends")


class StepSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the checklist. `due`: it has a last day, not yet over; `missing`: no text says by when.

    `days_left` are those up to the last day, below zero when it is over.
    """

    key: str
    title: Text
    state: State
    due_on: date | None
    days_left: int | None
    todo: Text
    missing: tuple[Text, ...]
    note: Text | None
    ground: GroundSaid | None


class WaySaid(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation that is open to the event."""

    key: Confirmation
    name: Text
    issuer: Text | None
    preferred: bool
    ground: GroundSaid | None
    note: Text | None


class StandingSaid(msgspec.Struct, frozen=True, kw_only=True):
    """How the rule takes the event. `counted` is the number of people that the rule counts, by `counting`."""

    size: str
    standing: StandingKey
    label: Text
    duty: Text
    counted: int
    counting: Text
    confirmations: tuple[WaySaid, ...]
    ground: GroundSaid | None
    note: Text | None
    unknown: Text | None


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """Another version governs than the one that the plan was published under; `asks` is what it newly asks."""

    before: RuleSaid
    asks: tuple[Text, ...]
    ground: GroundSaid | None
    switched_at: datetime | None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The whole checklist on the event's own day `today`, in the order of an event's life.

    `rule` is null where the place has none; `ground` is where it stands which version governs. `next` is the step to
    take now. `standing` is null without a rule and while too little is said of the event. `milestones` are deadlines of
    sinks, which the organizer notes as met.
    """

    event_id: UUID
    event_name: str
    today: date
    place: str
    place_name: Text
    rule: RuleSaid | None
    ground: GroundSaid | None
    voluntary: bool
    standing: StandingSaid | None
    switch: Switched | None
    facts: Facts
    next: str | None
    steps: tuple[StepSaid, ...]
    milestones: frozenset[str]
    notices: tuple[Notice, ...]


async def of_event(connection: Connection, event: Event, now: datetime) -> Readiness:
    """The checklist as it is now."""
    governed = await governing_rules.of_event(connection, event, now)
    today = day_of(event, now)
    steps = await steps_of(connection, event, governed, today)
    place = governed.facts.rule_place
    return Readiness(
        event_id=event.id,
        event_name=event.name,
        today=today,
        place=place,
        place_name=Text(jurisdiction_name(place, "zh"), jurisdiction_name(place, "en")),
        rule=rule_said(governed.rule),
        ground=said(governed.ground),
        voluntary=governed.voluntary,
        standing=standing_said(governed.standing),
        switch=await switched(connection, event, governed),
        facts=governed.facts,
        next=next_of(steps),
        steps=tuple(step_said(each, today) for each in steps),
        milestones=milestones_of(governed.rule),
        notices=await event_notices.of_event(connection, event.id),
    )


async def steps_of(connection: Connection, event: Event, governed: Governed, today: date) -> list[Step]:
    """The steps; of an event whose size is not known yet, what must be said of it."""
    first = step("facts", FACTS, "done" if governed.facts.said_at else "missing", FACTS_TODO, None)
    if governed.unknown is not None:
        todo = Text(governed.unknown.message("zh"), governed.unknown.message("en"))
        return [step("facts", FACTS, "missing", todo, governed.unknown.ground)]
    record = await event_records.of_event(connection, event, governed)
    if governed.rule is None:
        return [first, *voluntary_steps(governed.facts.rule_place, record, today)]
    return [first, *readiness(governed.rule, record, today, governed.before)]


def voluntary_steps(place: str, record: EventRecord, today: date) -> Sequence[Step]:
    """What is left where no rule is: a plan by the national guide, measures, and the accounting."""
    name = Text(jurisdiction_name(place, "zh"), jurisdiction_name(place, "en"))
    contents, ground = plans.demanded(None)
    missing = lacking(contents, record.plan_fields)
    before, plan = record.starts_on - timedelta(days=1), filled(texts.PLAN_TODO, missing=listed(missing))
    account = filled(texts.ACCOUNT_TODO, standard=BY_GUIDE)
    return [
        Step("size", filled(NO_RULE, place=name), "done", None, NO_RULE_TODO, None),
        step("plan", texts.PLAN, state_of(not missing, before, today), plan, ground, due_on=before, missing=missing),
        step(
            "measures",
            texts.MEASURES,
            state_of(record.measures_done > 0, record.ends_on, today),
            texts.MEASURES_TODO,
            ground,
            due_on=record.ends_on,
        ),
        step(
            "account",
            texts.ACCOUNT,
            state_of(record.inventory_submitted_on is not None, record.target_date, today),
            account,
            None,
            due_on=record.target_date,
        ),
    ]


def milestones_of(rule: RulePack | None) -> frozenset[str]:
    """The deadlines that a rule has for certain units alone, by key."""
    return frozenset(each.key for each in rule.deadlines if each.classes) if rule else frozenset()


def next_of(steps: Sequence[Step]) -> str | None:
    """The step to take now: the first that is overdue, else the first that is open."""
    for states in ({"overdue"}, {"due", "missing"}):
        for each in steps:
            if each.state in states:
                return each.key
    return None


def step_said(found: Step, today: date) -> StepSaid:
    """A step as it is told."""
    return StepSaid(
        key=found.key,
        title=found.title,
        state=found.state,
        due_on=found.due_on,
        days_left=(found.due_on - today).days if found.due_on else None,
        todo=found.todo,
        missing=found.missing,
        note=found.note,
        ground=said(found.ground),
    )


def standing_said(found: Standing | None) -> StandingSaid | None:
    """A standing as it is told."""
    if found is None:
        return None
    ways = tuple(
        WaySaid(
            key=each.key,
            name=each.name,
            issuer=each.issuer,
            preferred=each.preferred,
            ground=said(each.ground),
            note=each.note,
        )
        for each in found.confirmations
    )
    return StandingSaid(
        size=found.size,
        standing=found.standing,
        label=found.label,
        duty=found.duty,
        counted=found.counted,
        counting=found.counting,
        confirmations=ways,
        ground=said(found.ground),
        note=found.note,
        unknown=found.unknown,
    )


async def switched(connection: Connection, event: Event, governed: Governed) -> Switched | None:
    """The switch, if one version gave way to another, with when that was recorded."""
    rule, before = governed.rule, governed.before
    if rule is None or before is None:
        return None
    told = rule_said(before)
    assert told
    return Switched(
        before=told,
        asks=newly_asked(before, rule),
        ground=said(governed.ground),
        switched_at=await governing_rules.switched_at(connection, event.id, before, rule),
    )
