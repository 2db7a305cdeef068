"""Refused scans: kept for the organizer up to a cap that holds whoever writes at once, and for real events only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx

from service import refused_scans
from service.config import Config
from service.db import transaction
from service.refused_scans import CAP, Refused, RefusedScan
from tests.doors import open_event
from tests.people import HAN, LI, WANG, ZHAO, add_gate_keeper, appoint, found_organization, key
from tests.test_events import new_event

HOUR = datetime(2026, 11, 21, 9, tzinfo=UTC)


def scans(event_id: UUID, count: int, at: datetime = HOUR, scanned: str = "nonsense") -> list[Refused]:
    """Scans of an event, one a second."""
    return [Refused(event_id, scanned, "code_forged", at + timedelta(seconds=n)) for n in range(count)]


async def keep(pool: asyncpg.Pool, *refused: Refused) -> None:
    """Keep in a transaction of one's own."""
    async with transaction(pool) as connection:
        await refused_scans.keep(connection, refused)


async def newest(pool: asyncpg.Pool, event_id: UUID, before: datetime | None = None) -> list[RefusedScan]:
    """What the organizer sees."""
    async with pool.acquire() as connection:
        return await refused_scans.newest(connection, event_id, before)


async def test_a_refused_scan_is_kept_with_its_code_and_the_gate_it_names(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    other = await open_event(database)
    gate = event.gates[1]
    for n, scanned in enumerate((gate.short_code.lower(), other.gates[0].short_code, "https://elsewhere.example/")):
        await keep(database, Refused(event.id, scanned, "code_expired", HOUR + timedelta(minutes=n)))
    assert [(each.gate, each.scanned, each.refusal) for each in await newest(database, event.id)] == [
        (None, "https://elsewhere.example/", "code_expired"),
        (None, other.gates[0].short_code, "code_expired"),
        (gate.name, gate.short_code.lower(), "code_expired"),
    ]
    assert await newest(database, other.id) == []


async def test_an_hour_has_so_many_places_and_the_next_as_many_again(database: asyncpg.Pool) -> None:
    event, other = await open_event(database), await open_event(database)
    for _ in range(3):
        await keep(database, *scans(event.id, CAP // 2 - 1), *scans(other.id, 1))
    await keep(database, *scans(event.id, 3, HOUR + timedelta(hours=1)))
    rows = await database.fetch("SELECT event_id, hour, count(*) FROM refused_scans GROUP BY 1, 2 ORDER BY 2, 3")
    assert [tuple(row) for row in rows] == [
        (other.id, HOUR, 3),
        (event.id, HOUR, CAP),
        (event.id, HOUR + timedelta(hours=1), 3),
    ]


async def test_writers_at_once_lose_none_below_the_cap_and_never_pass_it(database: asyncpg.Pool) -> None:
    event, other = await open_event(database), await open_event(database)
    few = [[*scans(event.id, 7), *scans(other.id, 5)] for _ in range(20)]
    await asyncio.gather(*(keep(database, *batch) for batch in few))
    assert await database.fetchval("SELECT count(*) FROM refused_scans WHERE event_id = $1", event.id) == 140
    assert await database.fetchval("SELECT count(*) FROM refused_scans WHERE event_id = $1", other.id) == 100
    await asyncio.gather(*(keep(database, *scans(event.id, 40)) for _ in range(20)))
    assert await database.fetchval("SELECT count(*) FROM refused_scans WHERE event_id = $1", event.id) == CAP


async def test_scans_of_no_event_are_not_kept(database: asyncpg.Pool) -> None:
    await keep(database, *scans(uuid4(), 3))
    assert await database.fetchval("SELECT count(*) FROM refused_scans") == 0


async def test_whatever_was_scanned_can_be_kept_and_shown(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    for scanned in ("a\0b\n\ud800", "二维码" * 1_000, ""):
        await keep(database, Refused(event.id, scanned, "code_forged", HOUR))
    assert {each.scanned for each in await newest(database, event.id)} == {"a?b??", ("二维码" * 67)[:200], ""}


async def test_the_newest_come_first_and_older_ones_by_asking(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    for hour in range(3):
        await keep(database, *scans(event.id, 300, HOUR + timedelta(hours=hour)))
    first = await newest(database, event.id)
    assert len(first) == 500
    assert [each.refused_at for each in first] == sorted((each.refused_at for each in first), reverse=True)
    rest = await newest(database, event.id, first[-1].refused_at)
    assert len(rest) == 400
    assert len({each.refused_at for each in (*first, *rest)}) == 900


async def test_refused_scans_are_the_organizers_and_the_authoritys_to_see(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    event_id = UUID(made.json()["id"])
    await keep(database, *scans(event_id, 2))
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    authority = await appoint(client, database, config, ZHAO, "110000")
    url = f"/v1/events/{event_id}/refused-scans"
    for caller, status in ((organizer, 200), (authority, 200), (keeper, 403), (stranger, 404)):
        assert (await client.get(url, headers=caller)).status_code == status
    before = {"before": (HOUR + timedelta(seconds=1)).isoformat()}
    assert len((await client.get(url, headers=organizer, params=before)).json()) == 1
    for wrong in ("yesterday", "2026-11-21T09:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"):
        answer = await client.get(url, headers=organizer, params={"before": wrong})
        assert answer.json()["code"] == "bad_input"
