"""The real attendance of a real congress, replayed over HTTP: each person checks in, or each row is entered.

EGU General Assembly 2019, Vienna: Klöwer, Hopkins, Allen, Higham, "An analysis of ways to decarbonize conference
travel after COVID-19", Nature 583, 2020; the table and its citation are in tests/data/.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4, uuid5

import httpx
import msgspec

from scenarios.meeting.inventory import whole_people
from scenarios.meeting.travel import Leg, Trip
from service.activity_data import NewActivityData
from service.i18n import mark
from service.line_inputs import NewLine

ORGANIZATION = "EGU 2019（重演）"
VENUE = "Austria Center Vienna"
VIENNA = "geonames:2761369"
LATITUDE, LONGITUDE = 48.21, 16.37
TIME_ZONE = "Europe/Vienna"
FACTOR_SET = "klower-2020"
DAYS = 6
EVERYBODY = 16_227
WHOLE_PEOPLE_T = Decimal("22301.8")
ROWS_T = {"klower-2020": Decimal("22302.1"), "klower-2020-rail": Decimal("19750.2")}
"""What the authors publish, in tonnes, by the factor set that is their rule; and for whole people."""
TOLERANCE_T = Decimal("0.1")
AT_ONCE = 64
TRIES = 20
PATIENCE_S = 60.0


class Stopped(Exception):
    """Why the replay does not go on. The message is a Chinese text from the catalog and the values named in it."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text, values)
        self.text, self.values = text, values


class City(NamedTuple):
    """A row of the table: who came from one city, in fractions of people too; metres to Vienna, one way."""

    name: str
    country: str
    people: Decimal
    distance_m: int


class Person(NamedTuple):
    """One attendee: the `number`-th of a row."""

    row: int
    number: int
    distance_m: int


class Replayed(NamedTuple):
    """What the event's tally says."""

    check_ins: int
    emissions_g: int


def read_table(path: Path) -> list[City]:
    """The table. Raises Stopped when it is not what it should be."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                City(
                    row["city"],
                    row["country"],
                    Decimal(row["country_attendees"]) * Decimal(row["city_share"]),
                    int(Decimal(row["one_way_km"]) * 1000),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ArithmeticError) as error:
        raise Stopped(mark("读不懂 {path}：{reason}"), path=path, reason=repr(error)) from None


def people_of(table: Sequence[City]) -> list[Person]:
    """Whole people: by largest remainder within each country's rows."""
    counts = whole_people([(each.country, each.people) for each in table])
    return [
        Person(row, number, city.distance_m)
        for row, (city, count) in enumerate(zip(table, counts, strict=True))
        for number in range(count)
    ]


class Organizer:
    """An organizer signed in over HTTP."""

    def __init__(self, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.client = client
        self.tokens = tokens

    async def ask(self, method: str, path: str, body: Any = None, key: UUID | None = None) -> Any:
        """The answer to one request, with a fresh Idempotency-Key unless one is given. Raises Stopped."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return await ask(self.client, method, path, body, key, headers)

    async def rotate(self) -> None:
        """Go on with new tokens: with the roles of now, for another 15 minutes."""
        body = {"refresh_token": self.tokens["refresh_token"]}
        self.tokens = await ask(self.client, "POST", "/v1/sign-in/rotations", body)


async def ask(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any = None,
    key: UUID | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """The answer to one request, sent again when the server asks for patience or the connection breaks.

    It keeps its Idempotency-Key, so that it is done once. Raises Stopped with what the server refused.
    """
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(key or uuid4()), **(headers or {})}
    content = None if body is None else msgspec.json.encode(body)
    for number in range(TRIES):
        try:
            answer = await client.request(method, path, content=content, headers=sent)
        except httpx.TransportError as error:
            broken: object = repr(error)
        else:
            if answer.is_success:
                return answer.json() if answer.content else None
            if answer.status_code not in {429, 503}:
                raise Stopped(mark("{path} 被拒绝：{reason}"), path=path, reason=reason_of(answer))
            broken = reason_of(answer)
            await asyncio.sleep(float(answer.headers.get("retry-after", 0)))
        await asyncio.sleep(min(2.0, 0.05 * 2**number))
    raise Stopped(mark("{path} 试了 {count} 次没有成功：{reason}"), path=path, count=TRIES, reason=broken)


def reason_of(answer: httpx.Response) -> str:
    """What a refusal says."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return str(answer.json()["detail"])
    return f"{answer.status_code} {answer.text[:200]}"


async def ask_for_code(client: httpx.AsyncClient, phone: str) -> None:
    """Have a sign-in code sent. Raises Stopped."""
    await ask(client, "POST", "/v1/sign-in/codes", {"phone": phone})


async def sign_in(client: httpx.AsyncClient, phone: str, code: str) -> Organizer:
    """Sign in, and act for the replay's organization, founded if need be. Raises Stopped."""
    organizer = Organizer(client, await ask(client, "POST", "/v1/sign-in/sessions", {"phone": phone, "code": code}))
    if not any(each["name"] == ORGANIZATION for each in await organizer.ask("GET", "/v1/organizations")):
        await organizer.ask("POST", "/v1/organizations", {"name": ORGANIZATION})
        await organizer.rotate()
    return organizer


async def open_event(organizer: Organizer, factor_set: str, now: datetime, *, anew: bool) -> dict[str, Any]:
    """The congress with that factor set, open now: the one that was begun, or (`anew`, or where none is) a new one."""
    name = f"EGU 2019 · {factor_set}"
    for found in await organizer.ask("GET", "/v1/events"):
        if found["name"] == name and is_open(found, now) and not anew:
            return dict(found)
    (organization,) = [e for e in await organizer.ask("GET", "/v1/organizations") if e["name"] == ORGANIZATION]
    begins = [now - timedelta(hours=1) + timedelta(days=number) for number in range(DAYS)]
    new = {
        "organization_id": organization["id"],
        "name": name,
        "kind": "forum",
        "place": VIENNA,
        "venue": VENUE,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "time_zone": TIME_ZONE,
        "expected_people": EVERYBODY,
        "factor_set": factor_set,
        "hours": [{"opens_at": each, "closes_at": each + timedelta(days=1)} for each in begins],
        "gates": ["A"],
    }
    return dict(await organizer.ask("POST", "/v1/events", new))


def is_open(event: dict[str, Any], now: datetime) -> bool:
    """Whether people may come in, for some hours yet."""
    ends = [datetime.fromisoformat(each["closes_at"]) for each in event["hours"]]
    return now + timedelta(hours=3) < max(ends)


async def replay_people(
    client: httpx.AsyncClient,
    event: dict[str, Any],
    people: Sequence[Person],
    per_s: float,
    arrived: Callable[[], None],
) -> None:
    """Check everybody in at that pace. Ids derive from the event's: what was done before is not done again.

    Raises Stopped.
    """
    room = asyncio.Semaphore(AT_ONCE)

    async def come(person: Person) -> None:
        try:
            await check_in(client, event, person)
            arrived()
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for person in paced(people, per_s):
                await room.acquire()
                group.create_task(come(person))
    except* Stopped as stopped:
        raise stopped.exceptions[0] from None


async def paced(people: Sequence[Person], per_s: float) -> AsyncIterator[Person]:
    """Everybody in turn, so many a second."""
    clock = asyncio.get_running_loop().time
    began = clock()
    for number, person in enumerate(people):
        if (wait := began + number / per_s - clock()) > 0:
            await asyncio.sleep(wait)
        yield person


async def check_in(client: httpx.AsyncClient, event: dict[str, Any], person: Person) -> None:
    """Check one person in with a device of their own. Raises Stopped."""
    event_id = UUID(event["id"])
    device = uuid5(event_id, f"device {person.row} {person.number}")
    trip = Trip("journey", (Leg("any", person.distance_m),), round_trip=True)
    await ask(
        client,
        "POST",
        f"/v1/events/{event_id}/check-ins",
        {"code": event["gates"][0]["short_code"], "trip": trip},
        uuid5(event_id, f"check-in {person.row} {person.number}"),
        {"Tanhui-Device": device.hex},
    )


async def await_tally(organizer: Organizer, event_id: str, people: int) -> Replayed:
    """The tally once it has everybody. Raises Stopped when it takes too long."""
    await organizer.rotate()
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE_S
    while clock() < until:
        tally = await organizer.ask("GET", f"/v1/events/{event_id}/tally")
        if tally["check_ins"] >= people:
            return Replayed(tally["check_ins"], tally["journey_emissions_g"])
        await asyncio.sleep(0.25)
    text = mark("{seconds} 秒后统计中仍只有 {count} 次报到，应有 {people} 次：后台任务在运行吗？")
    raise Stopped(text, seconds=int(PATIENCE_S), count=tally["check_ins"], people=people)


async def enter_rows(organizer: Organizer, event_id: str, table: Sequence[City]) -> int:
    """Enter the table's rows as activity data, once; return the event's travel emissions (g). Raises Stopped."""
    lines = [NewLine("any", f"{city.people:f}", city.distance_m, label=city.name) for city in table]
    path = f"/v1/events/{event_id}/activity-data"
    await organizer.ask("POST", path, NewActivityData(lines), uuid5(UUID(event_id), "rows"))
    inventory = await organizer.ask("GET", f"/v1/events/{event_id}/inventory")
    return int(inventory["result"]["lines_g"])


def is_met(emissions_g: int, published_t: Decimal) -> bool:
    """Whether emissions come to what is published, within a tenth of a tonne of its rounding."""
    return abs(Decimal(emissions_g).scaleb(-6) - published_t) <= TOLERANCE_T


def now_utc() -> datetime:
    """This moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
