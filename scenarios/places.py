"""Where people come from: a place by its name, or a question when several have it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from scenarios.gazetteer import Place, airports, gazetteer, names_like
from scenarios.geodesy import distance_m
from scenarios.place_names import plain, stem
from scenarios.refusals import PlaceAmbiguous, PlaceUnknown
from scenarios.regions import Language, country_name, jurisdiction_name

__all__ = ["Place", "country_name", "distance_m", "jurisdiction_name", "label", "place", "search", "warm"]

DOMINANCE = 4
"""A place is meant without asking when it has so many times the people of the next of its name."""

UNKNOWN_POPULATION = 150_000
"""What a place of unknown population counts as: it may be a city's district, so that only a city outweighs it."""

MOST_CANDIDATES = 12
MOST_SUGGESTIONS = 5
LONGEST_NAME = 100


def warm() -> None:
    """Read the data now, so that no search waits for it."""
    gazetteer()
    airports()


def place(place_id: str) -> Place:
    """The place of that id ("geonames:1816670", "iata:PEK"). Raises PlaceUnknown."""
    kind, _, code = place_id.partition(":")
    found = airports().get(code) if kind == "iata" else gazetteer().by_id.get(place_id)
    if found is None:
        raise _unknown(place_id, ())
    return found


def search(name: str, event_country: str) -> Place:
    """The place that somebody means who comes to an event in that country.

    In order: an IATA code in capitals; a place in the event's country; the one that by far the most people live
    in. Raises PlaceAmbiguous with the candidates, PlaceUnknown with places of similar names.
    """
    text = name.strip()
    form = plain(text)
    if not form or len(text) > LONGEST_NAME:
        raise _unknown(text[:LONGEST_NAME], ())
    index = gazetteer().by_name
    found = index.get(form) or index.get(plain(stem(text))) or ()
    airport = airports().get(text.upper())
    if airport is not None and (text.isupper() or not found):
        return _airport(text, airport, found)
    if not found:
        raise _unknown(text, _near(form))
    return _meant(text, found, event_country)


def label(found: Place, language: Language) -> str:
    """The place with its province and country, for people: 朝阳市 · 辽宁 · 中国."""
    return _label(found, found.name_zh if language == "zh" else found.name_en, language)


def _label(found: Place, name: str, language: Language) -> str:
    country = country_name(found.country, language)
    if country.startswith(name) or country.endswith(name):
        return country
    if found.id.startswith("iata:"):
        name = f"{name} ({found.id[5:]})"
    province = jurisdiction_name(found.region, language) if found.region else name
    return " · ".join((name, country) if province == name else (name, province, country))


def _airport(text: str, airport: Place, found: tuple[Place, ...]) -> Place:
    """The airport, unless a town's own name is written just so."""
    towns = [each for each in found if plain(each.name_en) == plain(text)]
    if towns:
        raise _ambiguous(text, [airport, *towns])
    return airport


def _meant(text: str, found: tuple[Place, ...], event_country: str) -> Place:
    ranked = sorted(found, key=lambda each: (each.country != event_country, -_weight(each)))
    home = [each for each in ranked if each.country == event_country]
    abroad = ranked[len(home) :]
    best = _dominant(home or abroad)
    if best is None or (home and abroad and _weight(abroad[0]) >= DOMINANCE * _weight(best)):
        raise _ambiguous(text, ranked)
    return best


def _weight(found: Place) -> int:
    return found.population or UNKNOWN_POPULATION


def _dominant(ranked: list[Place]) -> Place | None:
    first = ranked[0]
    alone = len(ranked) == 1 or _weight(first) >= DOMINANCE * _weight(ranked[1])
    return first if alone else None


def _near(form: str) -> list[Place]:
    """The largest places of similar names."""
    index = gazetteer().by_name
    alike = get_close_matches(form, names_like(form), n=50, cutoff=0.5 if len(form) < 4 else 0.7)
    best = {max(index[each], key=_weight) for each in alike}
    return sorted(best, key=lambda each: (-each.population, each.id))[:MOST_SUGGESTIONS]


def _ambiguous(text: str, ranked: list[Place]) -> PlaceAmbiguous:
    shown = ranked[:MOST_CANDIDATES]
    refusal = PlaceAmbiguous(name=text, candidates=[_choice(each, text) for each in shown])
    refusal.candidates = tuple(shown)
    return refusal


def _unknown(text: str, near: Iterable[Place]) -> PlaceUnknown:
    places = tuple(near)
    refusal = PlaceUnknown(name=text, suggestions=[_choice(each, "") for each in places])
    refusal.suggestions = places
    return refusal


def _choice(found: Place, text: str) -> dict[str, str]:
    """A place to choose: its id and how it is shown, under the Chinese name that was typed where it has others."""
    name_zh = gazetteer().other_names.get((plain(text), found.id), found.name_zh)
    return {"id": found.id, "zh": _label(found, name_zh, "zh"), "en": label(found, "en")}
