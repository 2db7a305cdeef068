"""A member's carbon account: sums by month, kind and day; what waits; days in a row; quick however much there is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import reduction_of
from service import carbon_accounts, ledger
from service.attendees import Attendee
from service.carbon_accounts import CarbonAccount, Kind, Month, streak_of
from service.config import Config
from service.db import encode_json, new_id, transaction
from service.donations import DonationRequest, donate_many
from service.schedules import CHINA
from tests.books import CLASSES, event_account, open_member, rich_member
from tests.doors import MORNING, come_in, coming, open_event
from tests.people import LI, sign_in

TODAY = date(2026, 11, 21)


async def did(
    pool: asyncpg.Pool, member_id: UUID, action: str, days: list[date], grams: int = 100, state: str = "credited"
) -> list[UUID]:
    """Acts of one kind, one a day, issued where they are credited."""
    acts = [(new_id(), day) for day in days]
    waits = state in ("pending", "in_review")
    methodology = methodology_for("110000", "metro", TODAY)
    trace = encode_json(reduction_of(methodology, methodology.action("metro"), 1_000, "self_declared", "110000"))
    async with transaction(pool) as connection:
        class_id = (await ledger.class_ids(connection, CLASSES[:1]))[CLASSES[0]]
        await connection.executemany(
            """
            INSERT INTO actions (
                id, member_id, region, action, quantity, occurred_on, reduction_g, trace, request_digest, logged_at,
                state, settled_at, due_at
            )
            VALUES ($1, $2, '110000', $3, 1000, $4, $5, $10, sha256($6), now(), $7, $8, $9)
            """,
            [
                (
                    id_,
                    member_id,
                    action,
                    day,
                    grams,
                    id_.bytes,
                    state,
                    None if waits else datetime.now(UTC),
                    datetime.now(UTC) if state == "pending" else None,
                    trace,
                )
                for id_, day in acts
            ],
        )
        if state == "credited" and grams:
            await ledger.lock_accounts(connection, [member_id])
            await ledger.post_many(
                connection,
                [ledger.Transfer(id_, ledger.ISSUANCE, member_id, class_id, grams, "issue") for id_, _ in acts],
            )
    return [id_ for id_, _ in acts]


async def somebody(pool: asyncpg.Pool) -> UUID:
    async with transaction(pool) as connection:
        return await open_member(connection)


async def account_of(pool: asyncpg.Pool, member_id: UUID, today: date = TODAY) -> CarbonAccount:
    async with pool.acquire() as connection:
        return await carbon_accounts.read(connection, member_id, today)


async def test_somebody_new_has_an_account_of_zeros(database: asyncpg.Pool) -> None:
    account = await account_of(database, await somebody(database))
    assert (account.reduction_g, account.times, account.kinds) == (0, 0, [])
    assert account.this_month == Month(date(2026, 11, 1), 0, 0)
    assert [each.month for each in account.months[:2]] == [date(2025, 12, 1), date(2026, 1, 1)]
    assert len(account.months) == 12


async def test_acts_count_in_the_month_and_the_kind_in_which_they_were_done(database: asyncpg.Pool) -> None:
    member = await somebody(database)
    await did(database, member, "walking", [date(2026, 11, 1), date(2026, 10, 31)], 100)
    await did(database, member, "metro", [date(2026, 11, 21)], 900)
    await did(database, member, "metro", [date(2024, 1, 1)], 5)
    account = await account_of(database, member)
    assert account.this_month == Month(date(2026, 11, 1), 1_000, 2)
    assert account.last_month == Month(date(2026, 10, 1), 100, 1)
    assert account.kinds == [Kind("metro", 905, 2), Kind("walking", 200, 2)]
    assert sum(each.times for each in account.months) == 3, "what is older is in no bar"
    assert (account.reduction_g, account.times) == (1_105, 4)


async def test_what_waits_and_what_was_refused_is_in_no_sum(database: asyncpg.Pool) -> None:
    member = await somebody(database)
    await did(database, member, "walking", [TODAY, TODAY], 30, "pending")
    await did(database, member, "metro", [TODAY], 500, "in_review")
    await did(database, member, "metro", [TODAY], 0, "refused")
    account = await account_of(database, member)
    assert (account.waiting.pending, account.waiting.pending_g) == (2, 60)
    assert (account.waiting.in_review, account.waiting.in_review_g) == (1, 500)
    assert (account.times, account.streak.days, account.this_month.times) == (0, 0, 0)


async def test_an_act_credited_twice_over_by_the_difference_is_one_time(database: asyncpg.Pool) -> None:
    member = await somebody(database)
    (first,) = await did(database, member, "metro", [TODAY], 100)
    (better,) = await did(database, member, "metro", [TODAY], 60)
    await database.execute("UPDATE actions SET overtaken_by = $2 WHERE id = $1", first, better)
    assert (await account_of(database, member)).kinds == [Kind("metro", 160, 1)]


async def test_coming_to_an_event_counts_on_its_day_and_being_taken_back_does_not(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await somebody(database), await open_event(database)
    receipt = await come_in(database, config, coming(event, Attendee("member", member)))
    assert receipt.earned_g
    account = await account_of(database, member)
    assert account.kinds == [Kind(None, receipt.earned_g, 1)]
    assert account.this_month == Month(date(2026, 11, 1), receipt.earned_g, 1)
    async with transaction(database) as connection:
        await ledger.lock_accounts(connection, [member])
        await ledger.reverse(connection, receipt.check_in_id, new_id())
        await connection.execute(
            "UPDATE check_ins SET ended_at = $2, ended_because = 'undone' WHERE id = $1", receipt.check_in_id, MORNING
        )
    assert (await account_of(database, member)).kinds == []


async def test_giving_away_takes_nothing_from_what_was_saved(database: asyncpg.Pool) -> None:
    member, event = await somebody(database), await event_account(database)
    await did(database, member, "metro", [TODAY], 900)
    async with transaction(database) as connection:
        await donate_many(connection, [DonationRequest(new_id(), member, event, 700)])
    account = await account_of(database, member)
    assert (account.balance.balance_g, account.reduction_g) == (200, 900)
    assert (account.given.donations, account.given.events, account.given.grams) == (1, 1, 700)
    assert (account.given.retired_g, account.given.given_back_g) == (0, 0)


@pytest.mark.parametrize(
    ("ago", "days", "longest"),
    [
        ([], 0, 0),
        ([0], 1, 1),
        ([1], 1, 1),
        ([2], 0, 1),
        ([0, 1, 2], 3, 3),
        ([1, 2, 4, 5, 6, 7], 2, 4),
        ([30, 31, 32], 0, 3),
    ],
)
def test_days_in_a_row_last_until_a_whole_day_has_passed_without(ago: list[int], days: int, longest: int) -> None:
    found = streak_of(sorted(TODAY - timedelta(days=each) for each in ago), TODAY)
    assert (found.days, found.longest) == (days, longest)


async def test_several_acts_of_a_day_are_one_day(database: asyncpg.Pool) -> None:
    member = await somebody(database)
    await did(database, member, "metro", [TODAY, TODAY, TODAY - timedelta(days=1)])
    assert (await account_of(database, member)).streak.days == 2


async def test_nobody_sees_what_is_anothers(database: asyncpg.Pool) -> None:
    await did(database, await rich_member(database, 500), "metro", [TODAY])
    account = await account_of(database, await somebody(database))
    assert (account.times, account.balance.balance_g) == (0, 0)


async def test_twenty_thousand_acts_are_summed_at_once(database: asyncpg.Pool) -> None:
    member = await somebody(database)
    await did(database, member, "metro", [TODAY - timedelta(days=each % 900) for each in range(20_000)], 0)
    await database.execute("ANALYZE actions")
    await account_of(database, member)
    began = time.perf_counter()
    account = await account_of(database, member)
    assert account.times == 20_000
    assert account.streak.days == 900
    assert time.perf_counter() - began < 1.0, "some 40 ms on two cores that do nothing else"


async def test_the_api_and_the_page_show_the_account(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    li = await sign_in(client, LI)
    member = UUID((await client.get("/v1/me", headers=li)).json()["member_id"])
    today = datetime.now(CHINA).date()
    await did(database, member, "metro", [today, today - timedelta(days=1)], 1_500)
    answer = await client.get("/v1/me/account", headers=li)
    assert answer.status_code == 200, answer.text
    assert answer.json()["reduction_g"] == 3_000
    assert answer.json()["streak"] == {"days": 2, "longest": 2}
    assert (await client.get("/v1/me/account")).status_code == 401
