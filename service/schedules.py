"""Opening hours as an organizer thinks of them: the same every day, from one day to another."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.errors import BadInput
from service.events import Hours, check_time_zone

MOST_DAYS = 60


class DaysReversed(BadInput):
    """结束日期早于开始日期。"""

    code = "days_reversed"


class TooManyDays(BadInput):
    """活动最多 {limit} 天，现在是 {count} 天。"""

    code = "too_many_days"


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
