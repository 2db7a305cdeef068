"""An act as its form tells it: how much, when, and photos. What cannot be read is said at its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import UploadFile

from scenarios.actions.methodologies import Action as Kind
from scenarios.quantities import UNITS, amount_text, count_from_text, metres_from_km_text, size_of, wh_from_kwh_text
from scenarios.refusals import CarbonRefusal
from service.action_deciding import TimeMissing, TimesUnsound
from service.action_rows import Action
from service.api.actions import NewAction
from service.carbon import carbon_refusal
from service.errors import BadInput, Refusal
from service.i18n import Language, translate
from service.pages.rendering import Typed, storable
from service.pages.saying import Unreadable
from service.schedules import CHINA

T = TypeVar("T")
READERS: Mapping[str, Callable[[str], int]] = {"m": metres_from_km_text, "Wh": wh_from_kwh_text, "1": count_from_text}
"""How a quantity is typed, by the methodology's base unit."""
ONE_AT_A_TIME = frozenset({"order", "time"})
"""What acts are counted in that are told one by one."""
DAY_MIN = 24 * 60
WHEN = (
    *("action_in_future", "action_too_old", "action_time_missing", "action_times_unsound", "action_counted_already"),
    "no_methodology",
)
PHOTO = (
    *("photo_too_large", "not_a_photo", "photo_broken", "photo_animated", "photo_too_many_pixels"),
    *("too_many_uploads", "photo_unusable", "too_many_photos", "photo_refused"),
)
MOST_PHOTOS = 3
KEPT = tuple(f"kept{number}" for number in range(1, MOST_PHOTOS + 1))
"""The fields that hold the digests of photos which came when the form was sent before."""
DIGEST = re.compile("[0-9a-f]{64}")
LONGEST_FILE_NAME = 80


class QuantityMissing(BadInput):
    """请填写数量，要大于零。"""

    code = "quantity_missing"


class MinutesMissing(BadInput):
    """请填写用了多少分钟，1 到 1440 之间。"""

    code = "minutes_missing"


class DateUnreadable(BadInput):
    """“{text}”不是日期，请像 2026-11-21 这样填写。"""

    code = "date_unreadable"


class MomentUnreadable(BadInput):
    """“{text}”不是日期和时间，请像 2026-11-21 08:30 这样填写。"""

    code = "moment_unreadable"


class TooManyPhotos(BadInput):
    """一次行为最多用 {most} 张照片，这次有 {count} 张，请重新选。"""

    code = "too_many_photos"


class PhotoRefused(BadInput):
    """照片“{name}”：{why}"""

    code = "photo_refused"

    def __init__(self, name: str, refusal: Refusal) -> None:
        super().__init__(name=name)
        self.refusal = refusal

    def message(self, language: Language) -> str:
        """Which of several photos it is, and why."""
        return translate(language, self.template()).format(**self.values, why=self.refusal.message(language))


def fields_of(kind: Kind | None) -> dict[str, str]:
    """At which field a refusal is said, by its code."""
    when = "occurred_on" if kind is None or kind.times == "none" else "started_at"
    much = ("number_unreadable", "distance_absurd", "quantity_absurd", "act_implausible")
    return dict.fromkeys(much, "quantity") | dict.fromkeys(WHEN, when) | dict.fromkeys(PHOTO, "photo")


def read_act(typed: Typed, kind: Kind) -> NewAction:
    """The act that the fields tell. Raises Unreadable, with a refusal for each field that is not to be read."""
    refusals: dict[str, Refusal] = {}

    def read(field: str, by: Callable[[str], T], empty: T) -> T:
        try:
            return by(typed[field].strip())
        except CarbonRefusal as refusal:
            refusals[field] = carbon_refusal(refusal)
        except Refusal as refusal:
            refusals[field] = refusal
        return empty

    quantity = read("quantity", lambda text: read_quantity(text, kind), 0)
    day, started_at, ended_at = None, None, None
    if kind.times == "none":
        day = read("occurred_on", read_date, None)
    else:
        started_at = read("started_at", read_moment, None)
        minutes = read("minutes", read_minutes, 0) if kind.times == "span" else 0
        day = started_at.date() if started_at else None
        ended_at = started_at + timedelta(minutes=minutes) if started_at and minutes else None
    if refusals or day is None:
        raise Unreadable(refusals)
    return NewAction(
        region=typed["region"],
        action=kind.key,
        quantity=quantity,
        occurred_on=day,
        started_at=started_at,
        ended_at=ended_at,
        photos=kept_in(typed),
    )


def read_quantity(text: str, kind: Kind) -> int:
    """How much, in base units. Raises QuantityMissing, CarbonRefusal."""
    if text and (quantity := READERS[kind.base_unit](text)):
        return quantity
    raise QuantityMissing


def read_date(text: str) -> date:
    """A date as browsers send it. Raises TimeMissing, DateUnreadable."""
    if not text:
        raise TimeMissing
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DateUnreadable(text=text[:40]) from None


def read_moment(text: str) -> datetime:
    """A moment as browsers send it: the clock in China. Raises TimeMissing, MomentUnreadable."""
    if not text:
        raise TimeMissing
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MomentUnreadable(text=text[:40]) from None
    if moment.tzinfo is not None:
        raise MomentUnreadable(text=text[:40])
    return moment.replace(tzinfo=CHINA)


def read_minutes(text: str) -> int:
    """How long, in whole minutes. Raises MinutesMissing, CarbonRefusal, TimesUnsound beyond a day."""
    minutes = count_from_text(text) if text else 0
    if not minutes:
        raise MinutesMissing
    if minutes > DAY_MIN:
        raise TimesUnsound
    return minutes


def kept_in(typed: Typed) -> tuple[str, ...]:
    """The digests of photos that were kept when the form was sent before, and are still wanted."""
    return tuple(dict.fromkeys(typed[field] for field in KEPT if DIGEST.fullmatch(typed[field])))


def keep_in(typed: Typed, digests: Iterable[str]) -> None:
    """Let the form hold these photos, and no others."""
    held = dict(zip(KEPT, dict.fromkeys(digests), strict=False))
    typed.update(dict.fromkeys(KEPT, "") | held)


async def photos_in(request: Request[Any, Any, Any]) -> list[tuple[str, bytes]]:
    """The photos that were chosen, each with its file's name."""
    sent = [each for each in (await request.form()).getall("photo", []) if isinstance(each, UploadFile)]
    found = [(storable(each.filename)[:LONGEST_FILE_NAME], await each.read()) for each in sent]
    return [(name, content) for name, content in found if content]


def moment_text(moment: datetime) -> str:
    """A moment as the field for it takes it, by the clock in China."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")


def empty(kind: Kind, now: datetime) -> Typed:
    """The form as it is opened: what is counted is one, and what happens at a moment has just happened."""
    today = now.astimezone(CHINA).date().isoformat()
    quantity = "1" if UNITS[kind.unit].per in ONE_AT_A_TIME else ""
    return Typed(quantity=quantity, occurred_on=today, started_at=moment_text(now) if kind.times == "instant" else "")


def filled(kind: Kind, before: Action, now: datetime) -> Typed:
    """The form for the same again: as much, as long, and at the same time of today if that is past."""
    typed = empty(kind, now)
    typed["quantity"] = amount_text(before.quantity, size_of(kind.unit))
    if kind.times == "span" and before.started_at and before.ended_at:
        typed["minutes"] = str(int((before.ended_at - before.started_at).total_seconds()) // 60)
        today = now.astimezone(CHINA).date()
        begun = datetime.combine(today, before.started_at.astimezone(CHINA).time(), CHINA)
        if begun + (before.ended_at - before.started_at) <= now:
            typed["started_at"] = moment_text(begun)
    return typed
