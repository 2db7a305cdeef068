"""Partners' feeds: each line its verdict, each act once, a bad line spoils only itself."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from service import consents, partner_feed, partners
from service.action_rows import ActionRequest
from service.actions import log_many
from service.config import Config
from service.db import transaction
from service.partner_feed import AT_ONCE, SET, Feeds, requests_of
from service.partner_reports import LONGEST_LINE, id_of, read_all
from service.partner_signatures import Signed, begin
from service.spools import Spool
from tests.conftest import serving
from tests.partnering import (
    CYCLING,
    HOUR,
    METRO,
    Reporting,
    consenting,
    make_partner,
    ndjson,
    path_of,
    ride,
    send,
    signed,
)
from tests.test_database_away import Line, folder, through  # noqa: F401 - a fixture

WALK = {"action": "walking", "quantity": 1_000}


def kinds(verdicts: list[dict[str, Any]]) -> list[str]:
    """What became of each line, with the code of a refusal."""
    return [each.get("code", each["verdict"]) for each in verdicts]


async def grams_of(database: asyncpg.Pool, member_id: UUID) -> int:
    """What a member holds."""
    return int(await database.fetchval("SELECT coalesce(sum(grams), 0) FROM balances WHERE account_id = $1", member_id))


async def test_a_ride_is_credited_and_its_repeat_is_a_duplicate_with_the_same_grams(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    lines = [ride("t-1", citizen.subject)]
    (first,) = await send(client, partner, lines)
    assert (first["line"], first["external_id"], first["verdict"]) == (1, "t-1", "issued")
    assert first["reduction_g"] == await grams_of(database, citizen.member_id) > 0
    (again,) = await send(client, partner, lines)
    assert again == first | {"verdict": "duplicate"}
    assert first["reduction_g"] == await grams_of(database, citizen.member_id)


async def test_a_report_stored_by_an_earlier_version_is_known_again(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    lines, now = [ride("t-1", citizen.subject), ride("t-1", citizen.subject, quantity=11_000)], datetime.now(UTC)
    async with transaction(database) as connection:
        (asked,) = await requests_of(connection, partner.id, list(read_all([ndjson(lines[:1])])), now)
        assert isinstance(asked, ActionRequest)
        assert asked.reported_as
        await log_many(connection, [asked._replace(id=asked.reported_as, reported_as=None)], now)
    verdicts = await send(client, partner, lines)
    assert kinds(verdicts) == ["duplicate", "id_reused"]
    assert verdicts[0]["action_id"] == str(id_of(partner.id, "t-1"))


async def test_one_report_of_two_citizens_at_once_is_credited_to_one(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizens = [await consenting(database, config, partner) for _ in range(2)]
    sent = [send(client, partner, [ride("t-1", each.subject)]) for each in citizens]
    said = [each for (each,) in await asyncio.gather(*sent)]
    assert sorted(kinds(said)) == ["id_reused", "issued"]


async def test_the_same_id_for_another_act_is_refused_and_one_line_twice_is_credited_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    told = ride("t-1", citizen.subject)
    verdicts = await send(client, partner, [told, told, told | {"quantity": 11_000}])
    assert kinds(verdicts) == ["issued", "duplicate", "id_reused"]
    assert verdicts[1]["reduction_g"] == verdicts[0]["reduction_g"]
    spaced = json.dumps(told, indent=None, separators=(" , ", " : ")).encode()
    assert kinds(await send(client, partner, [spaced])) == ["duplicate"], "however its line is spaced"


async def test_a_cap_is_said(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    day = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=2)
    ago = datetime.now(UTC) - day
    far = [ride(f"t-{n}", citizen.subject, ago=ago - n * HOUR, quantity=45_000) for n in range(4)]
    verdicts = await send(client, partner, far)
    assert kinds(verdicts) == ["issued", "issued", "capped", "capped"]
    assert [each.get("counted") for each in verdicts] == [None, None, 10_000, 0]
    assert verdicts[3]["reduction_g"] == 0


BAD: list[tuple[bytes | dict[str, Any], str]] = [
    (b"", "bad_input"),
    (b"not json", "bad_input"),
    (b"\xff\xfe", "bad_input"),
    (b"null", "bad_input"),
    (b"[]", "bad_input"),
    (b"[" * 10_000, "bad_input"),
    (b'{"external_id": "b-1"}', "bad_input"),
    ({"surprise": 1}, "bad_input"),
    ({"external_id": ""}, "bad_input"),
    ({"external_id": "x" * 101}, "bad_input"),
    ({"external_id": "a\u0000b"}, "bad_input"),
    ({"subject": "nobody"}, "bad_input"),
    ({"subject": str(uuid4())}, "no_consent"),
    ({"quantity": 0}, "bad_input"),
    ({"quantity": -5}, "bad_input"),
    ({"quantity": 1.5}, "bad_input"),
    ({"quantity": "10"}, "bad_input"),
    ({"quantity": True}, "bad_input"),
    ({"quantity": 10**30}, "bad_input"),
    ({"quantity": 10**7}, "quantity_absurd"),
    ({"started_at": "2026-11-21T08:00:00"}, "bad_input"),
    ({"started_at": "yesterday"}, "bad_input"),
    ({"started_at": "0001-01-01T00:00:00+14:00"}, "bad_input"),
    ({"ended_at": "9999-12-31T23:59:59-14:00"}, "bad_input"),
    ({"ended_at": None}, "action_time_missing"),
    ({"region": "310000"}, "scope_not_approved"),
    ({"region": "11"}, "bad_input"),
    ({"action": "flying"}, "scope_not_approved"),
    (WALK, "scope_not_approved"),
    (b'{"external_id": "' + b"x" * LONGEST_LINE + b'"}', "line_too_long"),
    (b" " * 10_000_000, "line_too_long"),
]


async def test_a_bad_line_spoils_only_itself(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    partner = await make_partner(database, config)
    lines: list[dict[str, Any] | bytes] = []
    for number, (bad, _) in enumerate(BAD):
        good = await consenting(database, config, partner)
        own = ride(f"good-{number}", good.subject)
        lines += [bad if isinstance(bad, bytes) else ride(f"bad-{number}", good.subject, ago=7 * HOUR) | bad, own]
    verdicts = await send(client, partner, lines)
    assert [each["line"] for each in verdicts] == list(range(1, len(lines) + 1))
    assert kinds(verdicts[1::2]) == ["issued"] * len(BAD)
    assert kinds(verdicts[::2]) == [code for _, code in BAD]
    assert all(each["detail"] for each in verdicts[::2])
    assert await database.fetchval("SELECT count(*) FROM actions") == len(BAD)


@pytest.mark.parametrize("number", [b"NaN", b"1e308", b"-1e308", b"Infinity", b"1e300000", b"9" * 15_000])
async def test_a_quantity_that_is_no_number_is_refused_and_its_line_named(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, number: bytes
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    line = msgspec.json.encode(ride("t-1", citizen.subject, quantity=77_777)).replace(b"77777", number)
    (verdict,) = await send(client, partner, [line])
    assert (verdict["verdict"], verdict["code"]) == ("refused", "bad_input")


async def test_acts_out_of_time_are_refused_with_their_codes(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner, at=datetime.now(UTC) - timedelta(days=3_000))
    day = timedelta(days=1)
    verdicts = await send(
        client,
        partner,
        [
            ride("tomorrow", citizen.subject, ago=-day),
            ride("soon", citizen.subject, ago=-HOUR / 6),
            ride("a year ago", citizen.subject, ago=365 * day),
            ride("before the methodology", citizen.subject, ago=2_500 * day),
            ride("ended before", citizen.subject, ended_at="2020-01-01T00:00:00Z"),
            ride("late", citizen.subject, ago=20 * day),
        ],
    )
    assert kinds(verdicts) == [
        "action_in_future",
        "action_in_future",
        "action_too_old",
        "no_methodology",
        "action_times_unsound",
        "issued",
    ]
    began = await database.fetchval("SELECT occurred_on FROM actions")
    assert (datetime.now(UTC).date() - began).days in {19, 20}, "credited by the act's own date"


async def test_only_acts_that_began_within_the_consent_are_credited(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config, METRO, CYCLING)
    now = datetime.now(UTC)
    citizen = await consenting(database, config, partner, at=now - 10 * HOUR)
    async with transaction(database) as connection:
        (given,) = await consents.of_member(connection, citizen.member_id)
        await consents.withdraw(connection, citizen.member_id, given.id, now - 5 * HOUR)
    lines = [ride(f"{ago}", citizen.subject, ago=ago * HOUR) for ago in (11, 9, 7, 4)]
    lines.append(ride("another scene", citizen.subject, ago=8 * HOUR, action="cycling", quantity=1_000))
    wanted = ["no_consent", "issued", "issued", "no_consent", "no_consent"]
    verdicts = await send(client, partner, lines)
    assert kinds(verdicts) == wanted
    assert [each["verdict"] for each in verdicts] == wanted, "a verdict of its own"


async def test_a_subject_of_one_partner_means_nothing_to_another(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    one, other = await make_partner(database, config), await make_partner(database, config)
    citizen = await consenting(database, config, one)
    async with transaction(database) as connection:
        new = consents.NewConsents(other.id, ["metro"])
        given = await consents.give(connection, config, citizen.member_id, new, datetime.now(UTC) - 9 * HOUR)
    assert given.subject != citizen.subject
    assert kinds(await send(client, other, [ride("t-1", citizen.subject)])) == ["no_consent"]
    assert kinds(await send(client, one, [ride("t-1", citizen.subject)])) == ["issued"]
    assert kinds(await send(client, other, [ride("t-1", given.subject)])) == ["action_counted_already"], "the same ride"


async def test_a_scope_withdrawn_by_the_authority_ends_reports(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    async with transaction(database) as connection:
        await partners.withdraw_scope(connection, partner.officer, partner.id, METRO, datetime.now(UTC))
    (verdict,) = await send(client, partner, [ride("t-1", citizen.subject)], **{"Accept-Language": "en"})
    assert verdict["code"] == "scope_not_approved"
    assert verdict["detail"] == "The authority did not approve this partner to report this kind of act: 110000 metro"


async def test_two_feeds_of_the_same_lines_at_once_credit_each_act_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizens = [await consenting(database, config, partner) for _ in range(30)]
    lines = [
        ride(f"{n}-{turn}", each.subject, ago=(20 - 2 * turn) * HOUR, quantity=1_000)
        for turn in range(8)
        for n, each in enumerate(citizens)
    ] * 3
    one, other = await asyncio.gather(send(client, partner, lines), send(client, partner, list(reversed(lines))))
    assert {*kinds(one), *kinds(other)} <= {"issued", "duplicate"}
    assert Counter(kinds(one) + kinds(other))["issued"] == 240
    assert await database.fetchval("SELECT count(*) FROM transfers") == 240
    assert len(lines) > SET


async def test_beyond_two_feeds_at_once_a_process_says_when_to_come_again(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    lines = [ride("t-1", citizen.subject)]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("SELECT id FROM accounts WHERE id = $1 FOR UPDATE", citizen.member_id)
        waiting = [asyncio.create_task(send(client, partner, lines)) for _ in range(AT_ONCE)]
        while await database.fetchval("SELECT count(*) FROM partner_nonces") < AT_ONCE:  # noqa: ASYNC110 - committed elsewhere
            await asyncio.sleep(0.01)
        body = ndjson(lines)
        refused = await client.post(path_of(partner), content=body, headers=signed(partner, body))
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "feeds_busy", "5")
    assert sorted(kinds(each)[0] for each in await asyncio.gather(*waiting)) == ["duplicate", "issued"]
    assert kinds(await send(client, partner, lines)) == ["duplicate"], "and there is room again"


async def many_rides(database: asyncpg.Pool, config: Config, partner: Reporting, count: int) -> list[dict[str, Any]]:
    """Short rides, none at the same time of the same citizen."""
    citizens = [await consenting(database, config, partner) for _ in range(count // 200 + 1)]
    return [ride(f"t-{n}", citizens[n // 200].subject, ago=(n % 200 + 2) * HOUR, quantity=300) for n in range(count)]


async def test_when_the_database_goes_away_midway_the_rest_is_told_to_come_again(
    config: Config,
    database: asyncpg.Pool,
    folder: Any,  # noqa: F811
) -> None:
    partner = await make_partner(database, config)
    lines = await many_rides(database, config, partner, 2 * SET + 20)
    line = Line(config.database_url)
    async with line.open(folder), serving(through(config, folder)) as client:
        line.cut_before = id_of(partner.id, f"t-{SET}").bytes
        verdicts = await send(client, partner, lines)
        line.cut_before = b""
        assert [each["line"] for each in verdicts] == list(range(1, len(lines) + 1))
        assert kinds(verdicts) == ["issued"] * SET + ["not_ready"] * (SET + 20)
        assert kinds(await send(client, partner, lines)) == ["duplicate"] * SET + ["issued"] * (SET + 20)


async def test_who_stops_listening_ends_the_feed_after_the_set_in_hand(database: asyncpg.Pool, config: Config) -> None:
    partner = await make_partner(database, config)
    body = ndjson(await many_rides(database, config, partner, 6 * SET))
    feeds, spool = Feeds(database), Spool()
    signed_so = signed_by(partner, signed(partner, body))
    await spool.take(pieces(body), begin(config, signed_so))
    said = await feeds.start(spool, signed_so, "zh")
    assert (await anext(said)).count(b'"issued"') == SET
    await said.aclose()
    await ended(feeds)
    done = await database.fetchval("SELECT count(*) FROM actions")
    assert done % SET == 0, "whole sets"
    assert done < 6 * SET
    assert spool.closed


async def test_a_feed_that_nobody_takes_ends_when_patience_does(
    database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner_feed, "PATIENCE_S", 0.05)
    partner = await make_partner(database, config)
    body = ndjson([ride("t-1", uuid4())] * (6 * SET))
    feeds, spool = Feeds(database), Spool()
    signed_so = signed_by(partner, signed(partner, body))
    await spool.take(pieces(body), begin(config, signed_so))
    await feeds.start(spool, signed_so, "zh")
    await ended(feeds)
    assert spool.closed
    feeds.require_room()


async def test_when_a_process_ends_the_set_in_hand_is_finished_and_the_rest_is_told_to_come_again(
    database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    body = ndjson(await many_rides(database, config, partner, 6 * SET))
    feeds, spool = Feeds(database), Spool()
    signed_so = signed_by(partner, signed(partner, body))
    await spool.take(pieces(body), begin(config, signed_so))
    said = await feeds.start(spool, signed_so, "zh")
    answers = [await anext(said)]
    closing = asyncio.create_task(feeds.close())
    answers += [each async for each in said]
    await closing
    assert b"".join(answers).count(b"\n") == 6 * SET
    assert b"".join(answers).count(b'"not_ready"') == 6 * SET - await database.fetchval("SELECT count(*) FROM actions")


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body as it comes."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def ended(feeds: Feeds) -> None:
    """Return when no feed is under way."""
    async with asyncio.timeout(20):
        while feeds.under_way:  # noqa: ASYNC110 - its task is nobody's to wait for
            await asyncio.sleep(0.01)


def signed_by(partner: Reporting, headers: dict[str, str]) -> Signed:
    """What headers say."""
    return Signed(partner.id, partner.key, headers["Tanhui-Timestamp"], headers["Tanhui-Nonce"], "")
