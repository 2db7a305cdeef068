"""Tokens: how long they live, how they rotate, and what ends them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import jwt
import pytest
import time_machine

from service import sessions
from service.access import Role
from service.config import Config
from service.db import new_id, transaction
from tests.people import WANG, Headers, ask_code, bearer, key, rotate, sign_in_tokens

ROTATIONS = "/v1/sign-in/rotations"
NOW = "2026-11-21T09:00:00Z"


async def use(client: httpx.AsyncClient, token: str, headers: Headers | None = None) -> httpx.Response:
    """Use a refresh token, under a new key unless one is given."""
    return await client.post(ROTATIONS, json={"refresh_token": token}, headers=headers or key())


async def test_an_access_token_lives_fifteen_minutes(client: httpx.AsyncClient) -> None:
    with time_machine.travel(NOW) as clock:
        headers = bearer(await sign_in_tokens(client, WANG))
        clock.shift(14 * 60 + 59)
        assert (await client.get("/v1/me", headers=headers)).status_code == 200
        clock.shift(2)
        late = await client.get("/v1/me", headers=headers)
    assert (late.status_code, late.json()["code"]) == (401, "token_invalid")
    assert late.headers["www-authenticate"] == "Bearer"


async def test_each_refresh_token_opens_the_next_pair(client: httpx.AsyncClient) -> None:
    tokens = await sign_in_tokens(client, WANG)
    for _ in range(3):
        before, tokens = tokens, await rotate(client, tokens)
        assert before["refresh_token"] != tokens["refresh_token"]
        assert (await client.get("/v1/me", headers=bearer(tokens))).status_code == 200


async def test_reusing_a_refresh_token_ends_the_whole_session(client: httpx.AsyncClient) -> None:
    first = await sign_in_tokens(client, WANG)
    second = await rotate(client, first)
    stolen = await use(client, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "session_ended")
    owner = await use(client, second["refresh_token"])
    assert (owner.status_code, owner.json()["code"]) == (401, "session_ended")


async def test_a_repeated_rotation_gets_the_same_successor(client: httpx.AsyncClient) -> None:
    tokens, same = await sign_in_tokens(client, WANG), key()
    answers = [await use(client, tokens["refresh_token"], same) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    assert (await use(client, answers[0].json()["refresh_token"])).status_code == 201


async def test_two_rotations_of_one_token_at_once_do_not_both_succeed(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    await sign_in_tokens(client, WANG)
    session_id, now = await database.fetchval("SELECT id FROM sessions"), datetime.now(UTC)

    async def rotate_too() -> sessions.Session | None:
        async with transaction(database) as connection:
            return await sessions.advance(connection, session_id, 0, "thief", now)

    async with transaction(database) as connection:
        first = await sessions.advance(connection, session_id, 0, "owner", now)
        meanwhile = asyncio.create_task(rotate_too())
        await asyncio.sleep(0.1)
    assert first
    assert first.generation == 1
    assert await meanwhile is None
    assert await database.fetchval("SELECT ended_because FROM sessions") == "reused"


async def test_repeats_at_once_get_the_same_successor(client: httpx.AsyncClient) -> None:
    token, same = (await sign_in_tokens(client, WANG))["refresh_token"], key()
    answers = await asyncio.gather(*(use(client, token, same) for _ in range(4)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["refresh_token"] for each in answers}) == 1


async def test_a_session_ends_after_thirty_days_unused(client: httpx.AsyncClient) -> None:
    with time_machine.travel(NOW) as clock:
        tokens = await sign_in_tokens(client, WANG)
        clock.shift(timedelta(days=29))
        tokens = await rotate(client, tokens)
        clock.shift(timedelta(days=29))
        tokens = await rotate(client, tokens)
        clock.shift(timedelta(days=30, seconds=1))
        assert (await use(client, tokens["refresh_token"])).json()["code"] == "session_ended"


async def test_signing_out_ends_the_session_and_again_does_no_harm(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    tokens = await sign_in_tokens(client, WANG)
    body = {"refresh_token": tokens["refresh_token"]}
    for _ in range(2):
        assert (await client.post("/v1/sign-out", json=body, headers=key())).status_code == 204
    assert (await use(client, tokens["refresh_token"])).json()["code"] == "session_ended"
    assert await database.fetchval("SELECT ended_because FROM sessions") == "signed_out"


async def test_forged_refresh_tokens_are_refused_and_end_nothing(client: httpx.AsyncClient) -> None:
    token = (await sign_in_tokens(client, WANG))["refresh_token"]
    session, generation, mark = token.split(".")
    changed = "0" if mark[0] != "0" else "1"
    forgeries = [
        f"{session}.{int(generation) + 1}.{mark}",
        f"{session}.-1.{mark}",
        f"{session}.{generation}.{changed}{mark[1:]}",
        f"{session}.{generation}.{mark.upper()}" if mark.upper() != mark else f"{session}.{generation}.x",
        f"{session}. {generation}.{mark}",
        f"{session}.{generation}",
        f"{session}.{'9' * 100}.{mark}",
        f"{session}.{generation}.ü",
        f"{{{session}}}.{generation}.{mark}",
        "x",
        "...",
    ]
    for forged in forgeries:
        answer = await use(client, forged)
        assert answer.status_code == 401, forged
        assert answer.json()["code"] == "token_invalid", forged
    assert (await use(client, token)).status_code == 201


def signed(secret: bytes | None, algorithm: str = "HS256", **claims: object) -> str:
    """A token that we did not issue."""
    exp = datetime.now(UTC) + timedelta(minutes=5)
    return jwt.encode({"sub": "0" * 32, "roles": ["citizen"], "exp": exp, **claims}, secret, algorithm)


async def test_forged_access_tokens_are_refused(client: httpx.AsyncClient, config: Config) -> None:
    tokens = await sign_in_tokens(client, WANG)
    head, body, mark = tokens["access_token"].split(".")
    real = config.key("access token")
    forgeries = [
        f"{head}.{body}.{'A' if mark[0] != 'A' else 'B'}{mark[1:]}",  # the last character holds bits that say nothing
        f"{head}.{body}.",
        signed(b"another key of 32 bytes, or more"),
        signed(None, "none"),
        signed(real, exp=None),
        signed(real, sub="nobody"),
        signed(real, roles=["emperor"]),
        tokens["refresh_token"],
        "ü",
        "",
        "a.b.c",
    ]
    for forged in forgeries:
        header = {"Authorization": f"Bearer {forged}".encode("latin-1")}
        answer = await client.get("/v1/me", headers=header)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), forged


@pytest.mark.parametrize("header", ["Basic dGVzdDp0ZXN0", "Bearer", "", "token"])
async def test_a_header_that_carries_no_token_of_ours_is_refused_even_on_public_routes(
    client: httpx.AsyncClient, header: str
) -> None:
    answer = await client.post("/v1/sign-in/codes", json={"phone": WANG}, headers=key() | {"Authorization": header})
    assert answer.status_code == 401


async def test_a_browsers_cookie_is_not_a_refresh_token_and_the_other_way_round(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    tokens = await sign_in_tokens(client, WANG)
    now = datetime.now(UTC)
    async with transaction(database) as connection:
        member_id = await connection.fetchval("SELECT id FROM members")
        cookie = sessions.cookie_of(config, await sessions.open_session(connection, member_id, "browser", "k", now))
        seen = await sessions.read_browser_token(connection, config, cookie, "", now)
        other = await sessions.read_browser_token(connection, config, tokens["refresh_token"], "", now)
    assert seen.member_id == member_id
    assert other.member_id is None
    assert (await use(client, cookie)).json()["code"] == "session_ended"
    assert (await client.get("/v1/me", headers={"Cookie": f"tanhui_session={cookie}"})).status_code == 401


async def test_a_browsers_session_ends_when_signed_out_or_expired(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in_tokens(client, WANG)
    now = datetime.now(UTC)
    async with transaction(database) as connection:
        member_id = await connection.fetchval("SELECT id FROM members")
        cookie = sessions.cookie_of(config, await sessions.open_session(connection, member_id, "browser", "k", now))
        late = await sessions.read_browser_token(connection, config, cookie, "", now + timedelta(days=30))
        assert late.roles == {Role.PUBLIC}
        assert (await sessions.read_browser_token(connection, config, "forged", "", now)).member_id is None
        await sessions.sign_out(connection, config, cookie, now)
        assert (await sessions.read_browser_token(connection, config, cookie, "", now)).member_id is None


async def test_a_new_role_shows_at_the_next_rotation(client: httpx.AsyncClient) -> None:
    tokens = await sign_in_tokens(client, WANG)
    made = await client.post("/v1/organizations", json={"name": "碳惠会务"}, headers=bearer(tokens) | key())
    url = f"/v1/organizations/{made.json()['id']}/members"
    assert (await client.get(url, headers=bearer(tokens))).status_code == 403
    roles = (await client.get("/v1/me", headers=bearer(tokens))).json()["roles"]
    assert roles == ["citizen", "organizer", "owner", "viewer"]
    tokens = await rotate(client, tokens)
    assert (await client.get(url, headers=bearer(tokens))).status_code == 200


async def test_tokens_are_not_for_caches(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    answer = await client.post("/v1/sign-in/sessions", json={"phone": WANG, "code": code}, headers=key())
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_of_another_deployment_is_refused(client: httpx.AsyncClient, config: Config) -> None:
    forged = sessions.access_token(
        Config(database_url="", redis_url="", secret=b"other" * 8),
        new_id(),
        frozenset(Role),
        datetime.now(UTC),
    )
    assert (await client.get("/v1/me", headers={"Authorization": f"Bearer {forged}"})).status_code == 401
    unknown = sessions.access_token(config, new_id(), frozenset(Role), datetime.now(UTC))
    answer = await client.get("/v1/me", headers={"Authorization": f"Bearer {unknown}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
