"""How a place's rule takes an event: large, covered, or voluntary; and which confirmations are open to it."""

from __future__ import annotations

import msgspec

from scenarios.meeting.rule_terms import (
    Confirmation,
    Counting,
    Ground,
    Host,
    Kind,
    Measure,
    RulePack,
    Size,
    StandingKey,
    Text,
    Threshold,
)
from scenarios.refusals import EventFactsMissing, PeopleAbsurd

MAX_PEOPLE = 10_000_000
SIZE_LABELS: dict[Measure, str] = {"people": "现场参加人数", "visits": "参加人次", "area_m2": "展览面积"}
"""Msgids."""


class EventFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What decides an event's size: expected before it, counted after it. What is null is not known.

    `people_on_site` are those of the main venue, staff and performers among them; `people_at_sub_venues` come to
    that. `area_m2` is the exhibition's.
    """

    kind: Kind
    host: Host
    people_on_site: int
    people_at_sub_venues: int = 0
    people_online: int = 0
    visits: int | None = None
    area_m2: int | None = None


class OpenWay(msgspec.Struct, frozen=True):
    """A confirmation that is open to the event, by the place's name for it."""

    key: Confirmation
    name: Text
    issuer: Text | None
    preferred: bool
    ground: Ground
    note: Text | None
    after_measures: bool


class Standing(msgspec.Struct, frozen=True):
    """How the rule takes the event. `counted` is the number of people that the rule counts."""

    size: str
    standing: StandingKey
    label: Text
    duty: Text
    confirmations: tuple[OpenWay, ...]
    ground: Ground
    counted: int
    counting: Text
    note: Text | None
    unknown: Text | None

    @property
    def large(self) -> bool:
        """Does the text call for it first?"""
        return self.standing == "large"

    @property
    def covered(self) -> bool:
        """Is it within the text?"""
        return self.standing != "voluntary"

    @property
    def voluntary(self) -> bool:
        """Does it go beyond the text, and must be labelled so?"""
        return self.standing == "voluntary"

    def open_to(self, confirmation: Confirmation) -> bool:
        """Is that confirmation open to it?"""
        return any(each.key == confirmation for each in self.confirmations)


def classify(rule: RulePack, facts: EventFacts) -> Standing:
    """The first size of the pack that fits the event.

    Raises EventFactsMissing where a figure that would decide is not known, PeopleAbsurd for an impossible number.
    """
    figures = _figures(rule.scope, facts)
    for figure in figures.values():
        if figure is not None and not 0 <= figure <= MAX_PEOPLE:
            raise PeopleAbsurd(people=figure, limit=MAX_PEOPLE)
    for size in rule.sizes:
        if _is_for(size, facts) and _reaches(size, figures, rule.region):
            return _standing(rule, size, figures["people"] or 0)
    raise AssertionError("the last size of a pack fits every event")


def _figures(counting: Counting, facts: EventFacts) -> dict[Measure, int | None]:
    people = facts.people_on_site
    people += facts.people_at_sub_venues if counting.sub_venues else 0
    people += facts.people_online if counting.online else 0
    return {"people": people, "visits": facts.visits, "area_m2": facts.area_m2}


def _is_for(size: Size, facts: EventFacts) -> bool:
    return (not size.kinds or facts.kind in size.kinds) and (not size.hosts or facts.host in size.hosts)


def _reaches(size: Size, figures: dict[Measure, int | None], region: str) -> bool:
    """One threshold reached suffices. What is not known is asked for only if nothing known reaches."""
    if not size.any_of or any(_reached(each, figures[each.measure]) for each in size.any_of):
        return True
    for each in size.any_of:
        if figures[each.measure] is None:
            raise EventFactsMissing(region=region, measure=each.measure, measure_label=SIZE_LABELS[each.measure])
    return False


def _reached(threshold: Threshold, figure: int | None) -> bool:
    return figure is not None and figure >= threshold.at_least


def _standing(rule: RulePack, size: Size, counted: int) -> Standing:
    return Standing(
        size=size.key,
        standing=size.standing,
        label=size.label,
        duty=size.duty,
        confirmations=tuple(_way(rule, size, key) for key in size.confirmations),
        ground=rule.ground(size),
        counted=counted,
        counting=rule.scope.words,
        note=size.note,
        unknown=size.unknown,
    )


def _way(rule: RulePack, size: Size, key: Confirmation) -> OpenWay:
    way = rule.way(key)
    assert way, "the reader has checked it"
    return OpenWay(key, way.name, way.issuer, size.prefers == key, rule.ground(way), way.note, way.after_measures)
