"""Reserving: the oldest grams are set aside, once an id, and never more than are held."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service import ledger, reservations
from service.config import Config
from service.db import new_id, transaction
from service.donations import Overdraft, SameEventReduction
from service.errors import IdReused, NotFound
from service.members import member_by_phone
from service.reservations import (
    Ending,
    LapsesTooSoon,
    Reservation,
)
from tests.books import CLASSES, issue, open_member, rich_member
from tests.people import LI, WANG, key, sign_in
from tests.reserving import IN_AN_HOUR, given, held, post, reserve, set_aside, void
from tests.tallied import Hall, hall

# Reserving ------------------------------------------------------------------------------------------------------------


async def test_what_is_reserved_is_the_oldest_and_no_longer_held(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20, 30), await hall(database)
    await reserve(database, member, event, 25)
    assert await held(database, member) == [(10, 5), (11, 30)]
    assert await set_aside(database) == 25
    assert await given(database, event) == 0


async def test_more_than_is_held_cannot_be_reserved_nor_what_is_reserved_again(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await hall(database)
    await reserve(database, member, event, 25)
    with pytest.raises(Overdraft) as refused:
        await reserve(database, member, event, 6)
    assert refused.value.values == {"held_g": 5, "asked_g": 6}
    assert await held(database, member) == [(10, 5)]


async def test_the_same_reservation_again_is_answered_as_before(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await hall(database)
    first = await reserve(database, member, event, 6)
    async with transaction(database) as connection:
        again = await reservations.reserve(connection, first.reservation_id, member, event.id, 6, first.lapses_at)
    assert again == first
    assert await held(database, member) == [(9, 4)]


async def test_an_id_stands_for_one_thing_only(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await hall(database)
    first = await reserve(database, member, event, 6)
    with pytest.raises(IdReused):
        await reserve(database, member, event, 3, id_=first.reservation_id)
    issued = await database.fetchval("SELECT id FROM transfers WHERE reason = 'issue'")
    with pytest.raises(IdReused):
        await reserve(database, member, event, 3, id_=issued)
    assert isinstance(await void(database, first, issued), IdReused)
    assert await held(database, member) == [(9, 4)]


async def test_an_event_that_is_not_there_cannot_be_reserved_for(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 10)
    with pytest.raises(NotFound):
        await reserve(database, member, Hall(uuid4(), (1, 2)), 6)


async def test_a_reservation_that_would_have_lapsed_is_refused(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await hall(database)
    with pytest.raises(LapsesTooSoon):
        await reserve(database, member, event, 6, lasting=-timedelta(seconds=1))
    assert await held(database, member) == [(9, 10)]


async def earned_at(pool: asyncpg.Pool, event: Hall, grams: int) -> UUID:
    """A member who holds what travelling to the event earned, older than ten grams of something else."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        classes = [CLASSES[0]._replace(event_id=event.id), CLASSES[1]]
        ids = await ledger.class_ids(connection, classes)
        await ledger.post_many(
            connection,
            [
                ledger.Transfer(new_id(), ledger.ISSUANCE, member, ids[each], amount, "issue")
                for each, amount in zip(classes, (grams, 10), strict=True)
            ],
        )
        return member


async def test_what_travelling_to_the_event_earned_is_not_reserved_for_it(database: asyncpg.Pool) -> None:
    event, other = await hall(database), await hall(database)
    member = await earned_at(database, event, 50)
    with pytest.raises(SameEventReduction):
        await reserve(database, member, event, 11)
    await reserve(database, member, event, 10)
    assert await held(database, member) == [(9, 50)]
    await reserve(database, member, other, 50)


async def test_a_place_whose_rule_allows_it_takes_what_travelling_to_the_event_earned(database: asyncpg.Pool) -> None:
    event = await hall(database)
    await database.execute("UPDATE events SET same_event_clause = '第一条' WHERE id = $1", event.id)
    member = await earned_at(database, event, 50)
    reservation = await reserve(database, member, event, 55)
    assert isinstance(await post(database, reservation), Ending)
    assert await given(database, event) == 55


# Races ----------------------------------------------------------------------------------------------------------------


async def test_a_reservation_sent_often_at_once_is_made_once(database: asyncpg.Pool) -> None:
    member, event, id_ = await rich_member(database, 100), await hall(database), new_id()
    lapses_at = datetime.now(UTC) + IN_AN_HOUR

    async def once() -> Reservation:
        async with transaction(database) as connection:
            return await reservations.reserve(connection, id_, member, event.id, 60, lapses_at)

    answers = await asyncio.gather(*(once() for _ in range(20)))
    assert len(set(map(repr, answers))) == 1
    assert await held(database, member) == [(9, 40)]


async def test_reservations_of_one_account_at_once_never_overdraw_it(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 40, 60), await hall(database)

    async def one() -> bool:
        try:
            await reserve(database, member, event, 7)
        except Overdraft:
            return False
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(30)))) == 14
    assert await held(database, member) == [(11 - 1, 2)]


# Over HTTP ------------------------------------------------------------------------------------------------------------


async def fill(pool: asyncpg.Pool, config: Config, phone: str, *grams: int) -> UUID:
    """Issue grams to whoever has this number."""
    async with transaction(pool) as connection:
        member = await member_by_phone(connection, config, phone)
        await issue(connection, member, grams)
        return member


async def test_a_citizen_reserves_and_gives_part_and_a_repeat_gets_the_same_bytes(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event, li = await hall(database), await sign_in(client, LI)
    member = await fill(database, config, LI, 10, 20)
    body = {"grams": 25, "lapses_at": (datetime.now(UTC) + IN_AN_HOUR).isoformat()}
    again = key()
    made = await client.post(f"/v1/events/{event.id}/reservations", json=body, headers=li | again)
    assert made.status_code == 201, made.text
    id_ = made.json()["reservation_id"]
    assert id_ == again["Idempotency-Key"]
    repeat = await client.post(f"/v1/events/{event.id}/reservations", json=body, headers=li | again)
    assert repeat.content == made.content
    posted = await client.post(f"/v1/reservations/{id_}/post", json={"grams": 15}, headers=li | key())
    assert posted.status_code == 201, posted.text
    assert (posted.json()["posted_g"], posted.json()["returned_g"]) == (15, 10)
    late = await client.post(f"/v1/reservations/{id_}/void", json={}, headers=li | key())
    assert (late.status_code, late.json()["code"]) == (409, "reservation_ended")
    shown = (await client.get(f"/v1/reservations/{id_}", headers=li)).json()
    assert shown == {"reservation": made.json(), "ending": posted.json()}
    assert await held(database, member) == [(10, 15)]


async def test_anothers_reservation_is_not_there(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event, wang = await hall(database), await sign_in(client, WANG)
    reservation = await reserve(database, await fill(database, config, LI, 10), event, 6)
    url = f"/v1/reservations/{reservation.reservation_id}"
    answers = [
        await client.get(url, headers=wang),
        await client.post(f"{url}/post", json={}, headers=wang | key()),
        await client.post(f"{url}/void", json={}, headers=wang | key()),
    ]
    assert [each.status_code for each in answers] == [404, 404, 404]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"grams": 0, "lapses_at": "2090-01-01T00:00:00Z"}, 400, "bad_input"),
        ({"grams": -5, "lapses_at": "2090-01-01T00:00:00Z"}, 400, "bad_input"),
        ({"grams": 2**63, "lapses_at": "2090-01-01T00:00:00Z"}, 400, "bad_input"),
        ({"grams": 1.5, "lapses_at": "2090-01-01T00:00:00Z"}, 400, "bad_input"),
        ({"grams": 5, "lapses_at": "2090-01-01T00:00:00"}, 400, "bad_input"),
        ({"grams": 5, "lapses_at": "9999-12-31T23:59:59-12:00"}, 400, "bad_input"),
        ({"grams": 5, "lapses_at": "0001-01-01T00:00:00+12:00"}, 400, "bad_input"),
        ({"grams": 5, "lapses_at": "2020-01-01T00:00:00Z"}, 422, "lapses_too_soon"),
        ({"grams": 11, "lapses_at": "2090-01-01T00:00:00Z"}, 409, "overdraft"),
    ],
)
async def test_a_reservation_without_sense_is_refused_and_moves_nothing(
    client: httpx.AsyncClient,
    database: asyncpg.Pool,
    config: Config,
    body: dict[str, object],
    status: int,
    code: str,
) -> None:
    event, li = await hall(database), await sign_in(client, LI)
    member = await fill(database, config, LI, 10)
    answer = await client.post(f"/v1/events/{event.id}/reservations", json=body, headers=li | key())
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await held(database, member) == [(9, 10)]
