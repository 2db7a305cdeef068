"""How people come to a meeting."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import msgspec

from scenarios.factors import FactorSet
from scenarios.labels import CABIN_LABELS, MODE_LABELS
from scenarios.quantities import UNITS

LODGING = "hotel_night"
"""The key of the factor for a night in a hotel."""


class Mode(msgspec.Struct, frozen=True):
    """A way to travel; `label` is a msgid."""

    key: str
    label: str


MODES = {key: Mode(key, label) for key, label in MODE_LABELS.items()}
"""By key, in the order in which a page offers them."""


@lru_cache(maxsize=1024)
def modes_of(factors: FactorSet, place: str, on: date) -> tuple[Mode, ...]:
    """The modes that have a factor in force there on that day."""
    return tuple(mode for mode in MODES.values() if factors.has(mode.key, place, on))


@lru_cache(maxsize=1024)
def shared_modes(factors: FactorSet, place: str, on: date) -> frozenset[str]:
    """The keys of the modes whose emissions the people in the vehicle share: those to ask the occupants of."""
    keys = (mode.key for mode in modes_of(factors, place, on))
    return frozenset(key for key in keys if UNITS[factors.find(key, place, on).unit].per == "vkm")


@lru_cache(maxsize=1024)
def cabins_of(factors: FactorSet, place: str, on: date) -> tuple[str, ...]:
    """The classes of a flight that have a factor in force there on that day: none where economy has none."""
    known = tuple(cabin for cabin in CABIN_LABELS if factors.has(f"plane_{cabin}", place, on))
    return known if known[:1] == ("economy",) else ()


def asks_nights(factors: FactorSet, place: str, on: date) -> bool:
    """Is there a factor for lodging, so that nights can be asked?"""
    return factors.has(LODGING, place, on)
