"""Erasure: nothing leads to the person any more, the books stay clean, and no race brings anything back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import (
    departures,
    erasures,
    ledger,
    members,
    refunds,
    reservations,
    retirements,
    serials,
    sessions,
    transfer_log,
)
from service.access import Role
from service.attendees import Attendee
from service.config import Config
from service.db import new_id, open_pool, transaction
from service.departures import Departures
from service.donations import DonationRequest, donate_many
from service.erasures import SoleOrganizer
from service.errors import NotFound, Refusal
from service.ledger_refusals import AccountClosed, refusal_of
from service.retirements import NewRetirement
from tests.books import CLASSES, event_account, open_member, rich_member
from tests.conftest import serving
from tests.doors import MORNING, come, coming, open_event
from tests.people import LI, ask_code, bearer, found_organization, key, rotate, sign_in_tokens
from tests.test_carbon_account import TODAY, did

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
WORD = {"confirm": "删除账户"}


async def erase(pool: asyncpg.Pool, member_id: UUID, now: datetime = NOW) -> erasures.Erased:
    async with transaction(pool) as connection:
        return await erasures.erase(connection, member_id, now)


async def tracked(pool: asyncpg.Pool) -> UUID:
    """A member who left a trace in every table that knows one by name."""
    member = await rich_member(pool, 500)
    (act,) = await did(pool, member, "metro", [TODAY])
    (held,) = await did(pool, member, "walking", [TODAY], 30, "in_review")
    async with transaction(pool) as connection:
        await connection.execute(
            """
            UPDATE actions SET held_because = 'far', family = 'travel',
                period = tstzrange('2026-11-21 01:00+00', '2026-11-21 02:00+00') WHERE id = $1
            """,
            held,
        )
        await connection.execute("INSERT INTO action_appeals (action_id, because) VALUES ($1, '我真的走了')", act)
        for n, content in enumerate((b"own", b"attached", b"shared")):
            await connection.execute(
                "INSERT INTO evidence (digest, media_type, content) VALUES (sha256($1), 'image/png', $1)", content
            )
            if n != 1:
                await connection.execute(
                    "INSERT INTO evidence_uploads (digest, member_id) VALUES (sha256($1), $2)", content, member
                )
        await connection.execute("INSERT INTO action_evidence VALUES ($1, sha256('attached'))", held)
        other = await open_member(connection)
        await connection.execute("INSERT INTO evidence_uploads VALUES (sha256('shared'), $1)", other)
        organization = new_id()
        await connection.execute(
            "INSERT INTO organizations (id, name, founded_by) VALUES ($1, '单位', $2)", organization, member
        )
        await connection.execute("INSERT INTO organization_members VALUES ($1, $2, 'owner')", organization, member)
        await connection.execute("INSERT INTO authority_members VALUES ($1, '110000')", member)
        partner = new_id()
        await connection.execute(
            "INSERT INTO partners (id, organization_id, name, registered_by) VALUES ($1, $2, '地铁', $3)",
            partner,
            organization,
            other,
        )
        await connection.execute(
            """
            INSERT INTO consents (id, partner_id, member_id, scene, subject, given_at)
            VALUES ($1, $2, $3, 'metro', $4, now())
            """,
            new_id(),
            partner,
            member,
            new_id(),
        )
        await connection.execute(
            """
            INSERT INTO member_devices (member_id, device, first_seen_at, last_seen_at)
            VALUES ($1, substr(sha256('phone'), 1, 16), now(), now())
            """,
            member,
        )
        await connection.execute(
            "INSERT INTO idempotent_requests (caller, key, request_digest) VALUES ($1, 'k', sha256('x'))",
            f"member:{member}",
        )
        await sessions.open_session(connection, member, "browser", "k", NOW)
    return member


GONE = """
    SELECT 'uploads', count(*) FROM evidence_uploads WHERE member_id = $1
    UNION ALL SELECT 'attached', count(*) FROM action_evidence JOIN actions ON id = action_id WHERE member_id = $1
    UNION ALL SELECT 'photos', count(*) FROM evidence WHERE content IN ('own', 'attached')
    UNION ALL SELECT 'appeals', count(*) FROM action_appeals
    UNION ALL SELECT 'organizations', count(*) FROM organization_members WHERE member_id = $1
    UNION ALL SELECT 'authorities', count(*) FROM authority_members WHERE member_id = $1
    UNION ALL SELECT 'consents', count(*) FROM consents WHERE member_id = $1
    UNION ALL SELECT 'devices', count(*) FROM member_devices WHERE member_id = $1
    UNION ALL SELECT 'requests', count(*) FROM idempotent_requests WHERE caller = 'member:' || $1::uuid::text
    UNION ALL SELECT 'sessions', count(*) FROM sessions WHERE member_id = $1
    UNION ALL SELECT 'phones', count(phone_digest) + count(phone_hint) FROM members WHERE id = $1
    UNION ALL SELECT 'details', count(*) FROM actions
        WHERE member_id = $1 AND num_nonnulls(period, family, station_id, held_because) > 0
    UNION ALL SELECT 'waiting', count(*) FROM actions WHERE member_id = $1 AND state IN ('pending', 'in_review')
"""


async def test_nothing_that_leads_to_the_person_is_left(database: asyncpg.Pool) -> None:
    member = await tracked(database)
    before = dict(await database.fetch(GONE, member))
    assert all(before.values()), before
    await erase(database, member)
    after = dict(await database.fetch(GONE, member))
    assert not any(after.values()), after
    assert await database.fetchval("SELECT count(*) FROM evidence WHERE content = 'shared'") == 1
    assert await database.fetchval("SELECT because FROM account_closings WHERE account_id = $1", member) == "left"


async def test_what_was_issued_stays_and_its_serials_still_lead_to_the_act(
    database: asyncpg.Pool, config: Config
) -> None:
    async with transaction(database) as connection:
        member = await open_member(connection)
    (act,) = await did(database, member, "metro", [TODAY], 800)
    await erase(database, member)
    async with transaction(database) as connection:
        while await transfer_log.seal(connection, config):
            pass
        class_id = await connection.fetchval("SELECT class_id FROM transfers WHERE id = $1", act)
        found = await serials.find(connection, class_id, 800)
        assert (found.action, found.grams) == ("metro", 800)
        assert await ledger.balance_g(connection, member) == 800
        assert await ledger.audit(connection) == []


async def test_twice_is_once(database: asyncpg.Pool) -> None:
    member = await tracked(database)
    first = await erase(database, member)
    assert await erase(database, member, NOW + timedelta(minutes=1)) == first


async def test_nobody_cannot_be_erased(database: asyncpg.Pool) -> None:
    with pytest.raises(NotFound):
        await erase(database, new_id())


async def test_what_was_reserved_comes_back_and_stays_in_the_closed_account(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 500), (await open_event(database)).id
    async with transaction(database) as connection:
        await reservations.reserve(connection, new_id(), member, event, 300, datetime.now(UTC) + timedelta(days=1))
    await erase(database, member)
    async with database.acquire() as connection:
        assert await ledger.balance_g(connection, member) == 500
        assert await connection.fetchval("SELECT count(*) FROM open_reservations") == 0


async def test_a_certificate_keeps_what_everyone_could_read(database: asyncpg.Pool) -> None:
    member, retirement = await rich_member(database, 500), new_id()
    new = NewRetirement(grams=100, beneficiary="王小芳", purpose="王小芳的婚礼")
    async with transaction(database) as connection:
        await retirements.retire_own(connection, retirement, member, new)
        public = await retirements.find(connection, retirement)
    await erase(database, member)
    async with database.acquire() as connection:
        assert await retirements.find(connection, retirement) == public
        kept = await connection.fetchrow("SELECT beneficiary, purpose FROM retirements WHERE id = $1", retirement)
    assert tuple(kept) == ("王*", "王*的婚礼")


async def test_words_of_a_certificate_whose_owner_is_there_are_never_changed(database: asyncpg.Pool) -> None:
    member, retirement = await rich_member(database, 500), new_id()
    async with transaction(database) as connection:
        new = NewRetirement(grams=100, beneficiary="王小芳", purpose="婚礼")
        await retirements.retire_own(connection, retirement, member, new)
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE retirements SET beneficiary = '王*'")
    await erase(database, member)
    for change in ("grams = 5", "purpose = 'x', beneficiary = '李*'", "retired_on = '2020-01-01'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.execute(f"UPDATE retirements SET {change}")


async def test_a_closed_account_refuses_with_a_code(database: asyncpg.Pool, config: Config) -> None:
    member, event = await rich_member(database, 500), await event_account(database)
    await erase(database, member)
    with pytest.raises(asyncpg.CheckViolationError) as gift:
        async with transaction(database) as connection:
            await donate_many(connection, [DonationRequest(new_id(), member, event, 100)])
    assert isinstance(refusal_of(gift.value), AccountClosed)
    with pytest.raises(asyncpg.CheckViolationError) as session:
        async with transaction(database) as connection:
            await sessions.open_session(connection, member, "app", "k", NOW)
    assert isinstance(refusal_of(session.value), AccountClosed)
    door = await open_event(database)
    with pytest.raises(asyncpg.CheckViolationError) as visit:
        await come(database, config, coming(door, Attendee("member", member), at=MORNING))
    assert isinstance(refusal_of(visit.value), AccountClosed)


async def test_refunds_still_come_to_a_closed_account(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 500), await event_account(database)
    gift = new_id()
    async with transaction(database) as connection:
        await donate_many(connection, [DonationRequest(gift, member, event, 100)])
    await erase(database, member)
    async with transaction(database) as connection:
        await ledger.lock_accounts(connection, [member])
        class_id = (await ledger.class_ids(connection, CLASSES[:1]))[CLASSES[0]]
        back = ledger.Transfer(new_id(), event, member, class_id, 100, "refund", 0, gift)
        await ledger.post_many(connection, [back])
        await refunds.note(connection, event, 1, 100, [back.id])
        assert await ledger.balance_g(connection, member) == 500


# Who must hand over first --------------------------------------------------------------------------------------------


async def test_the_only_organizer_of_an_event_that_is_not_over_must_hand_it_over(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    organizer = await database.fetchval("SELECT founded_by FROM organizations WHERE id = $1", event.organization_id)
    with pytest.raises(SoleOrganizer):
        await erase(database, organizer, MORNING)
    async with transaction(database) as connection:
        other = await open_member(connection)
        await connection.execute(
            "INSERT INTO organization_members VALUES ($1, $2, 'owner')", event.organization_id, other
        )
    await erase(database, organizer, MORNING)


async def test_an_event_that_is_over_holds_nobody(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    organizer = await database.fetchval("SELECT founded_by FROM organizations WHERE id = $1", event.organization_id)
    await erase(database, organizer, MORNING + timedelta(days=30))


# Races ---------------------------------------------------------------------------------------------------------------


async def test_two_machines_erase_the_same_member_once(database: asyncpg.Pool) -> None:
    member = await tracked(database)
    first, second = await asyncio.gather(erase(database, member), erase(database, member, NOW + timedelta(hours=1)))
    assert first == second
    assert await database.fetchval("SELECT count(*) FROM account_closings WHERE account_id = $1", member) == 1


@pytest.mark.parametrize("times", range(3))
async def test_gifts_check_ins_and_sessions_come_before_or_not_at_all(
    database: asyncpg.Pool, config: Config, times: int
) -> None:
    """Whoever commits first: afterwards the account is closed, nothing is half done, and no session lives."""
    member, event = await rich_member(database, 10_000), await event_account(database)
    door = await open_event(database)

    async def give() -> None:
        async with transaction(database) as connection:
            await donate_many(connection, [DonationRequest(new_id(), member, event, 100)])

    async def visit() -> None:
        await come(database, config, coming(door, Attendee("member", member)))

    async def enter() -> None:
        async with transaction(database) as connection:
            await sessions.open_session(connection, member, "browser", str(new_id()), NOW)

    work = [give(), enter(), visit(), give(), erase(database, member), give(), enter(), give()]
    ended = await asyncio.gather(*work[times:], *work[:times], return_exceptions=True)
    faults = [each for each in ended if isinstance(each, Exception)]
    assert all(isinstance(refusal_of(each), AccountClosed) for each in faults), faults
    assert await database.fetchval("SELECT count(*) FROM sessions WHERE member_id = $1", member) == 0
    closed_at = await database.fetchval("SELECT closed_at FROM account_closings WHERE account_id = $1", member)
    late = "SELECT count(*) FROM transfers WHERE $1 IN (source, destination) AND made_at > $2"
    assert await database.fetchval(late, member, closed_at) == 0


@pytest.mark.parametrize("time", range(4))
async def test_signing_in_while_one_is_erased_ends_as_somebody_new_or_not_at_all(
    database: asyncpg.Pool, config: Config, time: int
) -> None:
    async with transaction(database) as connection:
        member = await members.member_by_phone(connection, config, LI)
        code = await members.code_on_screen(connection, config, LI, NOW)
    signing = members.sign_in_browser(database, config, LI, code, "k", NOW)
    erased, cookie = await asyncio.gather(erase(database, member), signing, return_exceptions=True)
    assert isinstance(erased, erasures.Erased), erased
    if isinstance(cookie, str):
        async with database.acquire() as connection:
            caller = await sessions.read_browser_token(connection, config, cookie, "", NOW)
        assert caller.member_id != member
    else:
        assert isinstance(cookie, Refusal) or isinstance(refusal_of(cookie), AccountClosed), cookie


# Over HTTP -----------------------------------------------------------------------------------------------------------


async def test_old_tokens_are_refused_at_once_and_the_phone_begins_anew(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    tokens = await sign_in_tokens(client, LI)
    li = bearer(tokens)
    member = (await client.get("/v1/me", headers=li)).json()["member_id"]
    await did(database, UUID(member), "metro", [TODAY], 800)
    again = key()
    erased = await client.post("/v1/me/erasure", json=WORD, headers=li | again)
    assert erased.status_code == 200, erased.text
    for path in ("/v1/me", "/v1/me/account", "/v1/me/balance", "/v1/me/statement", "/v1/actions", "/v1/me/export"):
        answer = await client.get(path, headers=li)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended"), path
    act = {"region": "110000", "action": "metro", "quantity": 1000, "occurred_on": "2026-11-20"}
    assert (await client.post("/v1/actions", json=act, headers=li | key())).status_code == 401
    with pytest.raises(AssertionError, match="session_ended"):
        await rotate(client, tokens)
    assert (await client.post("/v1/me/erasure", json=WORD, headers=li | again)).json() == erased.json()
    await database.execute("DELETE FROM sign_in_sends")
    code = await ask_code(client, LI)
    anew = await client.post("/v1/sign-in/sessions", json={"phone": LI, "code": code}, headers=key())
    me = (await client.get("/v1/me", headers=bearer(anew.json()))).json()
    assert (me["member_id"] != member, me["balance_g"], me["roles"]) == (True, 0, [Role.CITIZEN])


async def test_a_wrong_word_erases_nothing(client: httpx.AsyncClient) -> None:
    li = bearer(await sign_in_tokens(client, LI))
    refused = await client.post("/v1/me/erasure", json={"confirm": "yes"}, headers=li | key())
    assert (refused.status_code, refused.json()["code"]) == (400, "not_confirmed")
    for word in (" Delete my ACCOUNT ",):
        assert (await client.get("/v1/me", headers=li)).status_code == 200
        assert (await client.post("/v1/me/erasure", json={"confirm": word}, headers=li | key())).status_code == 200


async def test_a_sole_organizer_is_told_what_is_in_the_way(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    wang, organization = await found_organization(client, LI)
    body = {
        "organization_id": str(organization),
        "name": "零碳会议",
        "kind": "meeting",
        "place": "北京",
        "venue": "会议中心",
        "time_zone": "Asia/Shanghai",
        "expected_people": 300,
        "hours": [{"opens_at": "2090-11-20T00:00:00Z", "closes_at": "2090-11-20T09:00:00Z"}],
        "gates": ["A"],
    }
    assert (await client.post("/v1/events", json=body, headers=wang | key())).status_code == 201
    refused = await client.post("/v1/me/erasure", json=WORD, headers=wang | key())
    assert (refused.status_code, refused.json()["code"]) == (409, "sole_organizer")
    assert (await client.get("/v1/me", headers=wang)).status_code == 200


async def test_another_process_learns_of_it(config: Config, database: asyncpg.Pool, client: httpx.AsyncClient) -> None:
    li = bearer(await sign_in_tokens(client, LI))
    async with serving(config) as other:
        assert (await other.get("/v1/me/balance", headers=li)).status_code == 200
        assert (await client.post("/v1/me/erasure", json=WORD, headers=li | key())).status_code == 200
        seen = []
        for _ in range(100):
            seen.append((await other.get("/v1/me/balance", headers=li)).status_code)
            await asyncio.sleep(0.05 if seen[-1] == 200 else 0)
        assert seen[-1] == 401


async def test_a_process_that_starts_later_knows_of_it_and_forgets_when_tokens_are_over(
    config: Config, database: asyncpg.Pool
) -> None:
    async with transaction(database) as connection:
        lately, long_ago = await open_member(connection), await open_member(connection)
    await erase(database, lately, datetime.now(UTC))
    await erase(database, long_ago, datetime.now(UTC) - departures.REMEMBERED)
    pool = await open_pool(config)
    async with Departures(pool).running() as departed:
        assert lately in departed
        assert long_ago not in departed
    await pool.close()
