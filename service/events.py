"""Events: where and when people meet, and through which gates they come in."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from scenarios import factors, places, programmes
from scenarios.meeting.citizens_credits import taken_by
from scenarios.meeting.meals import Meal
from scenarios.meeting.rule_places import rule_place
from scenarios.meeting.rules import rule_of
from service import credit_regions, ledger
from service.access import Caller, Role
from service.carbon import carbon_refused
from service.codes import new_short_code
from service.db import Connection, new_id
from service.errors import BadInput, NotFound, NotNow
from service.i18n import mark
from service.inputs import LINE, Name
from service.organizations import require_in
from service.schedules import Hours, check_hours, check_time_zone

DAY_BEGINS = timedelta(hours=4)

Kind = Literal["meeting", "performance", "forum", "sports", "exhibition", "festival", "official_meeting"]
KINDS: dict[Kind, str] = {
    "meeting": mark("会议"),
    "performance": mark("演出"),
    "forum": mark("论坛"),
    "sports": mark("赛事"),
    "exhibition": mark("展览"),
    "festival": mark("节庆"),
    "official_meeting": mark("公务会议"),
}

GateName = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]


class GateNamesRepeat(BadInput):
    """入口名称重复：{name}。"""

    code = "gate_names_repeat"


class CoordinatesIncomplete(BadInput):
    """经度和纬度须同时给出。"""

    code = "coordinates_incomplete"


class FactorSetNeeded(NotNow):
    """{country} 的活动没有默认的排放因子集，请选定一个：{choices}。"""

    code = "factor_set_needed"


class EventNotOpenYet(NotNow):
    """活动尚未开放报到，{opens_at} 开始。"""

    code = "event_not_open"


class EventClosed(NotNow):
    """活动已结束，不再接受报到。"""

    code = "event_closed"


class EventCancelled(NotNow):
    """活动已取消，不再接受报到。"""

    code = "event_cancelled"


class NewEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an organizer says of an event.

    `place` is a place's id or its name; latitude and longitude are the venue's, the place's where not given.
    `factor_set` may be left out in China. Hours are one interval a day, or several; gates are names. With a `meal`
    people are asked at the door how many they take, and all of them are accounted as of that kind.
    """

    organization_id: UUID
    name: Name
    kind: Kind
    place: Name
    venue: Name
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    time_zone: Annotated[str, Meta(min_length=1, max_length=60)]
    expected_people: Annotated[int, Meta(ge=1, le=10_000_000)]
    factor_set: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    hours: Annotated[list[Hours], Meta(min_length=1, max_length=60)]
    gates: Annotated[list[GateName], Meta(min_length=1, max_length=200)]
    meal: Meal | None = None


class Gate(msgspec.Struct, frozen=True):
    """A way in. The short code stands on its poster."""

    id: int
    name: str
    short_code: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event, with its hours in order of time and its gates in the order given. Times are UTC."""

    id: UUID
    organization_id: UUID
    name: str
    kind: Kind
    country: str
    region: str | None
    place: str
    venue: str
    latitude: float
    longitude: float
    time_zone: str
    expected_people: int
    factor_set: str
    hours: tuple[Hours, ...]
    gates: tuple[Gate, ...]
    cancelled: bool = False
    meal: str | None = None

    @property
    def jurisdiction(self) -> str:
        """Whose rules hold: the province (GB/T 2260) in China, else the country (ISO 3166)."""
        return self.region or self.country

    def gate(self, gate_id: int) -> Gate:
        """The gate of that id. Raises NotFound."""
        for each in self.gates:
            if each.id == gate_id:
                return each
        raise NotFound


class PublicEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What everyone may know of an event: its gates by name only. `jurisdiction` is whose rules hold."""

    id: UUID
    name: str
    kind: Kind
    country: str
    region: str | None
    jurisdiction: str
    venue: str
    latitude: float
    longitude: float
    time_zone: str
    factor_set: str
    hours: tuple[Hours, ...]
    gates: tuple[str, ...]
    open_now: bool
    cancelled: bool


async def create(connection: Connection, caller: Caller, new: NewEvent) -> Event:
    """Make an event, its gates, its ledger account and its empty tally.

    Raises NotFound or NotAllowed where the caller is no organizer of the organization, BadInput of several kinds,
    FactorSetNeeded, and CarbonRule for a place or factor set that is not known.
    """
    await require_in(connection, caller, new.organization_id, Role.ORGANIZER)
    check_hours(new.hours)
    check_time_zone(new.time_zone)
    names = distinct([name.strip() for name in new.gates])
    with carbon_refused():
        place = await asyncio.to_thread(find_place, new.place)
        factor_set = choose_factor_set(new.factor_set, place.country)
    latitude, longitude = coordinates(new, place)
    event_id = new_id()
    await connection.execute(
        """
        INSERT INTO events (
            id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set, same_event_clause, meal, own_rule_place
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        event_id,
        new.organization_id,
        new.name.strip(),
        new.kind,
        place.country,
        place.region,
        place.id,
        new.venue.strip(),
        latitude,
        longitude,
        new.time_zone,
        new.expected_people,
        factor_set,
        programmes.rules().same_event_clause(place.region or place.country, first_day(new)),
        new.meal,
        rule_place(place),
    )
    await add_hours(connection, event_id, new.hours)
    await add_gates(connection, event_id, names)
    await ledger.open_account(connection, event_id, "event")
    await connection.execute("INSERT INTO tallies (event_id) VALUES ($1)", event_id)
    await credit_regions.write(connection, event_id, taken_by(rule_of(rule_place(place), first_day(new))))
    return await find(connection, event_id)


def first_day(new: NewEvent) -> date:
    """The day on which it opens first, there."""
    return min(each.opens_at for each in new.hours).astimezone(ZoneInfo(new.time_zone)).date()


async def add_hours(connection: Connection, event_id: UUID, hours: Sequence[Hours]) -> None:
    """Write opening hours."""
    await connection.execute(
        """
        INSERT INTO opening_hours (event_id, opens_at, closes_at)
        SELECT $1, opens_at, closes_at
        FROM unnest($2::timestamptz[], $3::timestamptz[]) AS opening (opens_at, closes_at)
        """,
        event_id,
        [each.opens_at for each in hours],
        [each.closes_at for each in hours],
    )


async def add_gates(connection: Connection, event_id: UUID, names: Sequence[str]) -> None:
    """Write gates in the order given, each under a short code that no other gate has."""
    while names:
        added = await connection.fetch(
            """
            INSERT INTO gates (event_id, name, short_code)
            SELECT $1, name, short_code
            FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS added (name, short_code, place)
            ORDER BY place
            ON CONFLICT (short_code) DO NOTHING
            RETURNING name
            """,
            event_id,
            names,
            [new_short_code() for _ in names],
        )
        done = {row["name"] for row in added}
        names = [name for name in names if name not in done]


async def find(connection: Connection, event_id: UUID) -> Event:
    """The event. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set, opens_at, closes_at, gate_ids, gate_names, short_codes, cancelled, meal
        FROM whole_events WHERE id = $1
        """,
        event_id,
    )
    if row is None:
        raise NotFound
    return as_event(row)


async def find_many_by_short_code(connection: Connection, codes: Collection[str]) -> dict[str, tuple[Event, Gate]]:
    """The events and gates that short codes name; an unknown code is left out."""
    rows = await connection.fetch(
        """
        SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set, opens_at, closes_at, gate_ids, gate_names, short_codes, cancelled, meal
        FROM whole_events WHERE id IN (SELECT event_id FROM gates WHERE short_code = ANY ($1::text[]))
        """,
        list(codes),
    )
    wanted = set(codes)
    events = [as_event(row) for row in rows]
    return {gate.short_code: (event, gate) for event in events for gate in event.gates if gate.short_code in wanted}


async def of_caller(
    connection: Connection, caller: Caller, before: UUID | None = None, limit: int = 100
) -> list[Event]:
    """Events that the caller is a party of, the newest first.

    `before` is the id of the last event of the page before.
    """
    rows = await connection.fetch(
        """
        SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set, opens_at, closes_at, gate_ids, gate_names, short_codes, cancelled, meal
        FROM whole_events
        WHERE id IN (SELECT event_id FROM event_parties WHERE member_id = $1) AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        """,
        caller.member,
        before,
        limit,
    )
    return [as_event(row) for row in rows]


async def coming(connection: Connection, now: datetime, limit: int = 50) -> list[Event]:
    """Events that are not over nor cancelled, the next to close first."""
    rows = await connection.fetch(
        """
        WITH ahead AS (
            SELECT event_id, min(closes_at) AS closes_at FROM opening_hours WHERE closes_at > $1
            GROUP BY event_id ORDER BY closes_at, event_id LIMIT $2
        )
        SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set, opens_at, whole_events.closes_at, gate_ids, gate_names, short_codes, cancelled,
            meal
        FROM whole_events JOIN ahead ON ahead.event_id = whole_events.id
        WHERE NOT cancelled
        ORDER BY ahead.closes_at, id
        """,
        now,
        limit,
    )
    return [as_event(row) for row in rows]


def as_event(row: Any) -> Event:
    """A row of the queries above as an Event."""
    values = dict(row)
    hours = zip(values.pop("opens_at"), values.pop("closes_at"), strict=True)
    gates = zip(values.pop("gate_ids"), values.pop("gate_names"), values.pop("short_codes"), strict=True)
    return Event(**values, hours=tuple(Hours(*each) for each in hours), gates=tuple(Gate(*each) for each in gates))


def public(event: Event, now: datetime) -> PublicEvent:
    """What everyone may know of it."""
    return PublicEvent(
        id=event.id,
        name=event.name,
        kind=event.kind,
        country=event.country,
        region=event.region,
        jurisdiction=event.jurisdiction,
        venue=event.venue,
        latitude=event.latitude,
        longitude=event.longitude,
        time_zone=event.time_zone,
        factor_set=event.factor_set,
        hours=event.hours,
        gates=tuple(each.name for each in event.gates),
        open_now=is_open(event, now),
        cancelled=event.cancelled,
    )


def day_of(event: Event, at: datetime) -> date:
    """The event's own day at an instant: local time, the day beginning at 04:00."""
    return (at.astimezone(ZoneInfo(event.time_zone)) - DAY_BEGINS).date()


def is_open(event: Event, now: datetime) -> bool:
    """Whether people may come in."""
    return not event.cancelled and any(each.opens_at <= now < each.closes_at for each in event.hours)


def check_open(event: Event, now: datetime) -> None:
    """Raises EventCancelled, EventNotOpenYet, naming the next opening in local time, or EventClosed after the last."""
    if is_open(event, now):
        return
    if event.cancelled:
        raise EventCancelled
    for each in event.hours:
        if now < each.opens_at:
            local = each.opens_at.astimezone(ZoneInfo(event.time_zone))
            raise EventNotOpenYet(opens_at=local.isoformat(" ", "minutes"))
    raise EventClosed


def distinct(names: list[str]) -> list[str]:
    """The names as they are. Raises GateNamesRepeat."""
    for name in names:
        if names.count(name) > 1:
            raise GateNamesRepeat(name=name)
    return names


def find_place(text: str) -> places.Place:
    """The place of an id (`geonames:…`, `iata:…`) or a name, China's first."""
    return places.place(text) if ":" in text else places.search(text, "CN")


def coordinates(new: NewEvent, place: places.Place) -> tuple[float, float]:
    """The venue's latitude and longitude, else the place's. Raises CoordinatesIncomplete."""
    if new.latitude is None and new.longitude is None:
        return place.latitude, place.longitude
    if new.latitude is None or new.longitude is None:
        raise CoordinatesIncomplete
    return new.latitude, new.longitude


def choose_factor_set(wanted: str | None, country: str) -> str:
    """The id of the factor set wanted, China's own in China. Raises FactorSetNeeded elsewhere."""
    if wanted is not None:
        return factors.factor_set(wanted).id
    if country == "CN":
        return factors.factor_set("travel-cn").id
    raise FactorSetNeeded(country=country, choices=", ".join(each.id for each in factors.travel_sets()))
