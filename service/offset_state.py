"""Where an event stands with its offsets, in numbers: what is needed, held and retired, and whether it is neutral."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from scenarios.meeting.citizens_credits import taken_by
from scenarios.meeting.rule_terms import Label, OffsetClass, RulePack, Text
from scenarios.regions import Language, jurisdiction_name
from service import donation_needs, events, fill_plans, governing_rules, unit_holdings
from service.db import Connection
from service.errors import NotFound
from service.governing_rules import Governed
from service.grounds import GroundSaid, said

Surplus = Literal["keep", "return"]


class Takes(msgspec.Struct, frozen=True, kw_only=True):
    """Whose citizens' credits the event takes: of everywhere, or of `regions`; and of `recognized`, those by a
    methodology that an authority published here. `ground`: the clause; null where no rule governs.
    """

    everywhere: bool
    regions: tuple[str, ...]
    recognized: tuple[str, ...]
    names: Text
    ground: GroundSaid | None


class OffsetState(msgspec.Struct, frozen=True, kw_only=True):
    """An event's offsets in grams, for everyone.

    `need_g` is null while no plan was published and no inventory submitted; `settled` once one was. `retired_g` is
    what counts under the rule that governs, `by_class` its parts; `held_g` is taken and not yet retired. `covered`:
    no more donations are taken. `label` is what was earned: basic or full where the place has both.
    `surplus`: what becomes of donations beyond the need, as announced.
    """

    event_id: UUID
    voluntary: bool
    need_g: int | None
    settled: bool
    donated_g: int
    held_g: int
    retired_g: int
    by_class: Mapping[OffsetClass, int]
    not_counted_g: int
    covered: bool
    neutral: bool
    label: str | None
    label_name: Text | None
    surplus: Surplus | None
    takes: Takes


async def of_event(connection: Connection, event_id: UUID, now: datetime) -> OffsetState:
    """The state by what was folded last. Raises NotFound."""
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now)
    rule = governed.rule
    row = await sums_of(connection, event_id)
    need_g, settled = await fill_plans.need_of(connection, event_id, donation_needs.scope_wanted(rule, governed.facts))
    all_held = await unit_holdings.of_event(connection, event_id)
    counted = unit_holdings.taken_only(rule, all_held)
    by_class: dict[OffsetClass, int] = {}
    for each in counted:
        if each.retired_g:
            by_class[each.unit.unit] = by_class.get(each.unit.unit, 0) + each.retired_g
    retired_g = sum(by_class.values())
    earned = earned_label(rule, row["basic_g"], row["full_g"], retired_g)
    return OffsetState(
        event_id=event_id,
        voluntary=governed.voluntary,
        need_g=need_g,
        settled=settled,
        donated_g=row["donated_g"],
        held_g=sum(each.held_g for each in counted),
        retired_g=retired_g,
        by_class=by_class,
        not_counted_g=sum(each.held_g + each.retired_g for each in all_held)
        - sum(each.held_g + each.retired_g for each in counted),
        covered=row["covered"],
        neutral=settled and need_g is not None and retired_g >= need_g,
        label=earned.key if earned else None,
        label_name=earned.name if earned else None,
        surplus=row["surplus"],
        takes=takes_of(governed),
    )


async def sums_of(connection: Connection, event_id: UUID) -> Any:
    """What the tally, the newest inventory and the newest plan that was published say. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT donated_g, covered, basic_g, full_g, (
            SELECT surplus FROM plan_publications WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        ) AS surplus
        FROM tallies JOIN donation_targets USING (event_id) LEFT JOIN LATERAL (
            SELECT basic_g, full_g FROM inventories WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        ) AS inventory ON true
        WHERE event_id = $1
        """,
        event_id,
    )
    if row is None:
        raise NotFound
    return row


def earned_label(rule: RulePack | None, basic_g: int | None, full_g: int | None, retired_g: int) -> Label | None:
    """The widest label that what was retired reaches: full before basic. None before an inventory is submitted."""
    if rule is None or full_g is None:
        return None
    needs = {"basic": basic_g, "full": full_g}
    reached = (each for each in reversed(rule.labels) if retired_g >= (needs[each.scope] or 0))
    return next(reached, None)


def takes_of(governed: Governed) -> Takes:
    """Whose citizens' credits are taken, with the clause of the entry that places them best."""
    rule = governed.rule
    taken = taken_by(rule)
    regions, recognized = taken.regions or (), taken.recognized
    entries = [each for each in rule.offsets if "citizen_credits" in each.classes] if rule else []
    return Takes(
        everywhere=taken.regions is None,
        regions=regions,
        recognized=recognized,
        names=Text(*(SEPARATED[at].join(names(at, *regions, *recognized)) for at in ("zh", "en"))),
        ground=said(rule.ground(entries[0])) if rule and entries else None,
    )


SEPARATED: Mapping[Language, str] = {"zh": "、", "en": ", "}


def names(language: Language, *codes: str) -> list[str]:
    """Places by name, a province for its cities."""
    there = [each for each in codes if each.endswith("0000") or f"{each[:2]}0000" not in codes]
    return [jurisdiction_name(each, language) for each in there]
