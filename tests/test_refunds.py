"""Cancelling an event: it takes nothing more, and what was given goes back once, whatever comes between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import cancellations, ledger, refunds, reservations
from service.access import Caller, Role
from service.cancellations import AlreadyCancelled, EventSettled
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donation_uses import uses_of_donations
from service.donations import ClosedToDonations, Donation, DonationRequest, donate_many
from service.errors import Refusal
from service.events import Event, EventCancelled
from tests import test_pages as pages
from tests.books import CLASSES, rich_member
from tests.doors import come, coming, device, open_event
from tests.paper import see, send
from tests.people import LI, WANG, add_gate_keeper, found_organization, key
from tests.tallied import Hall, fold_out
from tests.test_workers import until, working
from workers import folding, refunding


async def open_hall(pool: asyncpg.Pool) -> Hall:
    """An event with an organizer."""
    return as_hall(await open_event(pool))


def as_hall(event: Event) -> Hall:
    return Hall(event.id, (event.gates[0].id, event.gates[1].id))


async def organizer_of(connection: Connection, event_id: UUID) -> Caller:
    """Who may cancel it."""
    member = await connection.fetchval(
        "SELECT member_id FROM organization_members JOIN events USING (organization_id) WHERE events.id = $1", event_id
    )
    return Caller(member, frozenset({Role.ORGANIZER}))


async def cancel(pool: asyncpg.Pool, event: Hall) -> None:
    """Cancel it, committed."""
    async with transaction(pool) as connection:
        await cancellations.cancel(connection, await organizer_of(connection, event.id), event.id, "台风")


async def give(pool: asyncpg.Pool, event: Hall, member: UUID, grams: int) -> Donation | Refusal:
    """Donate, committed. That the event was closed between look and gift the database says."""
    try:
        async with transaction(pool) as connection:
            (verdict,) = await donate_many(connection, [DonationRequest(new_id(), member, event.id, grams)])
            return verdict
    except asyncpg.CheckViolationError as violation:
        if violation.constraint_name != "open_accounts":
            raise
        return ClosedToDonations()


async def retire(pool: asyncpg.Pool, event: Hall, grams: int, month: int = 0) -> None:
    """The event retires grams of one class, committed."""
    async with transaction(pool) as connection:
        id_, each = new_id(), CLASSES[month]
        class_id = (await ledger.class_ids(connection, [each]))[each]
        await ledger.lock_accounts(connection, [event.id])
        await connection.execute(
            """
            INSERT INTO retirements (id, account_id, beneficiary, beneficiary_kind, purpose, grams, retired_on)
            VALUES ($1, $2, '会务组', 'organization', '碳中和', $3, '2026-11-21')
            """,
            id_,
            event.id,
            grams,
        )
        await ledger.post_many(connection, [ledger.Transfer(id_, event.id, ledger.RETIRED, class_id, grams, "retire")])


async def balance(pool: asyncpg.Pool, member: UUID) -> int:
    async with pool.acquire() as connection:
        return await ledger.balance_g(connection, member)


async def left(pool: asyncpg.Pool, event: Hall) -> int:
    """What the event still holds, by the journal."""
    return int(
        await pool.fetchval(
            "SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0) "
            "FROM transfers WHERE $1 IN (source, destination)",
            event.id,
        )
    )


async def sweep_until_refunded(pool: asyncpg.Pool, event: Hall) -> bool:
    """Sweep until the cancellation counts as done; other tests' transactions on this server hold that up meanwhile."""
    for _ in range(200):
        await refunding.sweep(pool)
        if await is_refunded(pool, event):
            return True
        await asyncio.sleep(0.05)
    return False


async def is_refunded(pool: asyncpg.Pool, event: Hall) -> bool:
    async with pool.acquire() as connection:
        found = await cancellations.find(connection, event.id)
    assert found
    return found.refunded_at is not None


# Cancelling -----------------------------------------------------------------------------------------------------------


async def test_a_cancelled_event_takes_no_donation_reservation_or_check_in(
    database: asyncpg.Pool, config: Config
) -> None:
    event, member = await open_event(database), await rich_member(database, 10)
    await cancel(database, as_hall(event))
    assert isinstance(await give(database, as_hall(event), member, 5), ClosedToDonations)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with transaction(database) as connection:
        with pytest.raises(ClosedToDonations):
            await reservations.reserve(connection, new_id(), member, event.id, 5, later)
    (verdict,) = await come(database, config, coming(event, device("a")))
    assert isinstance(verdict, EventCancelled)
    assert await balance(database, member) == 10


async def test_a_cancelled_event_retires_nothing(database: asyncpg.Pool) -> None:
    event, member = await open_hall(database), await rich_member(database, 10)
    await give(database, event, member, 10)
    await cancel(database, event)
    with pytest.raises(asyncpg.CheckViolationError, match="open_accounts"):
        await retire(database, event, 5)


async def test_an_event_is_cancelled_once_and_not_when_settled(database: asyncpg.Pool) -> None:
    event, settled = await open_hall(database), await open_hall(database)
    await cancel(database, event)
    with pytest.raises(AlreadyCancelled):
        await cancel(database, event)
    await database.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, 'settled')", settled.id)
    with pytest.raises(EventSettled):
        await cancel(database, settled)


async def test_two_organizers_who_cancel_at_once_cancel_once(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    verdicts = await asyncio.gather(*(cancel(database, event) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in verdicts) == ["AlreadyCancelled"] * 3 + ["NoneType"]


# Refunds --------------------------------------------------------------------------------------------------------------


async def test_what_was_given_goes_back_in_its_own_classes(database: asyncpg.Pool) -> None:
    event, one, other = await open_hall(database), await rich_member(database, 10, 20), await rich_member(database, 30)
    await give(database, event, one, 25)
    await give(database, event, other, 7)
    assert (await fold_out(database, event)).donated_g == 32
    await cancel(database, event)
    await refunding.sweep(database)
    async with database.acquire() as connection:
        held = [(each.vintage.month, each.grams) for each in await ledger.holdings(connection, one)]
    assert held == [(9, 10), (10, 20)]
    assert (await balance(database, other), await left(database, event)) == (30, 0)
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (0, 0)


async def test_what_was_retired_first_in_first_out_does_not_go_back(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 100, 100) for _ in range(4)]
    for donor in donors:
        await give(database, event, donor, 50)
    await retire(database, event, 120)
    await cancel(database, event)
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [150, 150, 180, 200]
    async with database.acquire() as connection:
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM donations ORDER BY decided_at")]
        uses = await uses_of_donations(connection, ids)
    assert [(uses[id_].retired_g, uses[id_].given_back_g) for id_ in ids] == [(50, 0), (50, 0), (20, 30), (0, 50)]
    assert await left(database, event) == 0
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (3, 120)


async def test_a_donation_of_two_classes_keeps_of_each_what_was_retired_of_it(database: asyncpg.Pool) -> None:
    event, one, other = await open_hall(database), await rich_member(database, 10, 20), await rich_member(database, 10)
    await give(database, event, one, 30)
    await give(database, event, other, 10)
    await retire(database, event, 10, month=0)
    await retire(database, event, 5, month=1)
    await cancel(database, event)
    await refunding.sweep(database)
    assert (await balance(database, one), await balance(database, other)) == (15, 10)
    assert await left(database, event) == 0


async def test_a_donation_that_was_retired_whole_is_not_looked_at_for_ever(database: asyncpg.Pool) -> None:
    event, donor = await open_hall(database), await rich_member(database, 10)
    await give(database, event, donor, 10)
    await retire(database, event, 10)
    await cancel(database, event)
    await refunding.sweep(database)
    await refunding.sweep(database)
    assert await sweep_until_refunded(database, event)
    async with database.acquire() as connection:
        assert await refunds.waiting(connection) == []


async def test_what_was_reversed_does_not_go_back_again(database: asyncpg.Pool) -> None:
    event, donor = await open_hall(database), await rich_member(database, 10)
    given = await give(database, event, donor, 6)
    assert isinstance(given, Donation)
    async with transaction(database) as connection:
        await ledger.lock_accounts(connection, [donor])
        await ledger.reverse(connection, given.donation_id, new_id())
        await refunds.note(connection, event.id, 1, 6)
    await cancel(database, event)
    await refunding.sweep(database)
    assert await balance(database, donor) == 10
    assert await database.fetchval("SELECT count(*) FROM transfers WHERE reason = 'refund'") == 0


async def test_what_was_posted_goes_back_to_who_reserved_it_and_what_is_reserved_is_voided(
    database: asyncpg.Pool,
) -> None:
    event, donor = await open_hall(database), await rich_member(database, 30, 30)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with transaction(database) as connection:
        posted, open_ = [
            (await reservations.reserve(connection, new_id(), donor, event.id, grams, later)).reservation_id
            for grams in (40, 10)
        ]
        await reservations.post(connection, posted, new_id(), 35)
    await cancel(database, event)
    await refunding.sweep(database)
    await refunding.sweep(database)
    async with database.acquire() as connection:
        ending = (await reservations.find(connection, open_, donor)).ending
    assert ending
    assert ending.outcome == "void"
    assert (await balance(database, donor), await left(database, event)) == (60, 0)
    assert (await fold_out(database, event)).donated_g == 0
    assert await sweep_until_refunded(database, event)


@pytest.mark.parametrize("retired_g", [0, 33])
async def test_refunds_in_small_sets_reach_everybody_once(database: asyncpg.Pool, retired_g: int) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10, 10) for _ in range(7)]
    for donor in donors:
        await give(database, event, donor, 15)
        await give(database, event, donor, 2)
    if retired_g:
        await retire(database, event, retired_g)
    await cancel(database, event)
    sets = []
    while not sets or sets[-1]:
        async with transaction(database) as connection:
            sets.append(await refunds.refund_some(connection, event.id, 3))
    assert max(sets) <= 3
    assert await left(database, event) == 0
    assert sum([await balance(database, donor) for donor in donors]) == 140 - retired_g
    assert (await fold_out(database, event)).donated_g == retired_g


async def test_sweeps_of_several_workers_at_once_refund_once(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(20)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    await asyncio.gather(*(refunding.sweep(database) for _ in range(4)))
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [10] * 20
    assert (await fold_out(database, event)).donations == 0


async def test_two_who_refund_the_same_donations_do_not_both(database: asyncpg.Pool) -> None:
    """Without the hold on the cancellation too: the journal takes one ending a row."""
    event, donor = await open_hall(database), await rich_member(database, 10)
    await give(database, event, donor, 10)
    await cancel(database, event)
    async with transaction(database) as connection:
        owed = await refunds.still_owed(connection, event.id, 10)
        await refunds.refund_some(connection, event.id)
        with pytest.raises(asyncpg.UniqueViolationError, match="one_ending_a_transfer"):
            async with connection.transaction():
                await ledger.post_many(connection, list(refunds.refunds(event.id, owed)))
    assert await balance(database, donor) == 10


async def test_a_sweep_that_dies_half_way_is_taken_up(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(6)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    async with transaction(database) as connection:
        assert await refunds.refund_some(connection, event.id, 2) == 2
    async with database.acquire() as connection:
        crash = connection.transaction()
        await crash.start()
        assert await refunds.refund_some(connection, event.id, 2) == 2
        await crash.rollback()
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [10] * 6
    assert (await fold_out(database, event)).donations == 0


async def test_a_donation_that_commits_after_the_cancellation_is_refunded(database: asyncpg.Pool) -> None:
    event, early, late = await open_hall(database), await rich_member(database, 10), await rich_member(database, 10)
    async with database.acquire() as connection:
        slow = connection.transaction()
        await slow.start()
        (given,) = await donate_many(connection, [DonationRequest(new_id(), late, event.id, 10)])
        assert isinstance(given, Donation)
        await give(database, event, early, 10)
        await retire(database, event, 4)
        await cancel(database, event)
        await refunding.sweep(database)
        await refunding.sweep(database)
        assert not await is_refunded(database, event), "something may still come"
        await slow.commit()
    assert (await balance(database, early), await balance(database, late)) == (6, 0)
    await refunding.sweep(database)
    assert (await balance(database, early), await balance(database, late)) == (6, 10)
    await refunding.sweep(database)
    assert await sweep_until_refunded(database, event)
    assert await left(database, event) == 0


async def test_donations_that_race_with_a_cancellation_all_go_back(database: asyncpg.Pool) -> None:
    for turn in range(6):
        event = await open_hall(database)
        donors = [await rich_member(database, 10) for _ in range(12)]
        gifts = [asyncio.create_task(give(database, event, donor, 10)) for donor in donors]
        await asyncio.sleep(0.002 * turn)
        await cancel(database, event)
        await refunding.sweep(database)
        await asyncio.gather(*gifts)
        await refunding.sweep(database)
        await refunding.sweep(database)
        assert [await balance(database, donor) for donor in donors] == [10] * 12
        assert await sweep_until_refunded(database, event)
        assert (await fold_out(database, event)).donated_g == 0


async def test_refunds_and_folds_at_once_leave_a_true_tally(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(10)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    await asyncio.gather(*(work(database) for work in (refunding.sweep, folding.sweep) for _ in range(3)))
    assert (await fold_out(database, event)).donations == 0


async def test_workers_give_back_and_let_lapse_by_themselves(database: asyncpg.Pool, config: Config) -> None:
    event, donor = await open_hall(database), await rich_member(database, 30)
    other = await open_hall(database)
    async with transaction(database) as connection:
        soon = datetime.now(UTC) + timedelta(milliseconds=100)
        await reservations.reserve(connection, new_id(), donor, other.id, 10, soon)
    await give(database, event, donor, 20)
    await cancel(database, event)
    async with working(config):

        async def is_whole() -> bool:
            return await balance(database, donor) == 30 and await is_refunded(database, event)

        await until(is_whole, 10)


# Over HTTP ------------------------------------------------------------------------------------------------------------


NEW = {
    "name": "零碳会议",
    "kind": "meeting",
    "place": "北京",
    "venue": "会议中心",
    "time_zone": "Asia/Shanghai",
    "expected_people": 300,
    "hours": [{"opens_at": "2090-11-20T00:00:00Z", "closes_at": "2090-11-20T10:00:00Z"}],
    "gates": ["A"],
}


async def test_the_organizer_cancels_and_everybody_sees_it(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=NEW | {"organization_id": str(organization)}, headers=wang | key())
    assert made.status_code == 201, made.text
    url = f"/v1/events/{made.json()['id']}"
    keeper = await add_gate_keeper(client, wang, organization, LI)
    for headers, status in ((keeper, 403), ({}, 401)):
        answer = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=headers | key())
        assert answer.status_code == status
    assert (await client.get(url)).json()["cancelled"] is False
    again = key()
    done = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | again)
    assert done.status_code == 201, done.text
    repeat = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | again)
    assert repeat.content == done.content
    other = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | key())
    assert (other.status_code, other.json()["code"]) == (409, "already_cancelled")
    seen = (await client.get(url)).json()
    assert (seen["cancelled"], seen["open_now"]) == (True, False)


# Pages ----------------------------------------------------------------------------------------------------------------


async def test_the_organizer_cancels_on_a_page_that_says_what_follows(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event, donor = await pages.open_event(database, config), await rich_member(database, 70)
    await give(database, as_hall(event), donor, 70)
    await fold_out(database, as_hall(event))
    await pages.sign_in(client, database, config, WANG)
    links = [each.get("href") for each in (await see(client, f"/organize/events/{event.id}")).all("a")]
    assert f"/organize/events/{event.id}/cancel" in links
    form = await see(client, f"/organize/events/{event.id}/cancel")
    pages.assert_sound(form, "zh")
    assert "取消后不能恢复" in form.text.partition("永久取消")[0], "said before the button"
    blank = await send(client, form.form(f"/organize/events/{event.id}/cancel"), because=" ")
    assert not (await client.get(f"/v1/events/{event.id}")).json()["cancelled"]
    done = await send(client, blank.form(f"/organize/events/{event.id}/cancel"), because="<b>台风</b>")
    pages.assert_sound(done, "zh")
    assert done.answer.url.path == f"/events/{event.id}"
    assert "<b>台风</b>" in done.text
    assert "正在退回" in done.text
    assert not [each for each in done.all("a") if str(each.get("href")).endswith("/donate")]
    await refunding.sweep(database)
    await refunding.sweep(database)
    assert "都已退回" in (await see(client, f"/events/{event.id}")).text
    assert str(event.id) not in (await see(client, "/events")).answer.text
    late = await send(client, form.form(f"/organize/events/{event.id}/cancel"), because="又一次")
    assert "已经取消" in late.text
