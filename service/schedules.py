"""Opening hours: each interval, and as an organizer thinks of them, the same every day from one day to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from service.errors import BadInput

MOST_DAYS = 60
LONGEST = timedelta(hours=24)
CHINA = ZoneInfo("Asia/Shanghai")
"""Whose days count where no event or place has its own."""


class HoursReversed(BadInput):
    """第 {number} 段开放时间的结束不晚于开始。"""

    code = "hours_reversed"


class HoursTooLong(BadInput):
    """第 {number} 段开放时间超过 24 小时，请按天分段。"""

    code = "hours_too_long"


class HoursOverlap(BadInput):
    """从 {opens_at} 开始的开放时间与前一段重叠。"""

    code = "hours_overlap"


class HoursAbsurd(BadInput):
    """第 {number} 段开放时间不在 2000 年至 2099 年之间。"""

    code = "hours_absurd"


class TimeZoneUnknown(BadInput):
    """没有这个时区：{time_zone}。请用 Asia/Shanghai 这样的名称。"""

    code = "time_zone_unknown"


class DaysReversed(BadInput):
    """结束日期早于开始日期。"""

    code = "days_reversed"


class TooManyDays(BadInput):
    """活动最多 {limit} 天，现在是 {count} 天。"""

    code = "too_many_days"


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when until when people may come in."""

    opens_at: Annotated[datetime, Meta(tz=True)]
    closes_at: Annotated[datetime, Meta(tz=True)]


def daily(first: date, last: date, opens: time, closes: time, time_zone: str) -> list[Hours]:
    """Hours of each day, by the clocks of that zone; closing no later than opening is the next day's closing.

    Raises TimeZoneUnknown, DaysReversed and TooManyDays.
    """
    check_time_zone(time_zone)
    count = (last - first).days + 1
    if count < 1:
        raise DaysReversed
    if count > MOST_DAYS:
        raise TooManyDays(count=count, limit=MOST_DAYS)
    zone, overnight = ZoneInfo(time_zone), timedelta(days=int(closes <= opens))
    days = [first + timedelta(days=number) for number in range(count)]
    return [Hours(datetime.combine(day, opens, zone), datetime.combine(day + overnight, closes, zone)) for day in days]


def check_hours(hours: Sequence[Hours]) -> None:
    """Raises HoursAbsurd, HoursReversed, HoursTooLong or HoursOverlap."""
    for number, each in enumerate(hours, 1):
        if not all(2000 <= at.year < 2100 for at in (each.opens_at, each.closes_at)):
            raise HoursAbsurd(number=number)
        if in_utc(each.closes_at) <= in_utc(each.opens_at):
            raise HoursReversed(number=number)
        if each.closes_at - each.opens_at > LONGEST:
            raise HoursTooLong(number=number)
    for earlier, later in pairwise(sorted(hours, key=lambda each: in_utc(each.opens_at))):
        if in_utc(later.opens_at) < in_utc(earlier.closes_at):
            raise HoursOverlap(opens_at=later.opens_at.isoformat(" ", "minutes"))


def in_utc(at: datetime) -> datetime:
    """The instant: two times of one zone are otherwise compared by the clock on the wall."""
    return at.astimezone(UTC)


@cache
def time_zones() -> frozenset[str]:
    """Names of time zones. Without the few that mean this machine's own."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def check_time_zone(name: str) -> None:
    """Raises TimeZoneUnknown."""
    if name not in time_zones():
        raise TimeZoneUnknown(time_zone=name)
