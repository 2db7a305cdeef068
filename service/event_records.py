"""What has been done for an event, from every table that knows, as readiness reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from scenarios.meeting.fill_plans import departure
from scenarios.meeting.readiness_terms import EventRecord, is_neutral
from scenarios.meeting.rule_terms import FieldKey, OffsetClass, RulePack
from service import event_marks, neutrality_records, plans, unit_holdings
from service.db import Connection
from service.event_marks import Mark
from service.events import Event, day_of
from service.governing_rules import Governed
from service.line_inputs import days_of
from service.unit_holdings import Held


async def of_event(connection: Connection, event: Event, governed: Governed) -> EventRecord:
    """The record under the rule that governs."""
    days = days_of(event)
    row = await sums_of(connection, event)
    marks = await event_marks.of_event(connection, event.id)
    plan = await plans.newest(connection, event, governed)
    held = await unit_holdings.of_event(connection, event.id)
    facts = governed.facts
    record = EventRecord(
        facts=facts.facts,
        starts_on=days.first,
        ends_on=days.last,
        label=facts.label,
        confirmation=row["way"] if row["way"] and row["withdrawn_at"] is None else facts.confirmation,
        measures_done=row["measures_done"],
        plan_fields=plans.present(plan.content, governed) if plan else frozenset(),
        plan_published_on=local(event, row["plan_published_at"]),
        target_date=plan.content.target_date if plan else None,
        inventory_submitted_on=local(event, row["submitted_at"]),
        basic_g=row["basic_g"],
        full_g=row["full_g"],
        unproven=frozenset(row["unproven"]),
        certificate_applied_on=local(event, row["applied_at"]),
        **offset(governed.rule, plan.content.offsets if plan else {}, held, marks.get("order")),
        **confirmed(event, row),
        **marked(marks),
    )
    return record if record.declared_on else replace(record, declaration_fields=known_fields(governed.rule, record))


async def sums_of(connection: Connection, event: Event) -> Any:
    """One row of what several tables know."""
    return await connection.fetchrow(
        """
        SELECT (
            SELECT count(*) FROM (
                SELECT DISTINCT ON (key) state FROM event_measures WHERE event_id = $1 ORDER BY key, id DESC
            ) AS newest WHERE state = 'done'
        ) AS measures_done,
        (SELECT max(published_at) FROM plan_publications WHERE event_id = $1) AS plan_published_at,
        ARRAY(
            SELECT DISTINCT class FROM offset_units
            WHERE event_id = $1 AND state = 'retired' AND retired_file_id IS NULL
        ) AS unproven,
        greatest(
            (SELECT max(applied_at) FROM certificate_applications WHERE event_id = $1 AND granted IS NOT false),
            (SELECT max(engaged_at) FROM engagements WHERE event_id = $1 AND ended_at IS NULL)
        ) AS applied_at,
        inventory.made_at AS submitted_at, basic_g, full_g, confirmation.*
        FROM (SELECT 1) AS always LEFT JOIN LATERAL (
            SELECT made_at, basic_g, full_g FROM inventories WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        ) AS inventory ON true LEFT JOIN LATERAL (
            SELECT way, record, confirmed_at, withdrawn_at FROM confirmations
            WHERE event_id = $1 ORDER BY withdrawn_at IS NULL DESC, confirmed_at DESC LIMIT 1
        ) AS confirmation ON true
        """,
        event.id,
    )


def local(event: Event, at: datetime | None) -> date | None:
    """The event's own day at an instant."""
    return at and day_of(event, at)


def offset(
    rule: RulePack | None, planned: Mapping[OffsetClass, int], held: Iterable[Held], order: Mark | None
) -> dict[str, Any]:
    """What is planned and retired by class, and whether the retirements keep to the recommended order.

    What is held besides the plan is meant to be retired too.
    """
    counted = unit_holdings.taken_only(rule, held)
    retired, meant = Counter[OffsetClass](), Counter[OffsetClass]()
    for each in counted:
        retired[each.unit.unit] += each.retired_g
        meant[each.unit.unit] += each.retired_g + each.held_g
    used = {each.key: each.retired_g for each in counted}
    holdings = [unit_holdings.as_holding(rule, each, each.held_g + each.retired_g) for each in counted]
    left = departure(rule, used, holdings) if rule else None
    classes = [*planned, *(unit for unit, grams in meant.items() if grams and unit not in planned)]
    return {
        "planned_g": {unit: max(planned.get(unit, 0), meant[unit]) for unit in classes},
        "retired_g": {unit: grams for unit, grams in retired.items() if grams},
        "left_order": left is not None,
        "order_reason": order.note if order else "",
    }


def confirmed(event: Event, row: Any) -> dict[str, Any]:
    """The confirmation in force, else the newest that was withdrawn."""
    if row["way"] is None:
        return {}
    on, withdrawn_on = local(event, row["confirmed_at"]), local(event, row["withdrawn_at"])
    if row["way"] != "self_declaration":
        return {"certificate_granted_on": on, "withdrawn_on": withdrawn_on}
    fields = neutrality_records.decode_record(row["record"]).fields
    return {
        "declared_on": on,
        "withdrawn_on": withdrawn_on,
        "declaration_fields": frozenset(each.key for each in fields),
    }


def known_fields(rule: RulePack | None, record: EventRecord) -> frozenset[FieldKey]:
    """The fields of a declaration that can be filled before it is made."""
    neutral = rule is not None and is_neutral(rule, record)
    known: dict[FieldKey, object] = {
        "emissions_g": record.inventory_submitted_on,
        "to_offset_g": record.inventory_submitted_on,
        "boundary": record.inventory_submitted_on,
        "offset_method": record.retired_g,
        "neutral_on": neutral,
        "confirmation": record.confirmation,
        "label": record.label or (rule is not None and len(rule.labels) == 1),
        "measures": record.measures_done,
        "reductions": record.measures_done,
    }
    return frozenset([*record.plan_fields, *plans.ALWAYS, "size", *(key for key, value in known.items() if value)])


def marked(marks: Mapping[str, Mark]) -> dict[str, Any]:
    """What the organizer noted as done."""
    done = {key: each.done_on for key, each in marks.items() if each.done_on is not None}
    disclosed = marks.get("disclose")
    return {
        "reported": units_in(done, "report_"),
        "milestones": {key.removeprefix("milestone_"): on for key, on in done.items() if key.startswith("milestone_")},
        "duties_done": frozenset(key.removeprefix("duty_") for key in done if key.startswith("duty_")),
        "retirements_published_on": done.get("publish_retirements"),
        "disclosed_on": done.get("disclose"),
        "disclosed_fields": fields_in(disclosed) if disclosed and disclosed.done_on else frozenset(),
    }


def units_in(done: Mapping[str, date], prefix: str) -> frozenset[OffsetClass]:
    """Classes of units named by keys."""
    names = [key.removeprefix(prefix) for key in done if key.startswith(prefix)]
    return msgspec.convert(names, frozenset[OffsetClass])


def fields_in(mark: Mark) -> frozenset[FieldKey]:
    """The fields that a mark names."""
    return msgspec.convert(mark.fields, frozenset[FieldKey])
