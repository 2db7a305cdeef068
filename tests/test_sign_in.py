"""Signing in with a phone number and a one-time code."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
import time_machine

from service import members
from service.config import Config, ConfigError
from service.senders import LogSender, SendingFailed, find_sender
from tests.conftest import serving
from tests.people import ANNA, LI, WANG, ask_code, bearer, key, reading_codes, sign_in_tokens

CODES = "/v1/sign-in/codes"
SESSIONS = "/v1/sign-in/sessions"
NOW = "2026-11-21T09:00:00Z"


def other_than(code: str) -> str:
    """Six digits that are not the code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def full_width(digits: str) -> str:
    """As a Chinese keyboard may type them."""
    return digits.translate({ord("0") + each: 0xFF10 + each for each in range(10)})


async def test_the_first_sign_in_makes_a_member_with_an_account(client: httpx.AsyncClient) -> None:
    headers = bearer(await sign_in_tokens(client, WANG))
    me = (await client.get("/v1/me", headers=headers)).json()
    assert (me["phone_hint"], me["roles"], me["balance_g"]) == ("****0001", ["citizen"], 0)


async def test_one_number_is_one_member_however_it_is_typed(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    written = ["13800000001", "+86 138-0000-0001", "0086 13800000001", full_width(WANG)]
    async with database.acquire() as connection:
        found = {await members.member_by_phone(connection, config, each) for each in written}
        assert len(found) == 1
        assert await connection.fetchval("SELECT count(*) FROM accounts WHERE id = ANY ($1::uuid[])", list(found)) == 1


async def test_the_answer_and_the_work_are_the_same_for_known_and_unknown_numbers(
    client: httpx.AsyncClient, config: Config, database: asyncpg.Pool
) -> None:
    await sign_in_tokens(client, WANG)
    async with database.acquire() as connection:
        await connection.execute("DELETE FROM sign_in_sends")
        await connection.execute("DELETE FROM sign_in_codes")
    known, unknown = [await client.post(CODES, json={"phone": phone}, headers=key()) for phone in (WANG, "13800000099")]
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (202, {"expires_in_s": 300})
    assert dict(known.headers) == dict(unknown.headers)
    wrong = [
        await client.post(SESSIONS, json={"phone": phone, "code": "x"}, headers=key())
        for phone in (WANG, "13800000098")
    ]
    assert wrong[0].content == wrong[1].content


@pytest.mark.parametrize("phone", ["12345", "010-62345678", "hello", "+999 1234567", "\x00", "+" * 40])
async def test_a_number_that_cannot_receive_a_message_is_refused(client: httpx.AsyncClient, phone: str) -> None:
    answer = await client.post(CODES, json={"phone": phone}, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (400, "phone_invalid")


async def test_a_code_works_once(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    body = {"phone": WANG, "code": code}
    assert (await client.post(SESSIONS, json=body, headers=key())).status_code == 201
    again = await client.post(SESSIONS, json=body, headers=key())
    assert (again.status_code, again.json()["code"]) == (401, "code_wrong")


async def test_a_repeat_of_the_same_request_gets_tokens_of_the_same_session(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    code, same = await ask_code(client, WANG), key()
    first, repeat = [
        (await client.post(SESSIONS, json={"phone": WANG, "code": code}, headers=same)).json() for _ in range(2)
    ]
    assert first["refresh_token"] == repeat["refresh_token"]
    assert (await client.get("/v1/me", headers=bearer(repeat))).status_code == 200
    assert await database.fetchval("SELECT count(*) FROM sessions") == 1
    for body, headers in (({"phone": WANG, "code": other_than(code)}, same), ({"phone": WANG, "code": code}, key())):
        assert (await client.post(SESSIONS, json=body, headers=headers)).json()["code"] == "code_wrong"
    rotated = await client.post("/v1/sign-in/rotations", json={"refresh_token": first["refresh_token"]}, headers=key())
    assert rotated.status_code == 201
    late = await client.post(SESSIONS, json={"phone": WANG, "code": code}, headers=same)
    assert late.json()["code"] == "code_wrong", "the session has moved on"


async def test_two_verifications_at_once_open_one_session(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    code = await ask_code(client, WANG)
    body = {"phone": WANG, "code": code}
    answers = await asyncio.gather(*(client.post(SESSIONS, json=body, headers=key()) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401, 401]
    assert await database.fetchval("SELECT count(*) FROM sessions") == 1
    assert await database.fetchval("SELECT count(*) FROM members") == 1


async def test_first_sign_ins_of_one_number_at_once_make_one_member(database: asyncpg.Pool, config: Config) -> None:
    async def make() -> object:
        async with database.acquire() as connection, connection.transaction():
            return await members.member_by_phone(connection, config, LI)

    made = await asyncio.gather(*(make() for _ in range(5)))
    assert len(set(made)) == 1
    assert await database.fetchval("SELECT count(*) FROM accounts WHERE kind = 'member'") == 1


async def test_the_fifth_try_may_be_right(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    for _ in range(4):
        wrong = await client.post(SESSIONS, json={"phone": WANG, "code": other_than(code)}, headers=key())
        assert (wrong.status_code, wrong.json()["code"]) == (401, "code_wrong")
    right = await client.post(SESSIONS, json={"phone": WANG, "code": code}, headers=key())
    assert right.status_code == 201


async def test_after_five_wrong_tries_not_even_the_right_code_works(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    wrong = [
        (await client.post(SESSIONS, json={"phone": WANG, "code": other_than(code)}, headers=key())).json()["code"]
        for _ in range(5)
    ]
    assert wrong == ["code_wrong"] * 4 + ["code_used_up"]
    right = await client.post(SESSIONS, json={"phone": WANG, "code": code}, headers=key())
    assert (right.status_code, right.json()["code"]) == (401, "code_used_up")


async def test_guesses_made_at_once_are_counted_one_by_one(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    code = await ask_code(client, WANG)
    guesses = (client.post(SESSIONS, json={"phone": WANG, "code": other_than(code)}, headers=key()) for _ in range(20))
    codes = sorted(answer.json()["code"] for answer in await asyncio.gather(*guesses))
    assert codes == ["code_used_up"] * 16 + ["code_wrong"] * 4
    assert await database.fetchval("SELECT tries_left FROM sign_in_codes") == 0


async def test_a_code_lives_five_minutes(client: httpx.AsyncClient) -> None:
    with time_machine.travel(NOW) as clock:
        codes = {phone: await ask_code(client, phone) for phone in (WANG, LI)}
        clock.shift(299)
        in_time = await client.post(SESSIONS, json={"phone": WANG, "code": codes[WANG]}, headers=key())
        clock.shift(2)
        late = await client.post(SESSIONS, json={"phone": LI, "code": codes[LI]}, headers=key())
    assert in_time.status_code == 201
    assert (late.status_code, late.json()["code"]) == (401, "code_wrong")


async def test_a_new_code_replaces_the_one_before(client: httpx.AsyncClient) -> None:
    with time_machine.travel(NOW) as clock:
        first = await ask_code(client, WANG)
        clock.shift(61)
        second = await ask_code(client, WANG)
        old = await client.post(SESSIONS, json={"phone": WANG, "code": first}, headers=key())
        new = await client.post(SESSIONS, json={"phone": WANG, "code": second}, headers=key())
    assert first == second or old.json()["code"] == "code_wrong"
    assert new.status_code == 201


async def test_a_code_may_be_typed_in_full_width_digits_and_with_spaces(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    typed = f" {full_width(code[:3])} {full_width(code[3:])} "
    assert (await client.post(SESSIONS, json={"phone": WANG, "code": typed}, headers=key())).status_code == 201


async def test_another_numbers_code_opens_nothing(client: httpx.AsyncClient) -> None:
    code = await ask_code(client, WANG)
    await ask_code(client, LI)
    answer = await client.post(SESSIONS, json={"phone": LI, "code": code}, headers=key())
    assert answer.json()["code"] == "code_wrong"


async def test_a_number_gets_one_code_a_minute_and_five_an_hour(client: httpx.AsyncClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        for sent in range(1, 6):
            await ask_code(client, WANG)
            soon = await client.post(CODES, json={"phone": WANG}, headers=key())
            again_in_s = 60 if sent < 5 else 3600 - 4 * 61
            assert (soon.status_code, soon.headers["retry-after"]) == (429, str(again_in_s))
            clock.shift(61)
        sixth = await client.post(CODES, json={"phone": WANG}, headers=key())
        assert (sixth.status_code, sixth.headers["retry-after"]) == (429, str(3600 - 5 * 61))
        assert sixth.json()["retry_after_s"] == 3600 - 5 * 61
        clock.shift(3600 - 5 * 61)
        await ask_code(client, WANG)


async def test_requests_at_once_send_one_code(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    with reading_codes() as sent:
        answers = await asyncio.gather(*(client.post(CODES, json={"phone": WANG}, headers=key()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202] + [429] * 5
    assert len(sent) == 1
    assert await database.fetchval("SELECT count(*) FROM sign_in_sends") == 1


async def test_one_address_gets_so_many_codes_an_hour_whatever_the_numbers(config: Config) -> None:
    few = msgspec.structs.replace(config, code_sends_per_address_an_hour=3)
    async with serving(few) as client:
        numbers = [f"1380000010{each}" for each in range(8)]
        answers = await asyncio.gather(*(client.post(CODES, json={"phone": each}, headers=key()) for each in numbers))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 3590 <= int(refused.headers["retry-after"]) <= 3601


async def test_a_repeated_request_for_a_code_sends_nothing_again(client: httpx.AsyncClient) -> None:
    same = key()
    with reading_codes() as sent:
        answers = [await client.post(CODES, json={"phone": ANNA}, headers=same) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len(sent) == 1


class Broken:
    """A gateway that is down, then up."""

    def __init__(self) -> None:
        self.up = False

    async def send(self, phone: str, code: str) -> None:
        """Fail, or not."""
        if not self.up:
            raise SendingFailed


async def test_a_code_that_could_not_be_sent_is_said_so_and_forgotten(database: asyncpg.Pool, config: Config) -> None:
    now, same = datetime.now(UTC), str(uuid4())
    gateway = Broken()
    with pytest.raises(members.CodeNotSent):
        await members.request_code(database, config, gateway, WANG, "127.0.0.1", same, now)
    assert await database.fetchval("SELECT count(*) FROM sign_in_codes") == 0
    gateway.up = True
    later = now + timedelta(seconds=60)
    await members.request_code(database, config, gateway, WANG, "127.0.0.1", same, later)
    assert await database.fetchval("SELECT count(*) FROM sign_in_codes") == 1


async def test_neither_numbers_nor_codes_nor_tokens_are_stored(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    code = await ask_code(client, WANG)
    tokens = (await client.post(SESSIONS, json={"phone": WANG, "code": code}, headers=key())).json()
    stored = ""
    for table in ("members", "sign_in_codes", "sign_in_sends", "sessions", "idempotent_requests"):
        stored += str(await database.fetch(f"SELECT * FROM {table}"))
    for secret in (WANG, WANG[3:], code, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in stored


async def test_guessing_across_numbers_from_one_address_is_limited(config: Config) -> None:
    few = msgspec.structs.replace(config, sign_ins_per_address_a_minute=4)
    async with serving(few) as client:
        answers = [
            await client.post(SESSIONS, json={"phone": f"1380000020{each}", "code": "123456"}, headers=key())
            for each in range(5)
        ]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 15
    assert answers[-1].json()["code"] == "too_many"


async def test_a_post_without_an_idempotency_key_is_refused(client: httpx.AsyncClient) -> None:
    for path, body in ((CODES, {"phone": WANG}), (SESSIONS, {"phone": WANG, "code": "123456"})):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
        assert "Idempotency-Key" in answer.json()["detail"]


def test_without_a_sender_the_service_does_not_start(config: Config) -> None:
    assert isinstance(find_sender(config), LogSender)
    with pytest.raises(ConfigError, match="TANHUI_LOCAL"):
        find_sender(msgspec.structs.replace(config, local=False))


async def test_locally_the_code_goes_to_the_log(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "service.senders"):
        code = await ask_code(client, ANNA)
    assert f"+436601234567: {code}" in caplog.text
