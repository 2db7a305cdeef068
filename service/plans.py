"""The neutrality plan (碳中和实施计划): made in versions, checked against the rule, published where it says so."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.national_guide import guide
from scenarios.meeting.offset_classes import CLASS_LABELS, admitted_classes
from scenarios.meeting.readiness_terms import lacking
from scenarios.meeting.readiness_texts import listed
from scenarios.meeting.rule_terms import Contents, FieldKey, Ground, OffsetClass, RulePack, Text
from service import donation_needs, estimates, event_measures, governing_rules
from service.access import Caller
from service.db import Connection, encode_json
from service.errors import BadInput, Conflict, NotFound, NotNow
from service.event_measures import MeasureKey, Words
from service.events import Event
from service.governing_rules import Governed
from service.grounds import GroundSaid, RuleSaid, rule_said, said
from service.line_inputs import days_of

Stage = Literal["prepare", "hold", "close"]
Scope = Literal["basic", "full"]
Surplus = Literal["keep", "return"]
Grams = Annotated[int, Meta(ge=1, le=10**15, description="Grams CO2e.")]
ALWAYS: tuple[FieldKey, ...] = ("name", "organizer", "held_at", "place")
"""Fields that the event itself holds."""
STAGES: dict[Stage, Text] = {
    "prepare": Text("筹备", "Preparation"),
    "hold": Text("举办", "Holding"),
    "close": Text("收尾", "Closing"),
}


class BoundaryTooNarrow(BadInput):
    """核算边界还须包括：{missing}。"""

    code = "boundary_too_narrow"


class PlannedClassNotListed(BadInput):
    """本地规则没有列入“{unit}”；列入的有：{listed}。"""

    code = "planned_class_not_listed"


class TargetBeforeEnd(BadInput):
    """预期实现碳中和的时间不能早于活动结束的 {ends_on}。"""

    code = "target_before_end"


class EstimateTwice(BadInput):
    """预估排放量要么填写，要么按运营方的假设估算，只选一种。"""

    code = "estimate_twice"


class PlanIncomplete(NotNow):
    """计划还不能公布，还缺：{missing}。"""

    code = "plan_incomplete"


class PlanOvertaken(Conflict):
    """已有更新的第 {number} 版计划，应公布新的一版。"""

    code = "plan_overtaken"


class PlanPublishedAlready(Conflict):
    """这一版计划已经公布。"""

    code = "plan_published_already"


class NewBoundary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What will be accounted for: the basic scope or all of it, in which stages; `said` is more in words."""

    scope: Scope
    stages: Annotated[list[Stage], Meta(min_length=1, max_length=3)]
    said: Words | None = None


class NewPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A version of the plan; what is not known yet may be left out until it is published.

    `estimate_g` is the organizer's own; with `estimate_by_assumptions` it is reckoned from the operator's. `measures`
    are keys of the rule's catalogue or of the event's own measures. `offsets` are grams planned by class of units.
    """

    about: Words | None = None
    boundary: NewBoundary | None = None
    estimate_g: Grams | None = None
    estimate_by_assumptions: bool = False
    measures: Annotated[list[MeasureKey], Meta(max_length=100)] = []
    offsets: Annotated[dict[OffsetClass, Grams], Meta(max_length=10)] = {}
    target_date: date | None = None


class PlannedMeasure(msgspec.Struct, frozen=True):
    """A measure that the plan names, in words."""

    key: str
    words: Text


class PlanContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a version holds. `by_assumptions`: the estimate is by the operator's."""

    about: str | None = None
    boundary: NewBoundary | None = None
    estimate_g: int | None = None
    by_assumptions: bool = False
    measures: tuple[PlannedMeasure, ...] = ()
    offsets: dict[OffsetClass, int] = {}
    target_date: date | None = None

    @property
    def present(self) -> frozenset[FieldKey]:
        """The fields that it fills, with those that the event itself holds."""
        filled: dict[FieldKey, object] = {
            "content": self.about,
            "boundary": self.boundary,
            "estimate_g": self.estimate_g is not None,
            "measures": self.measures,
            "offset_method": self.offsets,
            "target_date": self.target_date,
        }
        return frozenset([*ALWAYS, *(key for key, value in filled.items() if value)])


class NewPublication(msgspec.Struct, forbid_unknown_fields=True):
    """Publish a version. `surplus`: donations beyond the need are kept for retirement, or returned."""

    number: Annotated[int, Meta(ge=1, le=1_000_000)]
    surplus: Surplus


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """That a version was published, with the rule that it was checked against."""

    number: int
    surplus: Surplus
    estimate_g: int
    published_by: UUID
    published_at: datetime
    rule: RuleSaid | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the plan. `missing` are what its rule asks besides, in the text's words, by `ground`.

    `voluntary`: no rule reaches the event, or its place has none (`rule` null); `ground` is the national guide then.
    """

    event_id: UUID
    number: int
    content: PlanContent
    made_by: UUID
    made_at: datetime
    rule: RuleSaid | None
    voluntary: bool
    missing: tuple[Text, ...]
    ground: GroundSaid | None
    publication: Publication | None


async def save(connection: Connection, caller: Caller, event: Event, new: NewPlan, now: datetime) -> Plan:
    """Keep a version; those before stay.

    Raises BoundaryTooNarrow, PlannedClassNotListed, TargetBeforeEnd, EstimateTwice, MeasureUnknown, and CarbonRule
    where the estimate cannot be reckoned.
    """
    governed = await governing_rules.of_event(connection, event, now)
    check(event, governed.rule, new)
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    planned = await event_measures.plan(connection, caller, event, governed.rule, new.measures, now)
    estimate_g = new.estimate_g
    if new.estimate_by_assumptions:
        estimate_g = (await estimates.for_event(connection, event)).emissions_g
    content = PlanContent(
        about=new.about and new.about.strip(),
        boundary=new.boundary,
        estimate_g=estimate_g,
        by_assumptions=new.estimate_by_assumptions,
        measures=tuple(PlannedMeasure(each.key, each.words) for each in planned),
        offsets=new.offsets,
        target_date=new.target_date,
    )
    await connection.execute(
        """
        INSERT INTO neutrality_plans (event_id, number, content, made_by, made_at)
        SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4 FROM neutrality_plans WHERE event_id = $1
        """,
        event.id,
        encode_json(content),
        caller.member,
        now,
    )
    made = await newest(connection, event, governed)
    assert made is not None
    return made


def check(event: Event, rule: RulePack | None, new: NewPlan) -> None:
    """Raise what `save` refuses of a plan by itself."""
    if new.estimate_g is not None and new.estimate_by_assumptions:
        raise EstimateTwice
    ends_on = days_of(event).last
    if new.target_date is not None and new.target_date < ends_on:
        raise TargetBeforeEnd(ends_on=ends_on.isoformat())
    if rule is not None:
        check_boundary(rule, new.boundary)
        check_offsets(rule, new)


def check_boundary(rule: RulePack, boundary: NewBoundary | None) -> None:
    """Raise BoundaryTooNarrow where the rule asks for more."""
    if boundary is None:
        return
    missing = [STAGES[each] for each in rule.accounting.stages if each not in boundary.stages]
    if rule.accounting.scope == "full" and boundary.scope == "basic":
        missing.append(Text("拓展范围", "the extended scope"))
    if missing:
        raise BoundaryTooNarrow(missing=listed(missing)).under(rule.ground(rule.accounting))


def check_offsets(rule: RulePack, new: NewPlan) -> None:
    """Raise PlannedClassNotListed for a class that the rule does not list on any condition."""
    admitted = admitted_classes(rule)
    for unit in new.offsets:
        if unit not in admitted:
            labels = listed([CLASS_LABELS[each] for each in admitted])
            ground = rule.ground(rule.offsets[0])
            raise PlannedClassNotListed(unit=CLASS_LABELS[unit], listed=labels).under(ground)


async def newest(connection: Connection, event: Event, governed: Governed) -> Plan | None:
    """The newest version, published or not; null before any."""
    row = await connection.fetchrow(
        """
        SELECT plans.number, content, made_by, made_at, surplus, estimate_g, published_by, published_at, rule
        FROM neutrality_plans AS plans LEFT JOIN plan_publications USING (event_id, number)
        WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        """,
        event.id,
    )
    if row is None:
        return None
    content = msgspec.json.decode(row["content"], type=PlanContent)
    contents, ground = demanded(governed.rule)
    pinned = await governing_rules.pinned_rule(connection, row["rule"]) if row["rule"] else None
    publication = None
    if row["published_at"] is not None:
        values = {key: row[key] for key in ("number", "surplus", "estimate_g", "published_by", "published_at")}
        publication = Publication(rule=rule_said(pinned), **values)
    return Plan(
        event_id=event.id,
        number=row["number"],
        content=content,
        made_by=row["made_by"],
        made_at=row["made_at"],
        rule=rule_said(governed.rule),
        voluntary=governed.voluntary,
        missing=lacking(contents, present(content, governed)),
        ground=said(ground),
        publication=publication,
    )


def demanded(rule: RulePack | None) -> tuple[Contents | None, Ground | None]:
    """What a plan must hold, and by which clause: the rule's, or the national guide's where there is no rule."""
    if rule is None:
        return guide().plan, guide().ground
    contents = rule.contents_of("plan")
    return contents, rule.ground(contents) if contents else None


def present(content: PlanContent, governed: Governed) -> frozenset[FieldKey]:
    """The fields that a plan fills, with what is said of the event."""
    facts = governed.facts
    said_of_it: dict[FieldKey, object] = {"size": facts.said_at, "confirmation": facts.confirmation}
    return content.present | {key for key, value in said_of_it.items() if value}


async def publish(connection: Connection, caller: Caller, event: Event, new: NewPublication, now: datetime) -> Plan:
    """Publish the newest version: its rule is kept as it is now, and donations are measured against it from now on.

    Raises NotFound, PlanOvertaken, PlanPublishedAlready, PlanIncomplete naming what is missing by which clause, and
    CarbonRule while too little is said of the event to know how the rule takes it.
    """
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    governed = await governing_rules.of_event(connection, event, now)
    if governed.unknown is not None:
        raise governed.unknown
    plan = await newest(connection, event, governed)
    if plan is None or new.number > plan.number:
        raise NotFound
    if new.number < plan.number:
        raise PlanOvertaken(number=plan.number)
    if plan.publication is not None:
        raise PlanPublishedAlready
    if plan.missing:
        raise PlanIncomplete(missing=listed(plan.missing)).under(demanded(governed.rule)[1])
    if plan.content.estimate_g is None:
        raise PlanIncomplete(missing=Text("预估排放量", "the estimated emissions")).under(guide().ground)
    await write_publication(connection, caller, plan, governed.rule, new.surplus, now)
    await donation_needs.reckon(connection, event.id, now)
    published = await newest(connection, event, governed)
    assert published is not None
    return published


async def write_publication(
    connection: Connection, caller: Caller, plan: Plan, rule: RulePack | None, surplus: Surplus, now: datetime
) -> None:
    """Write that a version is published under a rule, which is kept."""
    await connection.execute(
        """
        INSERT INTO plan_publications (event_id, number, rule, surplus, estimate_g, published_by, published_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        plan.event_id,
        plan.number,
        await governing_rules.pin(connection, rule) if rule else None,
        surplus,
        plan.content.estimate_g,
        caller.member,
        now,
    )
