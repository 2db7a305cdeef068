"""A POST repeated under its Idempotency-Key: answered as before, done once."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx
import pytest

from service.db import Connection
from service.errors import IdReused, NotNow, Refusal, TooMany
from service.idempotency import Answer, digest, once
from tests.people import HAN, LI, WANG, Headers, found_organization, key, sign_in

MINE = "/v1/organizations"
DONE = Answer(201, b"done", "text/plain")


async def found(client: httpx.AsyncClient, headers: Headers, name: str = "碳惠会务") -> httpx.Response:
    """Found an organization."""
    return await client.post(MINE, json={"name": name}, headers=headers)


async def test_a_repeat_gets_the_same_bytes_and_does_nothing_again(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    headers = await sign_in(client, WANG) | key()
    first, second = await found(client, headers), await found(client, headers)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers["content-type"] == second.headers["content-type"]
    assert await database.fetchval("SELECT count(*) FROM organizations") == 1


async def test_repeats_at_once_are_done_once(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    headers = await sign_in(client, WANG) | key()
    answers = await asyncio.gather(*(found(client, headers) for _ in range(8)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert await database.fetchval("SELECT count(*) FROM organizations") == 1


async def test_the_same_key_for_something_else_is_refused(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    headers = wang | key()
    await found(client, headers, "甲")
    other_name = await found(client, headers, "乙")
    body = {"phone": HAN, "role": "gate"}
    other_place = await client.post(f"{MINE}/{organization}/members", json=body, headers=headers)
    for answer in (other_name, other_place):
        assert (answer.status_code, answer.json()["code"]) == (409, "id_reused")


async def test_two_members_keys_never_meet(client: httpx.AsyncClient) -> None:
    wang, li, same = await sign_in(client, WANG), await sign_in(client, LI), key()
    first, second = await found(client, wang | same), await found(client, li | same)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_a_refusal_is_repeated_too_even_when_it_would_go_well_by_now(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    headers, url = wang | key(), f"{MINE}/{organization}/members"
    stepping_down = {"phone": WANG, "role": "gate"}
    refused = await client.post(url, json=stepping_down, headers=headers)
    assert refused.json()["code"] == "last_owner"
    await client.post(url, json={"phone": LI, "role": "owner"}, headers=wang | key())
    again = await client.post(url, json=stepping_down, headers=headers)
    assert (again.status_code, again.content) == (409, refused.content)
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 201, "键"])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, bad: str) -> None:
    headers = (await sign_in(client, WANG)) | {"Idempotency-Key": bad.encode()}
    answer = await found(client, headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


async def test_what_is_kept_of_a_request_tells_nothing_of_a_phone_number(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    wang, organization = await found_organization(client, WANG)
    url, body = f"{MINE}/{organization}/members", {"phone": HAN, "role": "gate"}
    await client.post(url, json=body, headers=wang | key())
    kept = [row["request_digest"] for row in await database.fetch("SELECT request_digest FROM idempotent_requests")]
    assert len(kept) == 2
    assert digest("POST", url, body) not in kept, "ten thousand million numbers are quickly tried"


def refuse(refusal: Refusal) -> Answer:
    """A refusal as an answer."""
    return Answer(refusal.status, refusal.code.encode(), "text/plain")


async def test_a_refusal_undoes_what_was_begun(database: asyncpg.Pool) -> None:
    async def half(connection: Connection) -> Answer:
        await connection.execute("INSERT INTO accounts (id, kind) VALUES (gen_random_uuid(), 'member')")
        raise NotNow

    for _ in range(2):
        answer = await once(database, "anonymous", "k", digest("a"), half, refuse)
        assert (answer.status, answer.body) == (422, b"not_now")
    assert await database.fetchval("SELECT count(*) FROM accounts WHERE kind = 'member'") == 0


async def test_come_back_later_is_not_kept(database: asyncpg.Pool) -> None:
    async def too_soon(_: Connection) -> Answer:
        raise TooMany(3)

    async def now(_: Connection) -> Answer:
        return DONE

    with pytest.raises(TooMany):
        await once(database, "anonymous", "k", digest("a"), too_soon, refuse)
    assert await once(database, "anonymous", "k", digest("a"), now, refuse) == DONE


async def test_after_a_fault_the_key_is_free(database: asyncpg.Pool) -> None:
    async def broken(_: Connection) -> Answer:
        raise ZeroDivisionError

    async def mended(_: Connection) -> Answer:
        return DONE

    with pytest.raises(ZeroDivisionError):
        await once(database, "anonymous", "k", digest("a"), broken, refuse)
    assert await once(database, "anonymous", "k", digest("a"), mended, refuse) == DONE
    with pytest.raises(IdReused):
        await once(database, "anonymous", "k", digest("b"), mended, refuse)


async def test_a_repeat_waits_for_the_request_that_is_under_way(database: asyncpg.Pool) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), 0

    async def slow(_: Connection) -> Answer:
        nonlocal done
        done += 1
        begun.set()
        await go_on.wait()
        return DONE

    first = asyncio.create_task(once(database, "anonymous", "k", digest("a"), slow, refuse))
    await begun.wait()
    second = asyncio.create_task(once(database, "anonymous", "k", digest("a"), slow, refuse))
    await asyncio.sleep(0.1)
    assert not second.done()
    go_on.set()
    assert await asyncio.gather(first, second) == [DONE, DONE]
    assert done == 1
