"""An event's fill plan: what it holds and is offered, in the order that its rule recommends, and what each covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from scenarios.meeting.fill_plans import Holding, fill_plan
from scenarios.meeting.offset_classes import CLASS_LABELS, NEED_LABELS, NOT_LISTED, Admission
from scenarios.meeting.rule_terms import OffsetClass, RulePack, Text
from service import donation_needs, event_marks, events, governing_rules, tallies, unit_holdings
from service.db import Connection
from service.grounds import GroundSaid, RuleSaid, rule_said, said
from service.unit_holdings import Held

State = Literal["held", "offered"]


class What(msgspec.Struct, frozen=True, kw_only=True):
    """Units alike. Credits have a `methodology`; of other registries' units, `units_id` names the block."""

    unit: OffsetClass
    name: Text
    state: State
    grams: int
    place: str
    registry: str = ""
    vintage: int | None = None
    methodology: str = ""
    units_id: UUID | None = None


class FillSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What they cover of the need, in the rule's words. `rank`: null where the text gives them none."""

    what: What
    rank: int | None
    words: Text
    covers_g: int
    left_g: int
    ground: GroundSaid | None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule does not take: why, and all that is lacking."""

    what: What
    code: str
    why: Text
    lacking: tuple[Text, ...]
    ground: GroundSaid | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A fill plan. `need_g` is null while nothing is known of it; `settled` once an inventory was submitted.

    `retired_g` is done; `to_fill_g` is left to fill, `uncovered_g` beyond all that there is. `order_reason`: why the
    order was left, once the organizer noted it. No `rule`: everything is taken, and the event is voluntary.
    """

    event_id: UUID
    rule: RuleSaid | None
    voluntary: bool
    recommended: bool
    order: GroundSaid | None
    order_reason: str
    need_g: int | None
    settled: bool
    retired_g: int
    to_fill_g: int
    uncovered_g: int
    left_g: int
    fills: tuple[FillSaid, ...]
    not_taken: tuple[Refused, ...]


async def of_event(connection: Connection, event_id: UUID, now: datetime) -> Plan:
    """The plan by what was folded last, however many donations there are. Raises NotFound."""
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now)
    need_g, settled = await need_of(connection, event_id, donation_needs.scope_wanted(governed.rule, governed.facts))
    marks = await event_marks.of_event(connection, event_id)
    held = await unit_holdings.of_event(connection, event_id)
    retired_g = sum(each.retired_g for each in unit_holdings.taken_only(governed.rule, held))
    to_fill_g = max((need_g or 0) - retired_g, 0)
    fills, not_taken = filled(governed.rule, to_fill_g, held)
    rule = governed.rule
    return Plan(
        event_id=event_id,
        rule=rule_said(rule),
        voluntary=governed.voluntary,
        recommended=rule is not None and rule.order.recommended,
        order=said(rule.ground(rule.order)) if rule else None,
        order_reason=marks["order"].note if "order" in marks else "",
        need_g=need_g,
        settled=settled,
        retired_g=retired_g,
        to_fill_g=to_fill_g,
        uncovered_g=to_fill_g - sum(each.covers_g for each in fills),
        left_g=sum(each.left_g for each in fills),
        fills=tuple(fills),
        not_taken=tuple(not_taken),
    )


async def need_of(connection: Connection, event_id: UUID, scope: Literal["basic", "full"]) -> tuple[int | None, bool]:
    """What is to be offset, and whether that is settled; before, the tally's emissions where they are more."""
    need_g, settled = await donation_needs.needed(connection, event_id, scope)
    if settled or need_g is None:
        return need_g, settled
    return max(need_g, (await tallies.read(connection, event_id)).emissions_g), False


def parts(all_held: Iterable[Held]) -> list[tuple[Held, State, int]]:
    """What is not yet retired: what is held first, then what is offered."""
    found = list(all_held)
    held: list[tuple[Held, State, int]] = [(each, "held", each.held_g) for each in found if each.held_g]
    return held + [(each, "offered", each.offered_g) for each in found if each.offered_g]


def filled(rule: RulePack | None, need_g: int, all_held: Iterable[Held]) -> tuple[list[FillSaid], list[Refused]]:
    """What covers the need, and what the rule does not take."""
    there = parts(all_held)
    if rule is None:
        return in_turn(need_g, there), []
    known = {each.key: what_of(each, state, grams) for each, state, grams in there}
    plan = fill_plan(rule, need_g, [holding(rule, each, grams) for each, _, grams in there])
    fills = [
        FillSaid(
            what=known[each.key],
            rank=each.rank,
            words=each.words,
            covers_g=each.covers_g,
            left_g=each.left_g,
            ground=said(each.ground),
        )
        for each in plan.fills
    ]
    return fills, [refused(known[each.key], each.admission) for each in plan.not_taken]


def holding(rule: RulePack, held: Held, grams: int) -> Holding:
    """So many grams of it as the rule sees them."""
    return unit_holdings.as_holding(rule, held, grams)


def in_turn(need_g: int, there: Sequence[tuple[Held, State, int]]) -> list[FillSaid]:
    """What covers the need where no rule says in which order."""
    fills = []
    for each, state, grams in there:
        covers_g = min(need_g, grams)
        need_g -= covers_g
        what = what_of(each, state, grams)
        fills.append(
            FillSaid(what=what, rank=None, words=what.name, covers_g=covers_g, left_g=grams - covers_g, ground=None)
        )
    return fills


def what_of(held: Held, state: State, grams: int) -> What:
    """It, as it is told."""
    return What(
        unit=held.unit.unit,
        name=CLASS_LABELS[held.unit.unit],
        state=state,
        grams=grams,
        place=held.unit.project_place,
        registry=held.unit.registry,
        vintage=held.unit.vintage,
        methodology=held.methodology,
        units_id=held.unit_id,
    )


def refused(what: What, admission: Admission) -> Refused:
    """Why it is not taken."""
    return Refused(
        what=what,
        code=admission.code or "",
        why=admission.why or NOT_LISTED,
        lacking=tuple(NEED_LABELS[each] for each in admission.lacking),
        ground=said(admission.ground),
    )
