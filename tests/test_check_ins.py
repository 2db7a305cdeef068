"""Check-ins: recorded once, by attendee, event and day, and credited in the same transaction."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from scenarios.meeting.travel import Leg, Trip
from service import claims, corrections, ledger, personal_codes
from service.access import Caller, Role
from service.attendees import Attendee
from service.check_in_rows import CheckIn
from service.check_ins import (
    AttendeeMissing,
    CodeOfAnotherEvent,
    JourneyKnown,
    JourneyMissing,
    PersonalCodeUnknown,
    check_in_many,
)
from service.codes import CodeExpired, CodeForged, Scanned, receipt_key
from service.config import Config
from service.db import new_id, transaction
from service.donations import DonationRequest, donate_many
from service.errors import IdReused, NotFound, Refusal
from service.events import EventClosed, EventNotOpenYet
from service.group_commit import GroupCommitter
from service.receipts import Receipt
from tests.books import balance, open_event_account, open_member
from tests.doors import BY_METRO, DAY, LOCAL_METRO, MORNING, come, come_in, coming, device, open_event

NOBODY = Caller(None, frozenset({Role.PUBLIC}))


async def member_of(pool: asyncpg.Pool) -> Attendee:
    async with pool.acquire() as connection:
        return Attendee("member", await open_member(connection))


async def count(pool: asyncpg.Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM check_ins WHERE ended_at IS NULL"))


async def test_a_first_scan_gets_a_receipt(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    receipt = await come_in(database, config, coming(event, device("a"), gate=1))
    assert (receipt.gate, receipt.day.isoformat(), receipt.duplicate) == ("B", "2026-11-20", False)
    assert receipt.emissions_g == receipt.travel_emissions_g > 0
    assert receipt.earning == "claimable"
    assert receipt.receipt_key == receipt_key(config, receipt.check_in_id)


async def test_the_same_id_again_gets_the_same_receipt(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    request = coming(event, device("a"))
    assert await come_in(database, config, request) == await come_in(database, config, request)
    assert await count(database) == 1


async def test_the_same_id_is_answered_even_when_its_code_has_expired(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    request = coming(event, device("a"))
    first = await come_in(database, config, request)
    assert isinstance(request.scanned, Scanned)
    late = request._replace(scanned=CodeExpired(request.scanned), at=MORNING + timedelta(hours=1))
    assert await come_in(database, config, late) == first


async def test_the_same_id_with_other_content_is_a_conflict(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    request = coming(event, device("a"))
    await come_in(database, config, request)
    with pytest.raises(IdReused):
        await come_in(database, config, request._replace(request_digest=b"x" * 32))
    with pytest.raises(IdReused):
        await come_in(database, config, coming(event, device("b"), check_in_id=request.id))
    assert await count(database) == 1


async def test_a_second_scan_that_day_returns_the_first_receipt(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    first = await come_in(database, config, coming(event, device("a")))
    second = await come_in(database, config, coming(event, device("a"), gate=1, at=MORNING + timedelta(hours=3)))
    assert (second.check_in_id, second.gate, second.checked_in_at, second.duplicate) == (
        first.check_in_id,
        "A",
        MORNING,
        True,
    )
    assert await count(database) == 1


async def test_the_events_day_is_cut_at_four_in_the_morning(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    first = await come_in(database, config, coming(event, device("a")))
    at_half_past_two = MORNING.replace(hour=18, minute=30)
    late = await come_in(database, config, coming(event, device("a"), LOCAL_METRO, at=at_half_past_two))
    assert late.check_in_id == first.check_in_id
    next_day = await come_in(database, config, coming(event, device("a"), LOCAL_METRO, at=MORNING + DAY))
    assert next_day.check_in_id != first.check_in_id
    assert next_day.day.isoformat() == "2026-11-21"


async def test_the_journey_from_home_is_told_once_an_event(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    with pytest.raises(JourneyMissing):
        await come_in(database, config, coming(event, device("a"), LOCAL_METRO))
    await come_in(database, config, coming(event, device("a")))
    with pytest.raises(JourneyKnown):
        await come_in(database, config, coming(event, device("a"), at=MORNING + DAY))
    later = await come_in(database, config, coming(event, device("a"), LOCAL_METRO, at=MORNING + DAY))
    assert later.part == "local"


async def test_an_account_is_credited_in_the_check_ins_own_transaction(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database), await member_of(database)
    async with database.acquire() as connection:
        crash = connection.transaction()
        await crash.start()
        await check_in_many(connection, config, [coming(event, attendee)])
        assert await ledger.balance_g(connection, attendee.id) > 0
        await crash.rollback()
    assert (await count(database), await balance(database, attendee.id)) == (0, 0)
    receipt = await come_in(database, config, coming(event, attendee))
    assert receipt.earning == "credited"
    assert await balance(database, attendee.id) == receipt.earned_g > 0


async def test_a_poster_earns_what_a_self_declared_act_earns_a_fresh_code_in_full(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    full = await come_in(database, config, coming(event, await member_of(database), fresh=True))
    poster = await come_in(database, config, coming(event, await member_of(database), fresh=False))
    assert full.earned_g == (104 - 32) * 24
    assert poster.earned_g == full.earned_g // 2


async def test_where_no_methodology_is_in_force_nothing_is_earned(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database, "太原"), await member_of(database)
    receipt = await come_in(database, config, coming(event, attendee))
    assert (receipt.earning, receipt.earned_g) == ("nothing", 0)
    assert [each.code for each in receipt.trip.unearned] == ["no_methodology"]
    assert await balance(database, attendee.id) == 0


async def test_companions_are_counted_but_earn_nothing_for_another(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    alone = await come_in(database, config, coming(event, await member_of(database)))
    four = Trip(part="journey", legs=BY_METRO.legs, round_trip=True, companions=3)
    together = await come_in(database, config, coming(event, await member_of(database), four))
    assert (together.people, alone.people) == (4, 1)
    assert 4 * alone.emissions_g - 4 < together.emissions_g <= 4 * alone.emissions_g
    assert together.earned_g == alone.earned_g


async def test_refusals_reach_only_those_they_are_for(database: asyncpg.Pool, config: Config) -> None:
    event, other = await open_event(database), await open_event(database)
    strange = Trip(part="journey", legs=(Leg(mode="teleport", distance_m=5),))
    requests: list[CheckIn] = [
        coming(event, device("good")),
        coming(event, None),
        coming(event, device("forged"))._replace(scanned=CodeForged()),
        coming(event, device("unknown"))._replace(scanned=Scanned("00000000", False)),
        coming(event, device("bound"))._replace(scanned=Scanned(event.gates[0].short_code, True, new_id())),
        coming(event, device("other"))._replace(scanned=Scanned(other.gates[0].short_code, True)),
        coming(event, device("early"), at=MORNING - DAY),
        coming(event, device("late"), at=MORNING + 9 * DAY),
        coming(event, device("mode"), strange),
        coming(event, Attendee("personal", new_id())),
        coming(event, device("fine")),
    ]
    verdicts = await come(database, config, *requests)
    assert [type(each) for each in verdicts[1:8]] == [
        AttendeeMissing,
        CodeForged,
        CodeForged,
        CodeForged,
        CodeOfAnotherEvent,
        EventNotOpenYet,
        EventClosed,
    ]
    assert isinstance(verdicts[8], Refusal)
    assert verdicts[8].code == "unknown_mode"
    assert isinstance(verdicts[9], PersonalCodeUnknown)
    assert [isinstance(verdicts[each], Receipt) for each in (0, 10)] == [True, True]
    assert await count(database) == 2
    kept = await database.fetchval("SELECT count(*) FROM refused_scans")
    assert kept == 9


async def test_concurrent_scans_of_one_attendee_are_one_check_in(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database), await member_of(database)
    committers = [
        GroupCommitter[CheckIn, Receipt](database, lambda c, asked: check_in_many(c, config, asked)) for _ in range(3)
    ]
    receipts_ = await asyncio.gather(
        *(committers[n % 3].submit(coming(event, attendee, gate=n % 2)) for n in range(60))
    )
    assert len({each.check_in_id for each in receipts_}) == 1
    assert sum(not each.duplicate for each in receipts_) == 1
    assert await balance(database, attendee.id) == receipts_[0].earned_g


async def test_a_badge_checks_in_its_wearer_also_when_a_steward_reads_it(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    async with transaction(database) as connection:
        batch = await personal_codes.issue(connection, config, event.id, 1)
    (code,) = personal_codes.codes_of(config, event.id, batch)
    wearer = Attendee("personal", personal_codes.attendee_of_personal_code(config, event.id, code))
    receipt = await come_in(database, config, coming(event, wearer)._replace(by_steward=True))
    assert receipt.receipt_key is None, "a steward may not claim what the wearer earned"
    assert (await come_in(database, config, coming(event, wearer))).duplicate


async def test_a_claim_is_its_own_transaction_once(database: asyncpg.Pool, config: Config) -> None:
    event, member = await open_event(database), (await member_of(database)).id
    receipt = await come_in(database, config, coming(event, device("a")))
    key = receipt_key(config, receipt.check_in_id)
    for _ in range(2):
        async with transaction(database) as connection:
            claimed = await claims.claim(connection, config, receipt.check_in_id, key, member)
        assert claimed.earning == "credited"
        assert await balance(database, member) == receipt.earned_g


async def test_at_most_one_claim_an_account_event_and_day(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database), await member_of(database)
    first = await come_in(database, config, coming(event, device("a")))
    second = await come_in(database, config, coming(event, device("b")))
    async with transaction(database) as connection:
        key = receipt_key(config, first.check_in_id)
        await claims.claim(connection, config, first.check_in_id, key, attendee.id)
    async with database.acquire() as connection:
        key = receipt_key(config, second.check_in_id)
        with pytest.raises(claims.ClaimedToday):
            await claims.claim(connection, config, second.check_in_id, key, attendee.id)
    own = await come_in(database, config, coming(event, attendee))
    assert (own.earning, own.earned_g) == ("nothing", 0), "the account was credited for that day already"
    assert await balance(database, attendee.id) == first.earned_g


async def test_nobody_claims_without_the_receipts_key_or_what_another_claimed(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    one, two = (await member_of(database)).id, (await member_of(database)).id
    receipt = await come_in(database, config, coming(event, device("a")))
    key = receipt_key(config, receipt.check_in_id)
    async with database.acquire() as connection:
        for wrong in ("", "0" * len(key), receipt_key(config, new_id())):
            with pytest.raises(NotFound):
                await claims.claim(connection, config, receipt.check_in_id, wrong, one)
        async with connection.transaction():
            await claims.claim(connection, config, receipt.check_in_id, key, one)
        with pytest.raises(claims.ClaimedByAnother):
            await claims.claim(connection, config, receipt.check_in_id, key, two)


async def test_concurrent_claims_credit_one_account(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    receipt = await come_in(database, config, coming(event, device("a")))
    key = receipt_key(config, receipt.check_in_id)
    members = [(await member_of(database)).id for _ in range(4)]

    async def claim(member: UUID) -> None:
        async with transaction(database) as connection:
            await claims.claim(connection, config, receipt.check_in_id, key, member)

    outcomes = await asyncio.gather(*map(claim, members), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["ClaimedByAnother"] * 3 + ["NoneType"]
    assert sum([await balance(database, each) for each in members]) == receipt.earned_g


async def test_an_undone_check_in_is_kept_marked_and_its_credits_go_back(
    database: asyncpg.Pool, config: Config
) -> None:
    event, attendee = await open_event(database), await member_of(database)
    caller = Caller(attendee.id, frozenset({Role.CITIZEN}))
    receipt = await come_in(database, config, coming(event, attendee))
    for _ in range(2):
        async with transaction(database) as connection:
            undone = await corrections.undo(
                connection, config, receipt.check_in_id, caller, None, MORNING + timedelta(minutes=14)
            )
        assert undone.ended_because == "undone"
    assert (await count(database), await balance(database, attendee.id)) == (0, 0)
    again = await come_in(database, config, coming(event, attendee, at=MORNING + timedelta(minutes=20)))
    assert not again.duplicate
    assert await balance(database, attendee.id) == again.earned_g


async def test_undo_ends_after_fifteen_minutes_and_is_nobody_elses(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    receipt = await come_in(database, config, coming(event, device("a")))
    key = receipt_key(config, receipt.check_in_id)
    stranger = Caller((await member_of(database)).id, frozenset({Role.CITIZEN}))
    async with database.acquire() as connection:
        with pytest.raises(NotFound):
            await corrections.undo(connection, config, receipt.check_in_id, stranger, None, MORNING)
        with pytest.raises(corrections.TooLateToCorrect):
            await corrections.undo(
                connection, config, receipt.check_in_id, NOBODY, key, MORNING + timedelta(minutes=16)
            )


async def test_credits_that_were_given_away_cannot_be_undone(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database), await member_of(database)
    caller = Caller(attendee.id, frozenset({Role.CITIZEN}))
    receipt = await come_in(database, config, coming(event, attendee))
    async with database.acquire() as connection:
        elsewhere = await open_event_account(connection)
        await donate_many(connection, [DonationRequest(new_id(), attendee.id, elsewhere, 1)])
        with pytest.raises(corrections.CreditsSpent):
            await corrections.undo(connection, config, receipt.check_in_id, caller, None, MORNING)
    assert await count(database) == 1


async def test_a_corrected_trip_replaces_the_first_same_day_gate_and_time(
    database: asyncpg.Pool, config: Config
) -> None:
    event, attendee = await open_event(database), await member_of(database)
    caller = Caller(attendee.id, frozenset({Role.CITIZEN}))
    receipt = await come_in(database, config, coming(event, attendee, gate=1))
    by_bus = Trip(part="journey", legs=(Leg(mode="bus", distance_m=12_000),), round_trip=True)
    correction = new_id()
    for _ in range(2):
        async with transaction(database) as connection:
            corrected = await corrections.correct(
                connection,
                config,
                receipt.check_in_id,
                correction,
                by_bus,
                None,
                b"d" * 32,
                caller,
                None,
                MORNING + timedelta(minutes=5),
            )
    assert (corrected.check_in_id, corrected.gate, corrected.checked_in_at) == (correction, "B", MORNING)
    assert corrected.earned_g == (104 - 52) * 24
    assert (await count(database), await balance(database, attendee.id)) == (1, corrected.earned_g)
    assert await database.fetchval("SELECT replaces FROM check_ins WHERE id = $1", correction) == receipt.check_in_id


async def test_a_correction_that_is_refused_changes_nothing(database: asyncpg.Pool, config: Config) -> None:
    event, attendee = await open_event(database), await member_of(database)
    caller = Caller(attendee.id, frozenset({Role.CITIZEN}))
    receipt = await come_in(database, config, coming(event, attendee))
    strange = Trip(part="journey", legs=(Leg(mode="teleport", distance_m=5),))

    async def correct() -> None:
        async with transaction(database) as connection:
            await corrections.correct(
                connection,
                config,
                receipt.check_in_id,
                new_id(),
                strange,
                None,
                b"d" * 32,
                caller,
                None,
                MORNING,
            )

    with pytest.raises(Refusal, match="teleport"):
        await correct()
    assert (await count(database), await balance(database, attendee.id)) == (1, receipt.earned_g)
