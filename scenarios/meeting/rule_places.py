"""Whose rule an event may be under: its city's where the place is that city, else one that the organizer names."""

from __future__ import annotations

from datetime import date

from scenarios.gazetteer import Place
from scenarios.meeting.rules import rules
from scenarios.place_names import stem
from scenarios.regions import CITIES


def rule_place(place: Place) -> str:
    """The place code by which a named place's rule is looked up: its own city's, else its province's or country's.

    Only a city itself is known by its name; of a county or district the organizer says whose it is, by rule_places.
    """
    if place.region is None:
        return place.country
    named = (code for code, (zh, _) in CITIES.items() if code[:2] == place.region[:2] and zh == stem(place.name_zh))
    return next(named, place.region)


def rule_places(region: str, on: date) -> tuple[str, ...]:
    """The places of a province with a rule of their own on that day, the province first: what to choose from."""
    found = {each.region for each in rules() if each.region[:2] == region[:2] and each.in_force(each.region, on)}
    return tuple(sorted(found))
