"""Bad input: each is refused with a problem document in both languages, and nothing is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from tests.people import HAN, LI, WANG, add_gate_keeper, found_organization, key, sign_in

CODES = "/v1/sign-in/codes"
MINE = "/v1/organizations"
JSON = {"Content-Type": "application/json"}


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is a problem document, whole, in the language asked for; the document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code), document
    assert document["type"] == f"/problems/{code}"
    assert document["texts"].keys() == {"zh", "en"}
    assert document["texts"]["zh"] != document["texts"]["en"]
    assert document["detail"] == document["texts"][answer.headers["content-language"]]
    return document


@pytest.fixture
async def quiet(client: httpx.AsyncClient, database: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose requests are to do nothing at all."""
    yield client
    for table in ("members", "sign_in_codes", "sign_in_sends", "sessions", "organizations", "idempotent_requests"):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"not json",
        b'{"phone": }',
        b'{"phone": "13800000001",}',
        b"\xff\xfe\x00",
        b'{"phone": "\xff"}',
        b'{"phone": "\\ud800"}',
        b'{"phone": NaN}',
        b'{"phone": 1e300000}',
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"13800000001"',
        b"{}",
        b'{"phone": null}',
        b'{"phone": 13800000001}',
        b'{"phone": ["13800000001"]}',
        b'{"phone": ""}',
        b'{"phone": "' + b"1" * 41 + b'"}',
        b'{"phone": "13800000001", "admin": true}',
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(quiet: httpx.AsyncClient, content: bytes) -> None:
    answer = await quiet.post(CODES, content=content, headers=JSON | key())
    document = check_problem(answer, 400, "bad_input")
    assert document["values"]["reason"]


async def test_a_body_too_large_is_refused_told_or_not(quiet: httpx.AsyncClient) -> None:
    large = b'{"phone": "' + b"1" * 1_000_001 + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    check_problem(await quiet.post(CODES, content=large, headers=JSON | key()), 413, "too_large")
    check_problem(await quiet.post(CODES, content=in_pieces(), headers=JSON | key()), 413, "too_large")


async def test_an_address_that_is_none_and_a_method_that_is_none_are_refused(quiet: httpx.AsyncClient) -> None:
    check_problem(await quiet.get("/v1/nothing"), 404, "not_found")
    check_problem(await quiet.get("/v1/organizations/not-an-id/members"), 404, "not_found")
    check_problem(await quiet.delete("/v1/me"), 405, "method_not_allowed")
    check_problem(await quiet.get(CODES), 405, "method_not_allowed")


async def test_asking_what_a_route_allows_is_no_fault(quiet: httpx.AsyncClient) -> None:
    answer = await quiet.options("/v1/me")
    assert answer.status_code < 500


@pytest.mark.parametrize(("language", "detail"), [("en", "Please sign in first."), ("zh-CN", "请先登录。")])
async def test_a_refusal_is_said_in_the_callers_language(quiet: httpx.AsyncClient, language: str, detail: str) -> None:
    answer = await quiet.get("/v1/me", headers={"Accept-Language": language})
    assert check_problem(answer, 401, "not_signed_in")["detail"] == detail


async def test_a_token_of_the_wrong_role_is_refused_and_nothing_done(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    wang, organization = await found_organization(client, WANG)
    han = await add_gate_keeper(client, wang, organization, HAN)
    li = await sign_in(client, LI)
    for headers in (han, li):
        body = {"phone": LI, "role": "editor"}
        answer = await client.post(f"{MINE}/{organization}/members", json=body, headers=headers | key())
        check_problem(answer, 403, "not_allowed")
    assert await database.fetchval("SELECT count(*) FROM organization_members") == 2


@pytest.mark.parametrize("path", ["/v1/sign-in/rotations", "/v1/sign-out"])
@pytest.mark.parametrize("token", ["x", "a.b.c", "0.0.0", "\u0000", "é.1.2", "9" * 200])
async def test_a_token_that_is_none_is_refused(quiet: httpx.AsyncClient, path: str, token: str) -> None:
    answer = await quiet.post(path, json={"refresh_token": token}, headers=key())
    check_problem(answer, 401, "token_invalid")


async def test_a_body_that_breaks_off_is_no_fault_of_ours(quiet: httpx.AsyncClient) -> None:
    said = [{"type": "http.request", "body": b'{"pho', "more_body": True}, {"type": "http.disconnect"}]
    answered: list[dict[str, Any]] = []

    async def hear() -> dict[str, Any]:
        return said.pop(0)

    async def answer(message: dict[str, Any]) -> None:
        answered.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": CODES}
    scope |= {"raw_path": CODES.encode(), "query_string": b"", "root_path": "", "scheme": "http"}
    scope |= {"client": ("127.0.0.1", 1), "server": ("testserver.local", 80)}
    scope |= {
        "headers": [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in key().items())]
    }
    transport = quiet._transport
    assert isinstance(transport, httpx.ASGITransport)
    await transport.app(scope, hear, answer)
    assert answered[0]["status"] == 400
