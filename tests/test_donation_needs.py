"""What an event takes of donations: the credits that its rule admits, as much as it needs; the rest goes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from service import donation_needs, offset_state, reservations
from service.db import new_id, transaction
from service.donation_uses import uses_of_donations
from service.donations import ClassNotTaken, Donation, EventCovered
from service.errors import Refusal
from service.retirable import NotTakenByItsRule
from tests.books import balance
from tests.offsetting import TONNE_G, citizen, enter, fold, give, organized, publish, submitted
from tests.retiring import retire_given
from workers import returning

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


async def state(pool: asyncpg.Pool, event: object) -> offset_state.OffsetState:
    """Where the event stands."""
    async with pool.acquire() as connection:
        return await offset_state.of_event(connection, event.id, NOW)  # type: ignore[attr-defined]


async def published_by_authority(pool: asyncpg.Pool, region: str, methodology: str) -> None:
    """An authority's methodology of its region, as far as recognition is concerned."""
    officer = await citizen(pool, region)
    await pool.execute(
        """
        INSERT INTO published_methodologies (id, version, regions, valid_from, content, digest, published_by)
        VALUES ($2, '2022', ARRAY[$1], '2022-01-01', '', sha256('a'), $3)
        """,
        region,
        methodology,
        officer,
    )


async def test_an_event_takes_the_credits_that_its_rule_admits_and_says_so_before(database: asyncpg.Pool) -> None:
    hainan, _ = await organized(database, "海口")
    takes = (await state(database, hainan)).takes
    assert (takes.everywhere, takes.names.zh) == (False, "海南")
    assert takes.ground
    assert takes.ground.clause == "三、实施流程（四）1"
    own, other = await citizen(database, "460000", 50), await citizen(database, "110000", 50)
    assert isinstance(await give(database, own, hainan, 20), Donation)
    assert isinstance(await give(database, other, hainan, 20), ClassNotTaken)
    assert await balance(database, other) == 50
    beijing, _ = await organized(database, "北京")
    assert (await state(database, beijing)).takes.everywhere
    assert isinstance(await give(database, other, beijing, 20), Donation)
    async with transaction(database) as connection:
        later = datetime.now(UTC) + timedelta(days=1)
        with pytest.raises(ClassNotTaken):
            await reservations.reserve(connection, new_id(), other, hainan.id, 5, later)


async def test_recognized_are_credits_of_a_methodology_that_the_authority_published_here(
    database: asyncpg.Pool,
) -> None:
    shenzhen, _ = await organized(database, "深圳")
    donor = await citizen(database, "440300", 50, methodology="sz-1")
    assert isinstance(await give(database, donor, shenzhen, 20), ClassNotTaken)
    assert (await state(database, shenzhen)).takes.recognized == ("440300",)
    await published_by_authority(database, "440300", "sz-1")
    assert isinstance(await give(database, donor, shenzhen, 20), Donation)
    neighbour = await citizen(database, "440000", 50, methodology="sz-1")
    assert isinstance(await give(database, neighbour, shenzhen, 20), ClassNotTaken)


async def test_donations_stop_once_the_last_fold_covers_the_need_and_not_before(database: asyncpg.Pool) -> None:
    event, caller = own = await organized(database, "北京")
    donor = await citizen(database, "110000", 100)
    assert isinstance(await give(database, donor, event, 10), Donation), "nothing is known of the need"
    await publish(database, own, 30)
    assert isinstance(await give(database, donor, event, 19), Donation)
    await fold(database, event)
    assert isinstance(await give(database, donor, event, 1), Donation), "29 of 30"
    assert isinstance(await give(database, donor, event, 5), Donation), "exactly the need, but not yet folded"
    await fold(database, event)
    assert isinstance(await give(database, donor, event, 1), EventCovered)
    assert (await state(database, event)).covered
    await publish(database, (event, caller), 40)
    assert isinstance(await give(database, donor, event, 1), Donation), "the new plan needs more"


async def test_before_the_inventory_the_tally_counts_where_it_is_more_and_after_it_the_inventory(
    database: asyncpg.Pool,
) -> None:
    event, _ = own = await organized(database, "北京")
    donor = await citizen(database, "110000", 100)
    await publish(database, own, 10)
    await database.execute("UPDATE tallies SET journey_emissions_g = 25 WHERE event_id = $1", event.id)
    assert isinstance(await give(database, donor, event, 20), Donation)
    await fold(database, event)
    assert isinstance(await give(database, donor, event, 5), Donation)
    await fold(database, event)
    assert isinstance(await give(database, donor, event, 5), EventCovered)
    need = await submitted(database, own, 60)
    assert (need.need_g, need.settled) == (60, True)
    assert isinstance(await give(database, donor, event, 35), Donation)
    await fold(database, event)
    assert isinstance(await give(database, donor, event, 1), EventCovered)
    await database.execute("UPDATE tallies SET journey_emissions_g = 0 WHERE event_id = $1", event.id)


async def test_once_neutral_the_surplus_goes_back_as_announced_the_newest_first(database: asyncpg.Pool) -> None:
    event, _ = own = await organized(database, "北京")
    early, donors = await citizen(database, "110000", 100), [await citizen(database, "110000", 100) for _ in range(3)]
    await publish(database, own, 1_000, "keep")
    await give(database, early, event, 10)
    await publish(database, own, 1_000, "return")
    given = [await give(database, each, event, 40) for each in donors]
    await fold(database, event)
    await submitted(database, own, 60)
    await returning.sweep(database)
    assert [await balance(database, each) for each in donors] == [60, 60, 60], "not neutral yet"
    await retire_given(database, event.id, 60)
    assert (await state(database, event)).neutral
    for _ in range(2):  # again changes nothing
        await returning.sweep(database)
        await fold(database, event)
        assert [await balance(database, each) for each in (early, *donors)] == [90, 60, 90, 100]
    async with database.acquire() as connection:
        uses = await uses_of_donations(connection, [each.donation_id for each in given if isinstance(each, Donation)])
        told = await connection.fetchval("SELECT count(*) FROM event_notices WHERE kind = 'credits_returned'")
    assert sorted((each.retired_g, each.given_back_g) for each in uses.values()) == [(0, 40), (10, 30), (40, 0)]
    assert (told, (await state(database, event)).donated_g) == (1, 60)
    assert isinstance(await give(database, donors[0], event, 1), EventCovered)


async def test_what_was_announced_to_be_kept_is_kept(database: asyncpg.Pool) -> None:
    event, _ = own = await organized(database, "北京")
    donor = await citizen(database, "110000", 100)
    await publish(database, own, 1_000, "keep")
    await give(database, donor, event, 50)
    await fold(database, event)
    await submitted(database, own, 20)
    await retire_given(database, event.id, 20)
    await returning.sweep(database)
    assert await balance(database, donor) == 50
    assert (await state(database, event)).held_g == 30
    await retire_given(database, event.id, 30)


async def test_what_the_rule_takes_no_more_goes_back_with_a_notice(database: asyncpg.Pool) -> None:
    event, _ = own = await organized(database, "广州")
    async with transaction(database) as connection:
        await connection.execute("UPDATE donation_needs SET regions = NULL WHERE event_id = $1", event.id)
    donor = await citizen(database, "110000", 100)
    await give(database, donor, event, 50)
    await fold(database, event)
    held = await enter(database, own, "VCU 1", unit="international", registry="VERRA", project_place="440000")
    taken = await enter(database, own, "CCER 1", project_place="440000")
    async with transaction(database) as connection:
        await donation_needs.reckon(connection, event.id, NOW)
    with pytest.raises(NotTakenByItsRule):
        await retire_given(database, event.id, 50)
    await returning.sweep(database)
    assert await balance(database, donor) == 100
    assert (await state(database, event)).held_g == 2 * TONNE_G
    assert held.state == taken.state == "held"


async def test_units_that_a_change_of_facts_bars_are_returned(database: asyncpg.Pool) -> None:
    event, caller = own = await organized(database, "广州")
    held = await enter(database, own, "VCU 1", unit="international", registry="VERRA", project_place="440000")
    kept = await enter(database, own, "VCU 5", unit="international", registry="VERRA", project_place="440000")
    await database.execute(
        """
        INSERT INTO event_facts (
            id, event_id, kind, host, rule_place, people_on_site, people_at_sub_venues, people_online, said_by, said_at
        )
        VALUES ($1, $2, 'meeting', 'other', '310000', 10, 0, 0, $3, now())
        """,
        new_id(),
        event.id,
        caller.member,
    )
    async with transaction(database) as connection:
        await donation_needs.reckon(connection, event.id, NOW)
    rows = await database.fetch("SELECT state, because FROM offset_units WHERE event_id = $1", event.id)
    assert [tuple(each) for each in rows] == [("returned", "本地规则不再接受")] * 2
    assert await database.fetchval("SELECT count(*) FROM event_notices WHERE kind = 'units_returned'") == 2
    assert held.id != kept.id
    assert (await enter(database, await organized(database, "海口"), "CCER 1")).state == "held"


async def test_an_event_from_before_needs_were_reckoned_is_reckoned_by_workers(database: asyncpg.Pool) -> None:
    event, _ = await organized(database, "海口")
    await database.execute("DELETE FROM donation_needs WHERE event_id = $1", event.id)
    donor = await citizen(database, "110000", 100)
    assert isinstance(await give(database, donor, event, 30), Donation)
    await database.execute(
        "INSERT INTO donation_needs (event_id, return_due, reckoned_at) VALUES ($1, true, 'epoch')", event.id
    )
    await returning.sweep(database)
    assert await balance(database, donor) == 100
    assert isinstance(await give(database, donor, event, 30), ClassNotTaken)


async def test_retiring_while_the_surplus_goes_back_uses_and_returns_each_gram_once(database: asyncpg.Pool) -> None:
    own = await organized(database, "北京")
    event = own[0]
    await publish(database, own, 1_000, "return")
    donors = [await citizen(database, "110000", 100) for _ in range(6)]
    for donor in donors:
        await give(database, donor, event, 100)
    await fold(database, event)
    await submitted(database, own, 10)
    await retire_given(database, event.id, 10)
    jobs = [
        returning.sweep(database),
        returning.sweep(database),
        *(retire_given(database, event.id, 7) for _ in range(4)),
    ]
    done = await asyncio.gather(*jobs, return_exceptions=True)
    assert not [each for each in done if isinstance(each, Exception) and not isinstance(each, Refusal)], done
    await returning.sweep(database)
    retired = await database.fetchval("SELECT sum(grams) FROM retirements WHERE account_id = $1", event.id)
    assert sum([await balance(database, donor) for donor in donors]) == 600 - retired
