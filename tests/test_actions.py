"""Acts are quantified, capped, credited once, and settled when nothing better can come."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from scenarios.actions.reductions import Reduction
from service.action_rows import Action
from service.action_settling import settle, settle_due
from service.actions import find_own
from service.db import new_id, transaction
from service.errors import Refusal
from service.schedules import CHINA
from tests.acts import (
    NOON,
    NOW,
    SHANXI,
    TODAY,
    citizen,
    consent,
    log,
    log_all,
    partner,
    refusal,
    reported,
    ride,
)
from tests.books import balance

Pool = asyncpg.Pool
HALF = timedelta(minutes=30)


async def again(pool: Pool, action: Action, member_id: UUID) -> Action:
    """The act as it stands now."""
    async with pool.acquire() as connection:
        return await find_own(connection, member_id, action.action_id)


def trace(action: Action) -> Reduction:
    """What it was worked out by."""
    return msgspec.json.decode(action.trace, type=Reduction)


async def test_a_typed_act_earns_half_and_a_proven_one_all(database: Pool) -> None:
    member = await citizen(database)
    typed = await log(database, ride(member))
    scanned = await log(database, ride(member, started_at=NOON + HALF, source="code", evidence="proven"))
    assert (typed.state, typed.reduction_g, scanned.reduction_g) == ("credited", 360, 720)
    assert await balance(database, member) == 1_080


async def test_a_repeat_answers_as_before_and_other_content_is_refused(database: Pool) -> None:
    member = await citizen(database)
    request = ride(member)
    first = await log(database, request)
    repeat = await log(database, request, NOW + HALF)
    assert trace(repeat) == trace(first)
    assert repeat == msgspec.structs.replace(first, duplicate=True, trace=repeat.trace)
    assert await refusal(database, request._replace(request_digest=bytes(32))) == "id_reused"
    assert await refusal(database, request._replace(member_id=await citizen(database))) == "id_reused"
    assert await balance(database, member) == 360


async def test_one_id_twice_in_a_set_counts_once(database: Pool) -> None:
    member = await citizen(database)
    request = ride(member)
    one, two, three = await log_all(database, [request, request, request._replace(request_digest=bytes(32))])
    assert isinstance(one, Action)
    assert isinstance(two, Action)
    assert (one.duplicate, two.duplicate) == (False, True)
    assert isinstance(three, Refusal)
    assert three.code == "id_reused"
    assert await balance(database, member) == 360


async def test_two_acts_of_a_family_cannot_be_at_the_same_time(database: Pool) -> None:
    member = await citizen(database)
    await log(database, ride(member))
    bus = ride(member, action="bus", quantity=5_000, started_at=NOON + timedelta(minutes=29))
    assert await refusal(database, bus) == "action_counted_already"
    await log(database, ride(member, action="bus", quantity=5_000, started_at=NOON + HALF))
    await log(database, ride(await citizen(database)))


async def test_of_two_reports_in_one_set_the_better_counts(database: Pool) -> None:
    member = await citizen(database)
    typed, scanned = await log_all(
        database, [ride(member), ride(member, source="code", evidence="proven", started_at=NOON + timedelta(minutes=5))]
    )
    assert isinstance(typed, Refusal)
    assert typed.code == "action_counted_already"
    assert isinstance(scanned, Action)
    assert await balance(database, member) == 720


async def test_a_claim_waits_while_a_partner_may_report_it_and_is_credited_when_none_does(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    await consent(database, member, metro)
    typed = await log(database, ride(member))
    assert (typed.state, typed.due_at) == ("pending", NOON + HALF + timedelta(hours=48))
    assert await balance(database, member) == 0
    async with transaction(database) as connection:
        assert await settle_due(connection, NOON + timedelta(hours=48)) == 0
        assert await settle_due(connection, NOON + timedelta(hours=49)) == 1
    assert await balance(database, member) == 360
    assert (await again(database, typed, member)).state == "credited"


async def test_without_consent_nothing_waits(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    await consent(database, member, metro, "bus")
    assert (await log(database, ride(member))).state == "credited"


async def test_a_partners_report_overtakes_a_claim_that_waits(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    await consent(database, member, metro)
    typed = await log(database, ride(member))
    report = await log(database, reported(member, metro, started_at=NOON + timedelta(minutes=3)))
    assert (report.state, report.reduction_g) == ("credited", 720)
    lost = await again(database, typed, member)
    assert (lost.state, lost.overtaken_by) == ("overtaken", report.action_id)
    async with transaction(database) as connection:
        assert await settle_due(connection, NOW + timedelta(days=9)) == 0
        assert await settle(connection, {typed.action_id: "proven"}, NOW) == set()
    assert await balance(database, member) == 720


async def test_what_was_credited_is_never_taken_back_the_better_report_earns_the_difference(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    typed = await log(database, ride(member))
    report = await log(database, reported(member, metro))
    assert (typed.reduction_g, report.reduction_g, trace(report).reduction_g) == (360, 360, 720)
    stands = await again(database, typed, member)
    assert (stands.state, stands.overtaken_by) == ("credited", report.action_id)
    assert await balance(database, member) == 720
    assert await refusal(database, ride(member)) == "action_counted_already"


async def test_a_better_report_of_less_earns_nothing_more(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    await log(database, ride(member))
    assert (await log(database, reported(member, metro, quantity=2_000))).reduction_g == 0
    assert await balance(database, member) == 360


async def test_a_second_partner_finds_it_counted(database: Pool) -> None:
    member, metro, other = await citizen(database), await partner(database), await partner(database)
    await log(database, reported(member, metro))
    assert await refusal(database, reported(member, other)) == "action_counted_already"


async def test_beyond_the_caps_of_a_day_nothing_more_counts(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    for hours in range(3):
        logged = await log(
            database,
            reported(
                member,
                metro,
                quantity=45_000,
                started_at=NOON + timedelta(hours=hours),
                ended_at=NOON + timedelta(hours=hours + 1),
            ),
        )
    assert (logged.quantity, logged.counted, logged.reduction_g) == (45_000, 10_000, 720)
    capped = trace(logged).capped_by
    assert capped
    assert (capped.period, capped.limit, capped.before) == ("per_day", 100_000, 90_000)
    assert capped.rule.is_policy


async def test_caps_hold_within_one_set_too(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    rides = [
        reported(
            member,
            metro,
            quantity=45_000,
            started_at=NOON + timedelta(hours=hours),
            ended_at=NOON + timedelta(hours=hours + 1),
        )
        for hours in range(4)
    ]
    logged = await log_all(database, rides)
    assert [each.counted for each in logged if isinstance(each, Action)] == [45_000, 45_000, 10_000, 0]


async def test_a_newcomers_caps_are_half(database: Pool) -> None:
    member = await citizen(database, NOW - timedelta(days=2))
    logged = await log(database, ride(member, quantity=90_000, ended_at=NOON + timedelta(hours=2)))
    assert logged.counted == 50_000
    capped = trace(logged).capped_by
    assert capped
    assert capped.share_by in ("new_account", "new_device")


async def test_the_same_act_of_many_processes_is_credited_once(database: Pool) -> None:
    member, metro = await citizen(database), await partner(database)
    request = ride(member)
    rivals = [request] * 20 + [ride(member) for _ in range(20)] + [reported(member, metro) for _ in range(20)]
    await asyncio.gather(*(log_all(database, [each]) for each in rivals))
    assert await balance(database, member) == 720


async def test_sets_in_any_order_never_deadlock(database: Pool) -> None:
    members = [await citizen(database) for _ in range(20)]
    sets = [
        [ride(member, started_at=NOON + timedelta(minutes=turn)) for member in (members if turn % 2 else members[::-1])]
        for turn in range(12)
    ]
    for answers in await asyncio.gather(*(log_all(database, each) for each in sets)):
        assert {"action_counted_already"} >= {each.code for each in answers if isinstance(each, Refusal)}
    assert [await balance(database, member) for member in members] == [360] * 20


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"started_at": NOON + timedelta(days=1)}, "action_in_future"),
        ({"started_at": NOW + timedelta(minutes=1)}, "action_in_future"),
        ({"started_at": NOON - timedelta(days=31)}, "action_too_old"),
        ({"started_at": None, "ended_at": None}, "action_time_missing"),
        ({"ended_at": None}, "action_time_missing"),
        ({"ended_at": NOON}, "action_times_unsound"),
        ({"ended_at": NOON + timedelta(days=1, seconds=1)}, "action_times_unsound"),
        ({"occurred_on": TODAY - timedelta(days=1)}, "action_times_unsound"),
        ({"action": "teleport"}, "unknown_action"),
        ({"region": "650000"}, "no_methodology"),
        ({"quantity": 300_001}, "quantity_absurd"),
        ({"action": "walking", "quantity": 40_000, "ended_at": NOON + timedelta(hours=1)}, "act_implausible"),
        ({"photos": (bytes(32),)}, "photo_unusable"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    database: Pool, said: dict[str, object], code: str
) -> None:
    member = await citizen(database)
    assert await refusal(database, ride(member, **said)) == code
    async with database.acquire() as connection:
        assert not await connection.fetchval("SELECT count(*) FROM actions")


async def test_midnight_belongs_to_the_day_in_china(database: Pool) -> None:
    member = await citizen(database)
    late = NOON.replace(hour=23, minute=50) - timedelta(days=1)
    assert (await log(database, ride(member, started_at=late))).occurred_on == TODAY - timedelta(days=1)
    assert late.astimezone(CHINA).date() == TODAY - timedelta(days=1)


async def test_an_order_holds_its_family_for_a_while(database: Pool) -> None:
    member = await citizen(database)
    order = {"region": SHANXI, "action": "no_cutlery", "quantity": 1, "ended_at": None}
    await log(database, ride(member, **order))
    assert await refusal(database, ride(member, **order, started_at=NOON + timedelta(minutes=9))) == (
        "action_counted_already"
    )
    await log(database, ride(member, **order, started_at=NOON + timedelta(minutes=10)))


async def test_nobody_who_left_or_never_was_earns(database: Pool) -> None:
    member = await citizen(database)
    async with database.acquire() as connection:
        await connection.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, 'left')", member)
    assert await refusal(database, ride(member)) == "account_closed"
    assert await refusal(database, ride(new_id())) == "not_found"


@pytest.mark.parametrize(
    "change",
    [
        "reduction_g = reduction_g + 1",
        "state = 'refused'",
        "quantity = 1",
        "member_id = gen_random_uuid()",
        "action = 'bus'",
    ],
)
async def test_a_settled_act_cannot_be_changed(database: Pool, change: str) -> None:
    await log(database, ride(await citizen(database)))
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="is settled"):
            await connection.execute("UPDATE actions SET " + change)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("DELETE FROM actions")


async def test_the_database_itself_refuses_two_acts_at_the_same_time(database: Pool) -> None:
    member = await citizen(database)
    await log(database, ride(member))
    await log(database, ride(member, started_at=NOON + HALF))
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.ExclusionViolationError):
            await connection.execute("UPDATE actions SET period = tstzrange($1, $2)", NOON, NOON + HALF)
        with pytest.raises(asyncpg.CheckViolationError, match="at_most_a_day"):
            await connection.execute(
                "UPDATE actions SET period = tstzrange($1, $2)", NOON, NOON + timedelta(days=1, seconds=1)
            )
