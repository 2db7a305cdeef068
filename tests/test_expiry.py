"""Expiry: only by a rule, never before its date in its place, never untold; nothing that ships expires anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
import time_machine

from scenarios import programmes
from scenarios.programmes import Rules
from service import expiry, ledger
from service.config import Config
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, Overdraft, donate_many
from service.expiry import RuleTold
from service.members import member_by_phone
from tests import browsing
from tests.books import event_account, open_member
from tests.paper import see
from tests.people import LI, sign_in
from tests.test_programmes import EXPIRING, HAINAN, OWN, SHANXI, own, read
from workers import expiring

RULES = Rules((read(EXPIRING),), own())
"""Twelve months after the vintage's, told thirty days before."""
LAST_DAY = datetime(2027, 9, 30, 15, 59, tzinfo=UTC)
"""23:59 in China, on the last day of what was earned in September 2026."""
EXPIRED = LAST_DAY + timedelta(minutes=1)
TOLD = datetime(2027, 8, 30, 18, tzinfo=UTC)


def classes(region: str = SHANXI) -> list[ledger.CreditClass]:
    return [ledger.CreditClass(region, "sanjin", "2022", date(2026, month, 1)) for month in (9, 10)]


async def holder(pool: asyncpg.Pool, *grams: int, region: str = SHANXI, member: UUID | None = None) -> UUID:
    """A member who holds grams earned in September and October."""
    async with transaction(pool) as connection:
        member = member or await open_member(connection)
        ids = await ledger.class_ids(connection, classes(region))
        await ledger.post_many(
            connection,
            [
                ledger.Transfer(new_id(), ledger.ISSUANCE, member, ids[each], held_g, "issue")
                for each, held_g in zip(classes(region), grams, strict=False)
            ],
        )
        return member


async def tell(pool: asyncpg.Pool, at: datetime, limit: int = 1000, rules: Rules | None = RULES) -> int:
    async with transaction(pool) as connection:
        return await expiry.tell(connection, at, limit, rules)


async def expire(pool: asyncpg.Pool, at: datetime, limit: int = 200, rules: Rules | None = RULES) -> int:
    async with transaction(pool) as connection:
        return await expiry.expire_due(connection, at, limit, rules)


async def held(pool: asyncpg.Pool, member: UUID) -> list[tuple[int, int]]:
    async with pool.acquire() as connection:
        return [(each.vintage.month, each.grams) for each in await ledger.holdings(connection, member)]


async def test_what_has_expired_and_was_told_of_is_taken_out_with_its_serials(database: asyncpg.Pool) -> None:
    one, other = await holder(database, 10, 20), await holder(database, 5)
    assert await tell(database, TOLD) == 2
    assert await expire(database, EXPIRED) == 2
    assert (await held(database, one), await held(database, other)) == ([(10, 20)], [])
    blocks = await database.fetch("SELECT first_serial, next_serial FROM serial_blocks ORDER BY first_serial")
    assert [block["next_serial"] - block["first_serial"] for block in blocks] in ([10, 5], [5, 10])
    assert await expire(database, EXPIRED) == 0


async def test_nothing_expires_before_the_date_in_the_rules_place(database: asyncpg.Pool) -> None:
    member = await holder(database, 10)
    await tell(database, TOLD)
    assert await expire(database, LAST_DAY) == 0
    assert await held(database, member) == [(9, 10)]
    assert await expire(database, EXPIRED) == 1


async def test_nothing_expires_untold_or_told_too_late(database: asyncpg.Pool) -> None:
    member = await holder(database, 10)
    assert await expire(database, EXPIRED) == 0
    late = EXPIRED - timedelta(days=10)
    assert await tell(database, late) == 1
    assert await expire(database, EXPIRED) == 0
    assert await expire(database, late + timedelta(days=29)) == 0
    assert await held(database, member) == [(9, 10)]
    assert await expire(database, late + timedelta(days=30)) == 1
    assert await held(database, member) == []


async def test_a_notice_is_recorded_once_and_not_long_before(database: asyncpg.Pool) -> None:
    await holder(database, 10, 10)
    assert await tell(database, EXPIRED - timedelta(days=38)) == 0
    assert await tell(database, EXPIRED - timedelta(days=37)) == 1
    assert await tell(database, EXPIRED - timedelta(days=20)) == 0
    row = await database.fetchrow("SELECT expires_on, told_on, rule FROM expiry_notices")
    assert (row["expires_on"], row["told_on"]) == (date(2027, 10, 1), date(2027, 8, 25))
    rule = msgspec.json.decode(row["rule"], type=RuleTold)
    assert (rule.is_policy, rule.pack.id, rule.months_after_vintage) == (False, "shanxi", 12)
    assert "第九条" in str(rule.citation)


async def test_a_notice_cannot_be_rewritten(database: asyncpg.Pool) -> None:
    await holder(database, 10)
    await tell(database, TOLD)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await database.execute("UPDATE expiry_notices SET told_on = '2020-01-01'")


async def test_a_notice_of_one_date_is_none_of_another(database: asyncpg.Pool) -> None:
    """A rule that was shortened after people were told takes effect only when they were told of the new date."""
    member = await holder(database, 10)
    await tell(database, TOLD)
    shorter = Rules((read(EXPIRING.replace("months_after_vintage = 12", "months_after_vintage = 11")),), own())
    at = datetime(2027, 9, 2, tzinfo=UTC)
    assert await expire(database, at, rules=shorter) == 0
    assert await tell(database, at, rules=shorter) == 1
    assert await expire(database, at + timedelta(days=29), rules=shorter) == 0
    assert await expire(database, at + timedelta(days=30), rules=shorter) == 1
    assert await held(database, member) == []


async def test_only_the_rules_own_region_expires(database: asyncpg.Pool) -> None:
    elsewhere = await holder(database, 10, region=HAINAN)
    assert await tell(database, TOLD) == 0
    assert await expire(database, EXPIRED) == 0
    assert await held(database, elsewhere) == [(9, 10)]


async def test_nothing_that_ships_expires_anything(database: asyncpg.Pool) -> None:
    member = await holder(database, 10, 20)
    far = datetime(2099, 1, 1, tzinfo=UTC)
    assert await tell(database, far, rules=None) == 0
    assert await expire(database, far, rules=None) == 0
    async with database.acquire() as connection:
        assert await expiry.of_member(connection, member) == []
    assert await held(database, member) == [(9, 10), (10, 20)]


async def test_the_operators_own_rule_expires_and_is_told_as_policy(database: asyncpg.Pool) -> None:
    member = await holder(database, 10, region=HAINAN)
    rules = Rules((), own(OWN.replace("2026-11-01", "2026-09-01")))
    async with database.acquire() as connection:
        (told,) = await expiry.of_member(connection, member, rules)
    assert (told.expires_on, told.told_on, told.rule.is_policy, told.rule.citation) == (
        date(2028, 10, 1),
        None,
        True,
        None,
    )
    await tell(database, datetime(2028, 7, 30, tzinfo=UTC), rules=rules)
    assert await expire(database, datetime(2028, 9, 30, 16, tzinfo=UTC), rules=rules) == 1
    assert await held(database, member) == []


async def test_expiry_in_small_sets_reaches_everybody_once(database: asyncpg.Pool) -> None:
    members = [await holder(database, 10) for _ in range(7)]
    assert [await tell(database, TOLD, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert [await expire(database, EXPIRED, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert [await held(database, member) for member in members] == [[]] * 7


async def test_two_workers_at_once_expire_once(database: asyncpg.Pool) -> None:
    for _ in range(12):
        await holder(database, 10, 10)
    await asyncio.gather(*(tell(database, TOLD) for _ in range(3)))
    await asyncio.gather(*(expire(database, EXPIRED) for _ in range(3)))
    assert await database.fetchval("SELECT sum(grams) FROM transfers WHERE reason = 'expire'") == 120


async def test_what_is_given_while_it_expires_is_either(database: asyncpg.Pool) -> None:
    event = await event_account(database)
    members = [await holder(database, 10) for _ in range(10)]
    await tell(database, TOLD)

    async def give(member: UUID) -> int:
        async with transaction(database) as connection:
            (verdict,) = await donate_many(connection, [DonationRequest(new_id(), member, event, 10)])
        assert isinstance(verdict, Donation | Overdraft)
        return 10 if isinstance(verdict, Donation) else 0

    *given, _ = await asyncio.gather(*(give(member) for member in members), expire(database, EXPIRED))
    while await expire(database, EXPIRED):
        pass
    expired = await database.fetchval("SELECT coalesce(sum(grams), 0) FROM transfers WHERE reason = 'expire'")
    assert sum(given) + expired == 100


@pytest.fixture
def expiring_shanxi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shanxi's programme as if it expired credits."""
    (tmp_path / "shanxi.toml").write_text(EXPIRING, "utf-8")
    monkeypatch.setattr(programmes, "FOLDER", tmp_path)
    programmes.rules.cache_clear()
    yield
    programmes.rules.cache_clear()


@pytest.mark.usefixtures("expiring_shanxi")
async def test_a_citizen_sees_beforehand_what_expires_when(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li = await sign_in(client, LI)
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    await holder(database, 10, 20, member=member)
    await holder(database, 5, region=HAINAN, member=member)
    await tell(database, TOLD)
    shown = (await client.get("/v1/me/expiries", headers=li)).json()
    assert [(each["vintage"], each["grams"], each["expires_on"], each["told_on"]) for each in shown] == [
        ("2026-09-01", 10, "2027-10-01", "2027-08-31"),
        ("2026-10-01", 20, "2027-11-01", None),
    ]
    assert "第九条" in shown[0]["rule"]["citation"]
    balance = (await client.get("/v1/me/balance", headers=li)).json()
    assert [each["expires_on"] for each in balance["classes"]] == ["2027-10-01", None, "2027-11-01"]
    await browsing.sign_in(client, database, config, LI)
    assert "2027年10月1日起失效" in (await see(client, "/me")).text


@pytest.mark.usefixtures("expiring_shanxi")
async def test_the_nights_work_tells_and_then_expires(database: asyncpg.Pool) -> None:
    member = await holder(database, 10, 20)
    for at, left in ((TOLD, [(9, 10), (10, 20)]), (EXPIRED, [(10, 20)])):
        with time_machine.travel(at, tick=True):
            await expiring.expire_credits({"pool": database})
        assert await held(database, member) == left
