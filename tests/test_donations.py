"""Donations: never more than one has, never twice for one request."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx

from service import ledger
from service.config import Config
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, Overdraft, donate_many
from service.errors import IdReused, NotFound, Refusal
from service.events import Event
from service.group_commit import GroupCommitter
from tests.books import balance, event_account, issue, rich_member
from tests.browsing import a_ride, sign_in
from tests.paper import see, send
from tests.people import LI


async def give(pool: asyncpg.Pool, *requests: DonationRequest) -> list[Donation | Refusal]:
    """Decide donations as one set."""
    async with transaction(pool) as connection:
        return await donate_many(connection, requests)


def committer(pool: asyncpg.Pool) -> GroupCommitter[DonationRequest, Donation]:
    return GroupCommitter(pool, donate_many)


async def test_a_donation_draws_the_oldest_class_first(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20, 30), await event_account(database)
    (given,) = await give(database, DonationRequest(new_id(), member, event, 25))
    assert isinstance(given, Donation)
    async with database.acquire() as connection:
        held = await ledger.holdings(connection, member)
    assert [(each.vintage.month, each.grams) for each in held] == [(10, 5), (11, 30)]


async def test_one_gram_too_many_is_refused_and_nothing_moves(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await event_account(database)
    (refused,) = await give(database, DonationRequest(new_id(), member, event, 31))
    assert isinstance(refused, Overdraft)
    assert refused.values == {"held_g": 30, "asked_g": 31}
    assert await balance(database, member) == 30


async def test_everything_can_be_given(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10, 20), await event_account(database)
    assert isinstance((await give(database, DonationRequest(new_id(), member, event, 30)))[0], Donation)
    assert await balance(database, member) == 0


async def test_the_same_request_again_gets_the_same_answer_and_moves_nothing(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await event_account(database)
    request = DonationRequest(new_id(), member, event, 6)
    first, second = await give(database, request), await give(database, request)
    assert first == second
    assert await balance(database, member) == 4


async def test_a_refused_request_stays_refused_when_credits_have_come_since(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database), await event_account(database)
    request = DonationRequest(new_id(), member, event, 5)
    (first,) = await give(database, request)
    async with database.acquire() as connection:
        await issue(connection, member, [100])
    (second,) = await give(database, request)
    assert isinstance(first, Overdraft)
    assert isinstance(second, Overdraft)
    assert second.values == first.values


async def test_the_same_id_with_other_content_is_refused(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await event_account(database)
    other = await rich_member(database, 10)
    request = DonationRequest(new_id(), member, event, 6)
    await give(database, request)
    for changed in (request._replace(grams=5), request._replace(member_id=other)):
        assert isinstance((await give(database, changed))[0], IdReused)
    assert (await balance(database, member), await balance(database, other)) == (4, 10)


async def test_an_event_that_is_not_there_cannot_be_given_to(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 10)
    assert isinstance((await give(database, DonationRequest(new_id(), member, new_id(), 6)))[0], NotFound)
    assert isinstance((await give(database, DonationRequest(new_id(), member, member, 6)))[0], NotFound)


async def test_donations_of_one_donor_in_one_set_share_what_they_hold(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 6, 4), await event_account(database)
    asked = [DonationRequest(new_id(), member, event, grams) for grams in (7, 7, 3, 1)]
    verdicts = await give(database, *asked)
    assert [type(each) for each in verdicts] == [Donation, Overdraft, Donation, Overdraft]
    assert await balance(database, member) == 0


async def test_a_set_with_one_bad_request_does_the_others(database: asyncpg.Pool) -> None:
    event = await event_account(database)
    members = [await rich_member(database, 10) for _ in range(5)]
    asked = [DonationRequest(new_id(), each, event, 10) for each in members]
    asked[2] = asked[2]._replace(grams=11)
    verdicts = await give(database, *asked)
    assert [isinstance(each, Donation) for each in verdicts] == [True, True, False, True, True]


async def test_concurrent_donations_of_one_account_never_overdraw_it(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 40, 60), await event_account(database)
    committers = [committer(database) for _ in range(3)]
    asked = [DonationRequest(new_id(), member, event, 1 + number % 3) for number in range(300)]
    verdicts = await asyncio.gather(
        *(committers[number % 3].submit(each) for number, each in enumerate(asked)), return_exceptions=True
    )
    given = sum(each.grams for each in verdicts if isinstance(each, Donation))
    assert all(isinstance(each, Donation | Overdraft) for each in verdicts)
    assert given + await balance(database, member) == 100
    assert await balance(database, member) < 3


async def test_concurrent_duplicates_collapse_to_one(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 100), await event_account(database)
    committers = [committer(database) for _ in range(3)]
    request = DonationRequest(new_id(), member, event, 1)
    verdicts = await asyncio.gather(*(committers[number % 3].submit(request) for number in range(90)))
    assert len(set(map(repr, verdicts))) == 1
    assert await balance(database, member) == 99


async def test_a_donation_is_noted_for_the_tally_in_its_own_transaction(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await event_account(database)
    async with database.acquire() as connection:
        crash = connection.transaction()
        await crash.start()
        await donate_many(connection, [DonationRequest(new_id(), member, event, 6)])
        await crash.rollback()
    assert await database.fetchval("SELECT count(*) FROM tally_changes") == 0
    await give(database, DonationRequest(new_id(), member, event, 6))
    row = await database.fetchrow("SELECT event_id, donations, donated_g FROM tally_changes")
    assert tuple(row) == (event, 1, 6)


async def test_a_donation_sent_twice_is_given_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, LI)
    await send(client, (await see(client, "/act?region=110000&action=metro")).form(), **a_ride())
    form = (await see(client, f"/events/{event.id}/donate")).form()
    first, second = [await send(client, form, grams="300") for _ in range(2)]
    assert first.answer.url == second.answer.url
    assert "366" in (await see(client, "/me")).text
    again = (await see(client, f"/events/{event.id}/donate")).form()
    for grams, said in (("367", "您只有 366 克"), ("0", "至少"), ("-1", "不是可用的数字"), ("1.5", "不是可用的数字")):
        assert said in (await send(client, again, grams=grams)).text
        again = (await see(client, f"/events/{event.id}/donate")).form()
