"""Badges' codes: shown once and kept nowhere, known only at their own event, repeated to whom they were given."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service import personal_codes
from service.codes import CodeForged
from service.config import Config
from service.db import transaction
from service.personal_codes import attendee_of_personal_code, codes_of, known, known_among
from tests.doors import open_event
from tests.people import HAN, LI, WANG, add_gate_keeper, found_organization, key
from tests.test_events import new_event


async def issue(pool: asyncpg.Pool, config: Config, event_id: UUID, wanted: int) -> list[str]:
    """New codes for an event."""
    async with transaction(pool) as connection:
        return codes_of(config, event_id, await personal_codes.issue(connection, config, event_id, wanted))


async def test_codes_are_issued_in_the_number_asked_and_all_different(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    made = [code for wanted in (1, 5_000, 2_000) for code in await issue(database, config, event.id, wanted)]
    assert len(made) == len(set(made)) == 7_001
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code) for code in made)
    assert await database.fetchval("SELECT count(*) FROM personal_codes WHERE event_id = $1", event.id) == 7_001


async def test_a_code_is_known_at_its_own_event_only(database: asyncpg.Pool, config: Config) -> None:
    here, elsewhere = await open_event(database), await open_event(database)
    (code,) = await issue(database, config, here.id, 1)
    async with database.acquire() as connection:
        for typed in (code, code.lower(), code.replace("-", ""), f" {code} "):
            assert await known(connection, here.id, attendee_of_personal_code(config, here.id, typed))
        at_other = attendee_of_personal_code(config, elsewhere.id, code)
        assert not await known(connection, elsewhere.id, at_other)
        assert at_other != attendee_of_personal_code(config, here.id, code)
        assert not await known(connection, here.id, attendee_of_personal_code(config, here.id, "0000-0000"))


async def test_many_are_looked_up_at_once(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    made = await issue(database, config, event.id, 3)
    issued = {(event.id, attendee_of_personal_code(config, event.id, code)) for code in made}
    async with database.acquire() as connection:
        asked = [*issued, (event.id, uuid4()), (uuid4(), uuid4()), next(iter(issued))]
        assert await known_among(connection, asked) == issued
        assert await known_among(connection, []) == frozenset()


def test_what_is_no_code_names_no_attendee(config: Config) -> None:
    for typed in ("", "没有", "B7K2_9QXW", "U" * 8):
        with pytest.raises(CodeForged):
            attendee_of_personal_code(config, UUID(int=1), typed)


async def test_a_code_that_another_batch_has_is_passed_over(
    database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await open_event(database)
    narrow = iter([*"AAB", *"ABCD"])
    monkeypatch.setattr(personal_codes, "derived", lambda *_: next(narrow) * 8)
    async with transaction(database) as connection:
        assert (await personal_codes.issue(connection, config, event.id, 2)).numbers == [1, 2]
        assert (await personal_codes.issue(connection, config, event.id, 2)).numbers == [2, 3]


async def test_codes_stand_nowhere_in_the_database_and_a_repeat_shows_them_again(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    organizer, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    url = f"/v1/events/{made.json()['id']}/personal-codes"
    headers = organizer | key()
    first = await client.post(url, json={"count": 3}, headers=headers)
    assert first.status_code == 201, first.text
    assert len(first.json()["codes"]) == 3
    again = await client.post(url, json={"count": 3}, headers=headers)
    assert again.content == first.content
    assert await database.fetchval("SELECT count(*) FROM personal_codes") == 3
    assert (await client.post(url, json={"count": 4}, headers=headers)).json()["code"] == "id_reused"
    kept = await database.fetch("SELECT convert_from(answer, 'UTF8') AS answer FROM idempotent_requests")
    for code in first.json()["codes"]:
        assert not any(word in row["answer"] for row in kept for word in (code, code.replace("-", "")))


async def test_only_the_events_organizers_get_codes_and_so_many_at_once(client: httpx.AsyncClient) -> None:
    organizer, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    url = f"/v1/events/{made.json()['id']}/personal-codes"
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    for caller, status in ((keeper, 403), (stranger, 404), ({}, 401)):
        assert (await client.post(url, json={"count": 1}, headers=caller | key())).status_code == status
    for count in (0, 5_001, "many", 1.5, None):
        answer = await client.post(url, json={"count": count}, headers=organizer | key())
        assert answer.json()["code"] == "bad_input"
