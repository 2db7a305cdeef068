"""How one came, read from a form's fields. What cannot be read is said at its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar, get_args

from scenarios import places
from scenarios.meeting.travel import Cabin, Leg, Trip
from scenarios.quantities import count_from_text, km_text, metres_from_km_text
from scenarios.refusals import CarbonRefusal, PlaceAmbiguous, PlaceUnknown
from service.carbon import carbon_refusal
from service.errors import BadInput, Refusal
from service.pages.rendering import Typed
from service.pages.saying import FieldUnreadable, Unreadable

T = TypeVar("T")

LEGS = ("", "2", "3")
"""The fields' endings: `mode`, `mode2`, `mode3`."""


class ModeMissing(BadInput):
    """请选择出行方式。"""

    code = "mode_missing"


FIELDS: Mapping[str, str] = {
    "mode_missing": "mode",
    "unknown_mode": "mode",
    "factor_not_in_force": "mode",
    "cabin_absurd": "cabin",
    "place_unknown": "origin",
    "place_ambiguous": "origin",
    "distance_missing": "km",
    "distance_absurd": "km",
    "nights_absurd": "nights",
    "meals_absurd": "meals",
    "meals_not_asked": "meals",
    "companions_absurd": "companions",
    "occupants_absurd": "occupants",
    "personal_code_unknown": "badge",
}
"""At which field a refusal is said."""


def read_trip(typed: Typed, part: Literal["journey", "local"]) -> Trip:
    """The trip that the fields tell. Raises Unreadable."""
    refusals: dict[str, Refusal] = {}

    def read(field: str, by: Callable[[str], T], empty: T) -> T:
        try:
            return by(typed[field]) if typed[field].strip() else empty
        except CarbonRefusal as refusal:
            refusals[field] = carbon_refusal(refusal)
        except Refusal as refusal:
            refusals[field] = refusal
        return empty

    legs = tuple(
        Leg(
            mode=typed[f"mode{ending}"],
            distance_m=read(f"km{ending}", metres_from_km_text, None),
            occupants=read(f"occupants{ending}", count_from_text, None),
            cabin=read("cabin", cabin_from_text, None) if typed[f"mode{ending}"] == "plane" else None,
        )
        for ending in LEGS
        if typed[f"mode{ending}"]
    )
    if not typed["mode"]:
        refusals["mode"] = ModeMissing()
    trip = Trip(
        part=part,
        legs=legs,
        round_trip=bool(typed["round_trip"]),
        nights=read("nights", count_from_text, 0),
        companions=read("companions", count_from_text, 0),
        meals=read("meals", count_from_text, 0),
    )
    if refusals:
        raise Unreadable(refusals)
    return trip


def cabin_from_text(text: str) -> Cabin:
    """The class of a flight. Raises FieldUnreadable for what no form offers."""
    for known in get_args(Cabin):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise FieldUnreadable


def read_origin(typed: Typed, trip: Trip) -> str | None:
    """Where the trip began: the place chosen for the name typed, else the name. None where every leg has its length."""
    if all(leg.distance_m is not None for leg in trip.legs):
        return None
    chosen = typed["place"] if typed["place_for"] == typed["origin"] else ""
    return (chosen or typed["origin"]).strip()[:100] or None


def choices(typed: Typed, country: str) -> tuple[places.Place, ...]:
    """The places that the typed name may mean, or those near it, where it does not name just one."""
    name = typed["origin"].strip()[:100]
    if not name:
        return ()
    try:
        places.search(name, country)
    except PlaceAmbiguous as asked:
        return asked.candidates
    except PlaceUnknown as asked:
        return asked.suggestions
    return ()


def as_typed(trip: Trip) -> Typed:
    """A trip as the fields of its form, to be changed. Where it began is not known any more: only how far it was."""
    typed = Typed(
        nights=str(trip.nights),
        meals=str(trip.meals),
        companions=str(trip.companions),
        round_trip="1" if trip.round_trip else "",
    )
    for ending, leg in zip(LEGS, trip.legs, strict=False):
        typed[f"mode{ending}"] = leg.mode
        typed[f"km{ending}"] = "" if leg.distance_m is None else km_text(leg.distance_m)
        typed[f"occupants{ending}"] = str(leg.occupants or "")
        typed["cabin"] = typed["cabin"] or leg.cabin or ""
    return typed
