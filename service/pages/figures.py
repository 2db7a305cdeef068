"""Amounts and times as people read them. A filter is given the page's language last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton

from scenarios import places, regions
from scenarios.actions.fair_play import rule_named
from scenarios.actions.reductions import Reduction
from scenarios.labels import MEASURE_LABELS, UNIT_LABELS
from scenarios.meeting.rule_terms import Text
from scenarios.quantities import UNITS, amount_text, size_of
from service.amounts import Amount, grouped, mass, rounded, share
from service.i18n import Language, mark, translate

WHOLE_KILOMETRES = 100_000
MEBIBYTE = 2**20
LOCALES: dict[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}


def count(number: int, _: Language) -> str:
    """A whole number in groups of three digits."""
    return grouped(number)


def plain(number: Decimal, _: Language) -> str:
    """A decimal in groups of three digits, without zeros at its end."""
    text = format(number, "f")
    return grouped(Decimal(text.rstrip("0").rstrip(".") if "." in text else text))


def distance(metres: int, language: Language) -> str:
    """Metres as kilometres: 12.5 km, 1 068 km."""
    step = "0.1" if metres < WHOLE_KILOMETRES else "1"
    return f"{rounded(Decimal(metres).scaleb(-3), step)}\u00a0{translate(language, mark('公里'))}"


def part(fraction: Decimal, _: Language) -> str:
    """A fraction as a percentage."""
    return f"{fraction.scaleb(2).normalize():f}\u00a0%"


def quantity(reduction: Reduction, language: Language) -> str:
    """How much was done, in the unit that the methodology is per."""
    size = size_of(reduction.unit)
    label = UNIT_LABELS[UNITS[reduction.unit].per]
    return f"{amount_text(reduction.quantity, size)}\u00a0{translate(language, label)}"


def length_of(value: int, whole: int, _: Language) -> int:
    """How long a bar is, in thousandths: browsers lose count of the units of a picture beyond 33 million."""
    return min(1000, value * 1000 // whole) if whole else 0


def clock(at: datetime, zone: str, _: Language) -> str:
    """The time of day there: 09:02."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def clock_exact(at: datetime, zone: str, _: Language) -> str:
    """The time of day there, to the second: 09:02:11."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def day_there(at: datetime, zone: str, language: Language) -> str:
    """The date there."""
    return day(at.astimezone(ZoneInfo(zone)).date(), language)


def day(on: date, language: Language) -> str:
    """A date with its weekday, without the year."""
    return str(format_skeleton("MMMEd", on, locale=LOCALES[language]))


def day_with_year(on: date, language: Language) -> str:
    """A date with its year."""
    return str(format_date(on, "long", locale=LOCALES[language]))


def month(on: date, language: Language) -> str:
    """The month of a date, with its year."""
    return str(format_skeleton("yMMMM", on, locale=LOCALES[language]))


def region(code: str, language: Language) -> str:
    """A jurisdiction's name."""
    return regions.jurisdiction_name(code, language)


def place_label(place: places.Place, language: Language) -> str:
    """A place with its region and country, to be told from its namesakes."""
    return places.label(place, language)


def why_held(name: str | None, language: Language) -> str:
    """Why an act waits for a reviewer: what the rule says that held it."""
    rule = rule_named(name) if name else None
    if rule:
        return rule.sentence(partial(translate, language))
    return translate(language, mark("这类行为的照片要由人看过。"))


def file_size(size_bytes: int, _: Language) -> Amount:
    """Bytes in the unit that reads best."""
    if size_bytes < MEBIBYTE:
        return Amount(str(-(-size_bytes // 1024)), "KB")
    return Amount(rounded(Decimal(size_bytes) / MEBIBYTE, "0.1"), "MB")


def measure(unit: str, language: Language) -> str:
    """The name of a unit of activity data."""
    return translate(language, MEASURE_LABELS.get(unit, unit))


def said(text: Text, language: Language) -> str:
    """A text that comes in both languages."""
    return text.said(language)


FILTERS: dict[str, Callable[..., Any]] = {
    "file_size": file_size,
    "measure": measure,
    "mass": mass,
    "count": count,
    "plain": plain,
    "share": share,
    "distance": distance,
    "part": part,
    "quantity": quantity,
    "length_of": length_of,
    "clock": clock,
    "clock_exact": clock_exact,
    "day": day,
    "day_there": day_there,
    "day_with_year": day_with_year,
    "month": month,
    "region": region,
    "said": said,
    "place_label": place_label,
    "why_held": why_held,
}
