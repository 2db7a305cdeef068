"""Signed bodies: nothing is done before the signature over all of it is checked, and a replay does nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import partner_feed, partners, spools
from service.api import partner_actions
from service.config import Config
from service.db import new_id, transaction
from service.partner_feed import MOST_LINES
from service.partner_reports import LONGEST_LINE
from service.partner_signatures import NONCES_KEPT, REPLAY_WINDOW, Signed, begin, forget_nonces, require_genuine
from service.spools import Spool
from tests.partnering import Reporting, consenting, make_partner, ndjson, path_of, ride, signed, verdicts_of
from tests.test_bad_input import check_problem

SECRET = Config(database_url="", redis_url="", secret=b"test" * 8)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def partner(database: asyncpg.Pool, config: Config) -> Reporting:
    """A partner with a key."""
    return await make_partner(database, config)


@pytest.fixture
async def body(database: asyncpg.Pool, config: Config, partner: Reporting) -> AsyncIterator[bytes]:
    """One act to be reported. Whatever the test, the spools are gone after it."""
    made: list[Spool] = []
    first = Spool.__init__

    def note(spool: Spool) -> None:
        first(spool)
        made.append(spool)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spool, "__init__", note)
        yield ndjson([ride("t-1", (await consenting(database, config, partner)).subject)])
    assert all(each.closed for each in made)


async def told(client: httpx.AsyncClient, partner: Reporting, body: Any, headers: dict[str, str]) -> httpx.Response:
    """Send a body with these headers."""
    return await client.post(path_of(partner), content=body, headers=headers)


async def nothing_done(database: asyncpg.Pool) -> bool:
    """Whether no act and no nonce is there."""
    counted = "SELECT (SELECT count(*) FROM actions) + (SELECT count(*) FROM partner_nonces)"
    return bool(await database.fetchval(counted) == 0)


async def test_a_signature_of_another_body_key_nonce_or_time_is_wrong(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes
) -> None:
    good = signed(partner, body)
    for wrong in (
        signed(partner, body + b" "),
        signed(partner._replace(secret=b"x" * 32), body),
        good | {"Tanhui-Nonce": "0123456789abcdef"},
        good | {"Tanhui-Timestamp": str(int(good["Tanhui-Timestamp"]) - 1)},
        good | {"Tanhui-Signature": "0" * 64},
    ):
        check_problem(await told(client, partner, body, wrong), 401, "signature_wrong")
    assert await nothing_done(database)
    assert verdicts_of(await told(client, partner, body, good))[0]["verdict"] == "issued"


async def test_a_request_is_believed_within_the_window_only(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes
) -> None:
    now = datetime.now(UTC)
    for at in (now - REPLAY_WINDOW - MINUTE / 6, now + REPLAY_WINDOW + MINUTE / 6, datetime(1970, 1, 2, tzinfo=UTC)):
        check_problem(await told(client, partner, body, signed(partner, body, at=at)), 401, "timestamp_off")
    assert await nothing_done(database)
    for at in (now - REPLAY_WINDOW + MINUTE, now + REPLAY_WINDOW - MINUTE):
        assert (await told(client, partner, body, signed(partner, body, at=at))).status_code == 200


async def test_a_replay_is_refused_also_while_the_first_is_under_way(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes
) -> None:
    headers = signed(partner, body)
    answers = await asyncio.gather(*(told(client, partner, body, headers) for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [200, 409]
    check_problem(await told(client, partner, body, headers), 409, "nonce_used")
    assert await database.fetchval("SELECT count(*) FROM actions") == 1


async def test_nonces_are_forgotten_when_nobody_believes_their_time_any_more(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes
) -> None:
    assert NONCES_KEPT > 2 * REPLAY_WINDOW
    await told(client, partner, body, signed(partner, body))
    now = datetime.now(UTC)
    for later, left in ((NONCES_KEPT - MINUTE, 1), (NONCES_KEPT + MINUTE, 0)):
        async with transaction(database) as connection:
            await forget_nonces(connection, now + later)
        assert await database.fetchval("SELECT count(*) FROM partner_nonces") == left


async def test_two_keys_sign_and_a_revoked_one_does_not(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting, body: bytes
) -> None:
    async with transaction(database) as connection:
        second = await partners.make_key(connection, partner.organizer, partner.id)
    other = partner._replace(key=second.number, secret=partners.secret_of(config, partner.id, second.number))
    for each in (partner, other):
        assert (await told(client, each, body, signed(each, body))).status_code == 200
    async with transaction(database) as connection:
        await partners.revoke_key(connection, partner.organizer, partner.id, partner.key, datetime.now(UTC))
    check_problem(await told(client, partner, body, signed(partner, body)), 401, "key_unknown")
    assert (await told(client, other, body, signed(other, body))).status_code == 200


async def test_keys_that_are_none_are_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting, body: bytes
) -> None:
    nobody = partner._replace(id=new_id())
    other = await make_partner(database, config)
    check_problem(await told(client, partner, body, signed(partner, body, key=9)), 401, "key_unknown")
    check_problem(await told(client, nobody, body, signed(nobody, body)), 401, "key_unknown")
    check_problem(await told(client, other, body, signed(partner, body)), 401, "signature_wrong")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Tanhui-Key", "0"),
        ("Tanhui-Key", "one"),
        ("Tanhui-Key", "99999999999999999999"),
        ("Tanhui-Timestamp", "soon"),
        ("Tanhui-Timestamp", "-1"),
        ("Tanhui-Timestamp", "1e9"),
        ("Tanhui-Timestamp", "+1795000000"),
        ("Tanhui-Timestamp", "\u0661\u0667"),
        ("Tanhui-Nonce", "short"),
        ("Tanhui-Nonce", "x" * 65),
        ("Tanhui-Nonce", "0123456789abcde\u00e9"),
        ("Tanhui-Signature", "0" * 63),
        ("Tanhui-Signature", "g" * 64),
        ("Tanhui-Key", None),
        ("Tanhui-Timestamp", None),
        ("Tanhui-Nonce", None),
        ("Tanhui-Signature", None),
    ],
)
async def test_headers_that_cannot_be_read_are_refused(
    client: httpx.AsyncClient, partner: Reporting, body: bytes, header: str, value: str | None
) -> None:
    headers: dict[str, Any] = {**signed(partner, body), header: value and value.encode()}
    check_problem(await told(client, partner, body, {k: v for k, v in headers.items() if v}), 400, "bad_input")


async def test_a_body_too_large_too_many_lines_and_none_are_each_answered_as_such(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = b"{}\n" * (MOST_LINES + 1)
    check_problem(await told(client, partner, many, signed(partner, many)), 400, "too_many_lines")
    assert await nothing_done(database), "a body that is refused may come again with its nonce"
    announced = signed(partner, body) | {"Content-Length": str(partner_actions.MOST_BYTES + 1)}
    check_problem(await told(client, partner, body, announced), 413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(partner_actions.MOST_BYTES // 2**20 + 1):
            yield b" " * 2**20

    check_problem(await told(client, partner, endless(), signed(partner, b"")), 413, "too_large")
    assert (await told(client, partner, b"", signed(partner, b""))).content == b""


async def test_a_body_that_does_not_come_is_given_up(
    client: httpx.AsyncClient, database: asyncpg.Pool, partner: Reporting, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner_actions, "UPLOAD_S", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield body
        await asyncio.sleep(5)
        yield b"\n"

    check_problem(await told(client, partner, slow(), signed(partner, body)), 400, "bad_input")
    assert await nothing_done(database)


def lines_by_hand(body: bytes) -> list[bytes | None]:
    """What lines there are, said simply."""
    lines = body.split(b"\n")
    return [None if len(each) > LONGEST_LINE else each for each in (lines if lines[-1] else lines[:-1])]


BODIES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.integers(LONGEST_LINE - 2, LONGEST_LINE + 2).map(lambda size: b"x" * size),
        st.just(b"y" * 70_000),
    ),
    max_size=12,
).map(b"\n".join)


@settings(deadline=None, max_examples=60)
@given(body=BODIES, cuts=st.lists(st.integers(1, 50_000), max_size=20), read=st.sampled_from([1, 7, 64, 4_096, 2**18]))
async def test_a_spool_gives_back_the_lines_and_the_digest_of_what_came(
    body: bytes, cuts: list[int], read: int
) -> None:
    if read < 64:
        body = body[:5_000]

    async def pieces() -> AsyncIterator[bytes]:
        rest = body
        for cut in cuts:
            yield rest[:cut]
            rest = rest[cut:]
        yield rest

    asked = Signed(new_id(), 1, "1795000000", "0123456789abcdef", "")
    with Spool() as spool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spools, "PIECE", 10_000)
        patch.setattr(spools, "READ", read)
        digest = begin(SECRET, asked)
        await spool.take(pieces(), digest)
        assert list(spool.lines(LONGEST_LINE)) == lines_by_hand(body)
        assert spool.count() == len(lines_by_hand(body))
    secret = partners.secret_of(SECRET, asked.partner_id, 1)
    plain = hmac.digest(secret, b"1795000000\n0123456789abcdef\n" + body, hashlib.sha256).hex()
    require_genuine(asked._replace(signature=plain.upper()), digest)


def test_policies_are_named() -> None:
    assert (partner_feed.AT_ONCE, partner_feed.MOST_LINES, REPLAY_WINDOW) == (2, 10_000, 5 * MINUTE)
