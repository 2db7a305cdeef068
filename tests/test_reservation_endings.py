"""A reservation ends once: posted, voided or lapsed, and not a gram is lost whoever comes at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from service import reservations
from service.db import new_id
from service.donations import ClosedToDonations
from service.errors import IdReused, Refusal
from service.reservations import (
    Ending,
    MoreThanReserved,
    NotLapsedYet,
    Reservation,
    ReservationEnded,
    Standing,
)
from tests.books import rich_member
from tests.reserving import given, held, lapse, post, reserve, reserve_briefly, set_aside, time_is_up, void
from tests.tallied import fold_out, hall
from workers import lapsing

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
    due = await reserve_briefly(database, member, event, 15, timedelta(milliseconds=100))
    kept = await reserve(database, member, event, 5)
    await time_is_up(due)
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
    broken = await reserve_briefly(database, member, event, 5, timedelta(milliseconds=50))
    sound = await reserve_briefly(database, member, event, 5, timedelta(milliseconds=60))
    await void(database, broken)
    await database.execute(
        "INSERT INTO open_reservations (reservation_id, event_id, lapses_at) VALUES ($1, $2, now())",
        broken.reservation_id,
        event.id,
    )
    await time_is_up(sound)
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


async def test_of_post_and_lapse_at_once_one_wins(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 200), await hall(database)
    outcomes = []
    for turn in range(20):
        reservation = await reserve_briefly(database, member, event, 10, timedelta(milliseconds=30))
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
