"""An event as a confirmation finds it: rule, inventory, measures, what was retired; and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from scenarios.meeting.boundaries import Boundary
from scenarios.meeting.measures import measures_of
from scenarios.meeting.readiness_terms import EventRecord, is_neutral, label_of, needed_g
from scenarios.meeting.readiness_texts import listed, tonnes
from scenarios.meeting.rule_terms import Confirmation as Way
from scenarios.meeting.rule_terms import Label, RulePack, Text
from scenarios.meeting.thresholds import OpenWay, Standing, classify
from service import accountings, events, governing_rules, head_counts, inventories, retired_serials
from service.db import Connection
from service.errors import NotNow, Refusal
from service.event_facts import Facts
from service.events import Event, day_of
from service.governing_rules import Governed
from service.i18n import Language, translate
from service.inventories import Version
from service.neutrality_records import LabelKey, MeasureSaid, OffsetSaid


class InWords(NotNow):
    """现在不能确认碳中和。"""

    code = "not_confirmable"

    def message(self, language: Language) -> str:
        """What happened, in that language; a value that is a Text is said in it."""
        said = {name: each.said(language) if isinstance(each, Text) else each for name, each in self.values.items()}
        return translate(language, type(self).template()).format(**said)


class NoRuleHere(InWords):
    """这里没有大型活动碳中和的规则，不能按规则确认。"""

    code = "no_rule_here"


class ConfirmCancelled(InWords):
    """活动已取消，不能确认碳中和。"""

    code = "confirm_cancelled"


class EventNotOver(InWords):
    """活动还没有结束（{last} 结束）：要抵销的是实际产生的排放量，结束后才能确认。"""

    code = "event_not_over"


class WayNotOpen(InWords):
    """这场活动（{label}）不能用这种方式确认，可用的方式：{ways}。"""

    code = "way_not_open"


class NoInventory(InWords):
    """还没有提交排放清单。"""

    code = "no_inventory"


class InventoryOutdated(InWords):
    """第 {number} 版清单提交之后数据有变动，请先提交新的一版。"""

    code = "inventory_outdated"


class NotNeutralYet(InWords):
    """还没有实现碳中和：需要 {need_t} 吨，已注销 {retired_t} 吨。"""

    code = "not_neutral_yet"


class MeasuresFirst(InWords):
    """还没有登记任何已实施的减排措施，原文要求先减排。"""

    code = "measures_first"


class PeopleUnderstated(InWords):
    """报到或清点的有 {counted} 人，多于所说的人数；按这么多人，这场活动是“{label}”。请先更正活动的情况。"""

    code = "people_understated"


class FieldsMissing(InWords):
    """还缺：{missing}。"""

    code = "fields_missing"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmation is made of. `label` is the one wanted; null where the place has several and none is named.

    `counted` people came: those who checked in, or those counted at the doors where these are more.
    """

    event: Event
    organizer: str
    governed: Governed
    boundary: Boundary
    version: Version | None
    offsets: tuple[OffsetSaid, ...]
    measures: tuple[MeasureSaid, ...]
    label: Label | None
    counted: int
    now: datetime

    @property
    def facts(self) -> Facts:
        """What the event was said to be."""
        return self.governed.facts

    @property
    def rule(self) -> RulePack:
        """The rule; asked only after it is known that there is one."""
        assert self.governed.rule
        return self.governed.rule

    @property
    def standing(self) -> Standing:
        """How the rule takes the event; asked as `rule`."""
        assert self.governed.standing
        return self.governed.standing

    @property
    def first(self) -> date:
        """Its first day."""
        return day_of(self.event, self.event.hours[0].opens_at)

    @property
    def last(self) -> date:
        """Its last day."""
        return day_of(self.event, max(each.closes_at for each in self.event.hours))

    @property
    def retired_g(self) -> int:
        """All that is retired for it."""
        return sum(each.grams for each in self.offsets)

    @property
    def record(self) -> EventRecord:
        """As the pure rules read it."""
        version = self.version
        return EventRecord(
            facts=self.facts.facts,
            starts_on=self.first,
            ends_on=self.last,
            measures_done=len(self.measures),
            inventory_submitted_on=day_of(self.event, version.made_at) if version else None,
            basic_g=version.basic_g if version else None,
            full_g=version.full_g if version else None,
            retired_g={each.unit: each.grams for each in self.offsets},
            label=self.label.key if self.label else None,
        )

    @property
    def need_g(self) -> int:
        """What must be retired for the label; of a case with an inventory."""
        need = needed_g(self.rule, self.record)
        assert need is not None
        return need

    @property
    def neutral_on(self) -> date | None:
        """When as much as is needed was retired, the event's last day at the earliest; null before.

        Where nothing is needed, when that was known.
        """
        if self.version is None or self.retired_g < self.need_g:
            return None
        retired_on = retired_serials.neutral_on(self.offsets, self.need_g)
        return max(retired_on, self.last) if retired_on else day_of(self.event, self.version.made_at)

    def way(self, key: Way) -> OpenWay | None:
        """That confirmation, where it is open to the event."""
        return next((each for each in self.standing.confirmations if each.key == key), None)


async def of_event(connection: Connection, event_id: UUID, now: datetime, label: LabelKey | None = None) -> Case:
    """The case as it is now, for the label wanted, else the one that the facts say. Raises NotFound."""
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now)
    versions = await inventories.of_event(connection, event_id)
    accounting = await accountings.of_event(connection, event)
    organizer = await connection.fetchval("SELECT name FROM organizations WHERE id = $1", event.organization_id)
    return Case(
        event=event,
        organizer=organizer,
        governed=governed,
        boundary=accounting.boundary,
        version=versions[0] if versions else None,
        offsets=await retired_serials.of_event(connection, event_id, governed.rule),
        measures=await measures_done(connection, event_id, governed.rule),
        label=wanted_label(governed, label),
        counted=await counted_people(connection, event_id),
        now=now,
    )


async def counted_people(connection: Connection, event_id: UUID) -> int:
    """How many people checked in, by what was folded last, or were counted, whichever is more."""
    people = await connection.fetchval("SELECT people FROM tallies WHERE event_id = $1", event_id)
    return max(people or 0, (await head_counts.of_event(connection, event_id)).total or 0)


def wanted_label(governed: Governed, wanted: LabelKey | None) -> Label | None:
    """The label of the pack that is wanted; a place that has but one has it without a word."""
    if governed.rule is None:
        return None
    if len(governed.rule.labels) == 1:
        return governed.rule.labels[0]
    key = wanted or governed.facts.label
    return next((each for each in governed.rule.labels if each.key == key), None)


async def measures_done(connection: Connection, event_id: UUID, rule: RulePack | None) -> tuple[MeasureSaid, ...]:
    """The measures that were taken, in the words of the place's text; the organizer's own words stay theirs."""
    rows = await connection.fetch(
        """
        SELECT key, done_on FROM (
            SELECT DISTINCT ON (key) key, state, done_on FROM event_measures WHERE event_id = $1
            ORDER BY key, id DESC
        ) AS newest
        WHERE state = 'done' ORDER BY done_on, key
        """,
        event_id,
    )
    words = {each.key: each.words for each in measures_of(rule)} if rule else {}
    return tuple(MeasureSaid(row["key"], words.get(row["key"], OWN_MEASURE), row["done_on"]) for row in rows)


OWN_MEASURE = Text("组织者自己的减排措施", "A measure of the organizer's own")


def hindrances(case: Case, way: Way | None) -> Iterator[Refusal]:
    """What stands in the way of a confirmation, each with its clause; of that way, or of any."""
    if case.governed.rule is None:
        yield NoRuleHere()
        return
    if case.governed.standing is None:
        assert case.governed.unknown
        yield case.governed.unknown
        return
    if case.event.cancelled:
        yield ConfirmCancelled()
    if (larger := understated(case)) is not None:
        yield PeopleUnderstated(counted=case.counted, label=larger.label).under(larger.ground)
    if way is not None and case.way(way) is None:
        ways = listed([each.name for each in case.standing.confirmations])
        yield WayNotOpen(label=case.standing.label, ways=ways).under(case.standing.ground)
    yield from unfinished(case, way)


def understated(case: Case) -> Standing | None:
    """How the rule would take the event by those who came, where that is another way than by what was said of it."""
    facts = case.facts.facts
    if case.counted <= facts.people_on_site + facts.people_at_sub_venues:
        return None
    found = classify(case.rule, replace(facts, people_on_site=case.counted, people_at_sub_venues=0))
    return found if found.size != case.standing.size else None


def unfinished(case: Case, way: Way | None) -> Iterator[Refusal]:
    """What has still to be done before it."""
    rule = case.rule
    if case.now < max(each.closes_at for each in case.event.hours):
        yield EventNotOver(last=case.last.isoformat()).under(rule.ground(rule.neutrality))
    if case.version is None:
        yield NoInventory().under(rule.ground(rule.accounting))
    elif not is_neutral(rule, case.record):
        values: dict[str, Any] = {"need_t": tonnes(case.need_g), "retired_t": tonnes(case.retired_g)}
        yield NotNeutralYet(**values, label=label_of(rule, case.record).name).under(rule.ground(rule.neutrality))
    open_way = case.way(way) if way else None
    if open_way and open_way.after_measures and not case.measures:
        yield MeasuresFirst().under(open_way.ground)


async def require_current(connection: Connection, case: Case) -> None:
    """Go on only where nothing changed since the inventory was submitted. Raises InventoryOutdated, CarbonRule."""
    assert case.version
    found = await inventories.compute(connection, case.event.id, case.now)
    if inventories.digest_of(found) != case.version.digest:
        raise InventoryOutdated(number=case.version.number).under(case.rule.ground(case.rule.accounting))
