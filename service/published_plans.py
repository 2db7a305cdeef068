"""A plan as everyone may read it: the newest version that was published, under the rule that it was checked against."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.rule_terms import OffsetClass, RulePack, Text
from scenarios.meeting.thresholds import classify
from scenarios.refusals import CarbonRefusal
from service import event_facts, governing_rules, plans
from service.db import Connection
from service.errors import NotFound
from service.event_facts import Facts
from service.events import Event
from service.grounds import GroundSaid, RuleSaid, rule_said, said
from service.line_inputs import days_of
from service.plans import PlanContent, Surplus


class PlannedOffset(msgspec.Struct, frozen=True):
    """So many grams of a class of units."""

    unit: OffsetClass
    name: Text
    grams: int


class PublishedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What everyone may know of the plan. `standing` is how the rule takes the event, null where it has none."""

    event_id: UUID
    event_name: str
    organizer: str
    venue: str
    time_zone: str
    first: date
    last: date
    number: int
    content: PlanContent
    offsets: tuple[PlannedOffset, ...]
    surplus: Surplus
    published_at: datetime
    rule: RuleSaid | None
    ground: GroundSaid | None
    standing: Text | None
    voluntary: bool


async def of_event(connection: Connection, event: Event) -> PublishedPlan:
    """The newest published version. Raises NotFound where none was published."""
    row = await connection.fetchrow(
        """
        SELECT plans.number, content, surplus, published_at, rule, organizations.name AS organizer
        FROM plan_publications JOIN neutrality_plans AS plans USING (event_id, number)
        JOIN events ON events.id = event_id JOIN organizations ON organizations.id = organization_id
        WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        """,
        event.id,
    )
    if row is None:
        raise NotFound
    rule = await governing_rules.pinned_rule(connection, row["rule"]) if row["rule"] else None
    content = msgspec.json.decode(row["content"], type=PlanContent)
    label, voluntary = standing_of(rule, await event_facts.of_event(connection, event))
    days = days_of(event)
    return PublishedPlan(
        event_id=event.id,
        event_name=event.name,
        organizer=row["organizer"],
        venue=event.venue,
        time_zone=event.time_zone,
        first=days.first,
        last=days.last,
        number=row["number"],
        content=content,
        offsets=tuple(PlannedOffset(unit, CLASS_LABELS[unit], grams) for unit, grams in content.offsets.items()),
        surplus=row["surplus"],
        published_at=row["published_at"],
        rule=rule_said(rule),
        ground=said(plans.demanded(rule)[1]),
        standing=label,
        voluntary=voluntary,
    )


async def is_published(connection: Connection, event_id: UUID) -> bool:
    """Has the event a published plan?"""
    found = await connection.fetchval("SELECT EXISTS (SELECT FROM plan_publications WHERE event_id = $1)", event_id)
    return bool(found)


def standing_of(rule: RulePack | None, facts: Facts) -> tuple[Text | None, bool]:
    """How the rule takes the event, and whether it acts of its own accord."""
    if rule is None:
        return None, True
    try:
        standing = classify(rule, facts.facts)
    except CarbonRefusal:  # it was known when the plan was published; what was said since does not suffice
        return None, False
    return standing.label, standing.voluntary
