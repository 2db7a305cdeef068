"""Reservations: set aside at once, ended exactly once, whoever races for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service import ledger, reservations
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import ClosedToDonations, Overdraft, SameEventReduction
from service.errors import IdReused, NotFound, Refusal
from service.members import member_by_phone
from service.reservations import (
    Ending,
    LapsesTooSoon,
    MoreThanReserved,
    NotLapsedYet,
    Reservation,
    ReservationEnded,
    Standing,
)
from tests.books import CLASSES, issue, open_member, rich_member
from tests.people import LI, WANG, key, sign_in
from tests.tallied import Hall, fold_out, hall
from workers import lapsing

IN_AN_HOUR = timedelta(hours=1)


async def reserve(
    pool: asyncpg.Pool,
    member: UUID,
    event: Hall,
    grams: int,
    *,
    id_: UUID | None = None,
    lasting: timedelta = IN_AN_HOUR,
) -> Reservation:
    """Set grams aside, committed."""
    async with transaction(pool) as connection:
        lapses_at = datetime.now(UTC) + lasting
        return await reservations.reserve(connection, id_ or new_id(), member, event.id, grams, lapses_at)


async def do(pool: asyncpg.Pool, work: Callable[[Connection], Awaitable[Ending]]) -> Ending | Refusal:
    """End a reservation, committed; or why not, with nothing done."""
    try:
        async with transaction(pool) as connection:
            return await work(connection)
    except Refusal as refusal:
        return refusal


async def post(
    pool: asyncpg.Pool, reservation: Reservation, ending_id: UUID | None = None, grams: int | None = None
) -> Ending | Refusal:
    ending = ending_id or new_id()
    return await do(pool, lambda c: reservations.post(c, reservation.reservation_id, ending, grams))


async def void(pool: asyncpg.Pool, reservation: Reservation, ending_id: UUID | None = None) -> Ending | Refusal:
    ending = ending_id or new_id()
    return await do(pool, lambda c: reservations.void(c, reservation.reservation_id, ending))


async def lapse(pool: asyncpg.Pool, reservation: Reservation) -> Ending | Refusal:
    return await do(pool, lambda c: reservations.lapse(c, reservation.reservation_id, new_id()))


async def held(pool: asyncpg.Pool, member: UUID) -> list[tuple[int, int]]:
    """Months and grams of what a member holds."""
    async with pool.acquire() as connection:
        return [(each.vintage.month, each.grams) for each in await ledger.holdings(connection, member)]


async def given(pool: asyncpg.Pool, event: Hall) -> int:
    """What the journal says the event was given, less what it gave back."""
    return int(
        await pool.fetchval(
            """
            SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0)
            FROM transfers WHERE $1 IN (source, destination)
            """,
            event.id,
        )
    )


async def set_aside(pool: asyncpg.Pool) -> int:
    """What lies in the account of what is held."""
    return int(
        await pool.fetchval(
            "SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0) "
            "FROM transfers WHERE $1 IN (source, destination)",
            ledger.HELD,
        )
    )


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


# Ending ---------------------------------------------------------------------------------------------------------------


async def test_what_is_posted_is_a_donation_and_counts_in_the_tally(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await hall(database)
    ending = await post(database, await reserve(database, member, event, 25))
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.posted_g, ending.returned_g) == ("post", 25, 0)
    assert (await given(database, event), await set_aside(database)) == (25, 0)
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (1, 25)
    assert await database.fetchval("SELECT grams FROM donations WHERE id = $1", ending.ending_id) == 25


async def test_what_is_posted_in_part_returns_the_rest_in_its_own_classes(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20, 30), await hall(database)
    ending = await post(database, await reserve(database, member, event, 45), grams=17)
    assert isinstance(ending, Ending)
    assert (ending.posted_g, ending.returned_g) == (17, 28)
    assert await held(database, member) == [(10, 13), (11, 30)]
    assert (await given(database, event), await set_aside(database)) == (17, 0)
    assert (await fold_out(database, event)).donated_g == 17


async def test_more_than_reserved_is_not_posted(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 30), await hall(database)
    reservation = await reserve(database, member, event, 10)
    refused = await post(database, reservation, grams=11)
    assert isinstance(refused, MoreThanReserved)
    assert refused.values == {"reserved_g": 10, "asked_g": 11}
    assert isinstance(await post(database, reservation), Ending)


async def test_what_is_voided_is_held_again(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await hall(database)
    ending = await void(database, await reserve(database, member, event, 25))
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.posted_g, ending.returned_g) == ("void", 0, 25)
    assert await held(database, member) == [(9, 10), (10, 20)]


async def test_an_ended_reservation_stays_as_it_ended(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 30), await hall(database)
    posted, voided = (await reserve(database, member, event, 10), await reserve(database, member, event, 10))
    await post(database, posted)
    await void(database, voided)
    for reservation in (posted, voided):
        for again in (await post(database, reservation), await void(database, reservation)):
            assert isinstance(again, ReservationEnded)
        assert isinstance(await lapse(database, reservation), ReservationEnded)
    assert await given(database, event) == 10


async def test_the_same_ending_again_is_answered_as_before(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 30), await hall(database)
    posted, voided = (await reserve(database, member, event, 10), await reserve(database, member, event, 10))
    ids = new_id(), new_id()
    assert await post(database, posted, ids[0], 4) == await post(database, posted, ids[0], 4)
    assert await void(database, voided, ids[1]) == await void(database, voided, ids[1])
    assert await given(database, event) == 4


async def test_the_same_ending_id_with_other_content_is_refused(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 30), await hall(database)
    one, other = (await reserve(database, member, event, 10), await reserve(database, member, event, 10))
    id_ = new_id()
    await post(database, one, id_, 4)
    assert isinstance(await post(database, one, id_, 5), IdReused)
    assert isinstance(await void(database, one, id_), IdReused)
    assert isinstance(await post(database, other, id_, 4), IdReused)
    assert await given(database, event) == 4


async def test_nothing_lapses_before_its_time(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await hall(database)
    assert isinstance(await lapse(database, await reserve(database, member, event, 6)), NotLapsedYet)
    await lapsing.sweep(database)
    assert await held(database, member) == [(9, 4)]


async def test_the_sweep_lets_lapse_what_is_due(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await hall(database)
    due = await reserve(database, member, event, 15, lasting=timedelta(milliseconds=100))
    kept = await reserve(database, member, event, 5)
    await asyncio.sleep(0.15)
    assert isinstance(await post(database, due), ReservationEnded), "its time is up, swept or not"
    await asyncio.gather(lapsing.sweep(database), lapsing.sweep(database))
    async with database.acquire() as connection:
        ended = (await reservations.find(connection, due.reservation_id, member)).ending
        assert await reservations.find(connection, kept.reservation_id, member) == Standing(kept, None)
    assert ended
    assert (ended.outcome, ended.returned_g) == ("lapse", 15)
    assert await held(database, member) == [(9, 10), (10, 15)]


async def test_one_that_cannot_lapse_keeps_no_other_back(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 20), await hall(database)
    broken = await reserve(database, member, event, 5, lasting=timedelta(milliseconds=50))
    sound = await reserve(database, member, event, 5, lasting=timedelta(milliseconds=60))
    await void(database, broken)
    await database.execute(
        "INSERT INTO open_reservations (reservation_id, event_id, lapses_at) VALUES ($1, $2, now())",
        broken.reservation_id,
        event.id,
    )
    await asyncio.sleep(0.1)
    await lapsing.sweep(database)
    async with database.acquire() as connection:
        assert (await reservations.find(connection, sound.reservation_id, member)).ending


async def test_a_closed_event_takes_no_post_and_the_reservation_can_still_be_voided(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await hall(database)
    reservation = await reserve(database, member, event, 6)
    await database.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, 'settled')", event.id)
    assert isinstance(await post(database, reservation), ClosedToDonations)
    with pytest.raises(ClosedToDonations):
        await reserve(database, member, event, 1)
    assert isinstance(await void(database, reservation), Ending)
    assert await held(database, member) == [(9, 10)]


# Races ----------------------------------------------------------------------------------------------------------------


async def test_of_post_and_void_at_once_one_wins(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 400), await hall(database)
    winners = set()
    for turn in range(40):
        reservation = await reserve(database, member, event, 10)
        both = [post(database, reservation), void(database, reservation)]
        verdicts = await asyncio.gather(*(both if turn % 2 else reversed(both)))
        ended = [each for each in verdicts if isinstance(each, Ending)]
        assert sorted(type(each).__name__ for each in verdicts) == ["Ending", "ReservationEnded"]
        winners.add(ended[0].outcome)
        posted = await given(database, event)
    assert winners == {"post", "void"}
    assert posted + sum(grams for _, grams in await held(database, member)) == 400


async def test_a_post_sent_often_at_once_is_done_once(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 100), await hall(database)
    reservation, id_ = await reserve(database, member, event, 50), new_id()
    verdicts = await asyncio.gather(*(post(database, reservation, id_, 30) for _ in range(20)))
    assert len(set(map(repr, verdicts))) == 1
    assert await given(database, event) == 30
    assert (await fold_out(database, event)).donations == 1


async def test_a_reservation_sent_often_at_once_is_made_once(database: asyncpg.Pool) -> None:
    member, event, id_ = await rich_member(database, 100), await hall(database), new_id()
    lapses_at = datetime.now(UTC) + IN_AN_HOUR

    async def once() -> Reservation:
        async with transaction(database) as connection:
            return await reservations.reserve(connection, id_, member, event.id, 60, lapses_at)

    answers = await asyncio.gather(*(once() for _ in range(20)))
    assert len(set(map(repr, answers))) == 1
    assert await held(database, member) == [(9, 40)]


async def test_of_post_and_lapse_at_once_one_wins(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 200), await hall(database)
    outcomes = []
    for turn in range(20):
        reservation = await reserve(database, member, event, 10, lasting=timedelta(milliseconds=30))
        await asyncio.sleep(0.02 + turn * 0.001)

        async def lapse_soon(reservation: Reservation = reservation) -> Ending | Refusal:
            while isinstance(verdict := await lapse(database, reservation), NotLapsedYet):  # noqa: ASYNC110 - a race
                await asyncio.sleep(0)
            return verdict

        verdicts = await asyncio.gather(post(database, reservation), lapse_soon())
        ended = [each for each in verdicts if isinstance(each, Ending)]
        assert len(ended) == 1
        outcomes.append(ended[0].outcome)
    assert await given(database, event) == 10 * outcomes.count("post")
    assert sum(grams for _, grams in await held(database, member)) == 200 - 10 * outcomes.count("post")


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
