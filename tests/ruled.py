"""Rule packs, events and records for the tests of the rules."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from scenarios.meeting.offset_classes import OffsetUnit
from scenarios.meeting.readiness import EventRecord, Step
from scenarios.meeting.rule_terms import Host, Kind, RulePack
from scenarios.meeting.rules import rule_of
from scenarios.meeting.thresholds import EventFacts, Standing, classify

TODAY = date(2026, 11, 21)
SHENZHEN, HAINAN, JINING, SHANGHAI, SHANXI, GUANGDONG = "440300", "460000", "370800", "310000", "140000", "440000"
FIVE = {"shenzhen": SHENZHEN, "hainan": HAINAN, "jining": JINING, "shanghai": SHANGHAI, "shanxi": SHANXI}
T = 1_000_000


def rule(place: str) -> RulePack:
    """The place's rule today."""
    found = rule_of(place, TODAY)
    assert found, place
    return found


def standing(place: str, people: int, kind: Kind = "meeting", host: Host = "other", **more: Any) -> Standing:
    """How the place takes an event of so many people on site."""
    return classify(rule(place), EventFacts(kind=kind, host=host, people_on_site=people, **more))


def confirmations(found: Standing) -> list[str]:
    """The confirmations that are open."""
    return [each.key for each in found.confirmations]


def unit(class_: Any, place: str, **more: Any) -> OffsetUnit:
    """A unit of that class, made in that place."""
    return OffsetUnit(unit=class_, project_place=place, **more)


def record(people: int = 450, **more: Any) -> EventRecord:
    """An event of three days in May 2026 of which nothing has been done but what is said."""
    facts = EventFacts(kind="meeting", host="other", people_on_site=people)
    begun = EventRecord(facts=facts, starts_on=date(2026, 5, 1), ends_on=date(2026, 5, 3))
    return replace(begun, **more)


def at(steps: list[Step], key: str) -> Step:
    """The step of that key."""
    (found,) = [each for each in steps if each.key == key]
    return found
