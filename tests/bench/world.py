"""What the bench checks people in to: an event open now, requests as phones send them, members with tokens."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from scenarios.meeting.travel import Leg, Trip
from service import codes, events, members, organizations, sessions
from service.access import Caller, Role
from service.config import Config
from service.db import Connection, new_id, transaction
from service.events import Event, NewEvent
from service.schedules import Hours
from tests.bench.stand import Stand

ORGANIZER = "13800138000"
BEIJING = "geonames:1816670"
ROLES = frozenset({Role.PUBLIC, Role.CITIZEN, Role.VIEWER, Role.ORGANIZER})
TRIPS: Sequence[tuple[Trip, str | None]] = (
    (Trip("journey", (Leg("metro", 12_000),), round_trip=True), None),
    (Trip("journey", (Leg("high_speed_rail"), Leg("metro", 9_000)), round_trip=True, nights=2), "上海"),
    (Trip("journey", (Leg("bus", 7_500),), round_trip=True), None),
    (Trip("journey", (Leg("plane"),), round_trip=True, nights=3, companions=1), "维也纳"),
    (Trip("journey", (Leg("bicycle", 4_200),), round_trip=True), None),
    (Trip("journey", (Leg("car", 35_000, occupants=3),), round_trip=True, companions=2), None),
    (Trip("journey", (Leg("train"),), round_trip=True, nights=1), "geonames:1790630"),
    (Trip("journey", (Leg("metro", 15_000), Leg("walk", 800)), round_trip=True), None),
)
"""How people say they came: typed distances, names and ids of places, one leg and two."""


class World(msgspec.Struct, frozen=True):
    """An event open now on a running stand, and its organizer's access token."""

    stand: Stand
    event: Event
    organizer: str

    @property
    def headers(self) -> dict[str, str]:
        """Who asks, for what only the organizer may see."""
        return {"Authorization": f"Bearer {self.organizer}"}


async def make_world(pool: asyncpg.Pool, stand: Stand, place: str = BEIJING, **values: Any) -> World:
    """A new event, in Beijing unless told, that is open from an hour ago for twenty, with three gates."""
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, stand.config, ORGANIZER)
        organization = await organizations.found(connection, member, organizations.NewOrganization("测量组"))
        new = NewEvent(
            organization_id=organization.id,
            name="测量",
            kind="meeting",
            place=place,
            venue="测量中心",
            time_zone="Asia/Shanghai",
            expected_people=200_000,
            hours=[Hours(now - timedelta(hours=1), now + timedelta(hours=20))],
            gates=["A", "B", "C"],
            **values,
        )
        event = await events.create(connection, Caller(member, ROLES), new)
    return World(stand, event, sessions.access_token(stand.config, member, ROLES, now))


def check_in_requests(
    world: World, count: int, *, tokens: Iterable[str | None] = (None,), path: str | None = None
) -> list[bytes]:
    """Requests of `count` attendees at the gates, each with the ticket of a form just served.

    Without tokens each has a device of its own; with them, the account of its token. `path` sends the same elsewhere.
    """
    now, gates = datetime.now(UTC), itertools.cycle(world.event.gates)
    asked = zip(range(count), gates, itertools.cycle(TRIPS), itertools.cycle(tokens), strict=False)
    path = path or f"/v1/events/{world.event.id}/check-ins"
    return [
        check_in_request(path, uuid4(), world.stand.config, gate.short_code, trip, token, now)
        for _, gate, trip, token in asked
    ]


def echo_path(world: World) -> str:
    """Where the same is answered without the database."""
    return f"/v1/events/{world.event.id}/echo"


def check_in_request(
    path: str,
    check_in_id: UUID,
    config: Config,
    short_code: str,
    answers: tuple[Trip, str | None],
    token: str | None,
    now: datetime,
) -> bytes:
    """One request as it goes over the wire."""
    trip, origin = answers
    ticket = codes.ticket(config, short_code, check_in_id, fresh=True, now=now)
    body = msgspec.json.encode({"code": ticket, "trip": trip, "origin": origin})
    return post_request(
        path, check_in_id, speaks_for(token) if token else f"Tanhui-Device: {os.urandom(16).hex()}", body
    )


def speaks_for(token: str) -> str:
    """The header of who calls by an access token."""
    return f"Authorization: Bearer {token}"


def post_request(path: str, key: UUID, who: str, body: bytes) -> bytes:
    """A POST of JSON as it goes over the wire; `who` is a header line."""
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "Content-Type: application/json",
        f"Idempotency-Key: {key}",
        who,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def make_members(pool: asyncpg.Pool, config: Config, count: int) -> list[str]:
    """New members' access tokens."""
    async with transaction(pool) as connection:
        return tokens_of(config, await add_members(connection, count))


async def add_members(connection: Connection, count: int) -> list[UUID]:
    """New members with accounts, who joined a second apart as people do.

    Ids of one millisecond would be alike to an index of ranges (`gbt_uuid_penalty` compares their first 53 bits).
    """
    ids = [UUID(int=new_id().int - (1_000 * seconds << 80)) for seconds in range(count, 0, -1)]
    await connection.execute(
        """
        INSERT INTO members (id, phone_digest, phone_hint)
        SELECT id, sha256(uuid_send(id)), 'bench' FROM unnest($1::uuid[]) AS id
        """,
        ids,
    )
    await connection.execute("INSERT INTO accounts (id, kind) SELECT id, 'member' FROM unnest($1::uuid[]) AS id", ids)
    return ids


def tokens_of(config: Config, member_ids: Iterable[UUID]) -> list[str]:
    """Access tokens of members."""
    now = datetime.now(UTC)
    return [sessions.access_token(config, each, frozenset({Role.PUBLIC, Role.CITIZEN}), now) for each in member_ids]
