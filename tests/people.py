"""A small named cast, and how they sign in: as people do, with the code that was sent (here, to the log)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import asyncpg
import httpx

from scenarios.meeting.rule_terms import OfficeKey
from service import operators
from service.config import Config

WANG = "13800000001"  # 王芳, organizes
LI = "13800000002"  # 李雷, attends
HAN = "13800000003"  # 韩梅梅, stands at the gate
ZHAO = "13800000004"  # 赵局, of a competent authority
ANNA = "+43 660 1234567"  # from Vienna, attends

Headers = dict[str, str]


class Codes(logging.Handler):
    """The codes that were sent, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the code that a line of the log holds."""
        self.sent += re.findall(r": (\d{6})$", record.getMessage())


@contextmanager
def reading_codes() -> Iterator[list[str]]:
    """Codes sent within the block."""
    codes = Codes()
    log = logging.getLogger("service.senders")
    log.addHandler(codes)
    try:
        yield codes.sent
    finally:
        log.removeHandler(codes)


def key() -> Headers:
    """A new Idempotency-Key."""
    return {"Idempotency-Key": str(uuid4())}


async def ask_code(client: httpx.AsyncClient, phone: str) -> str:
    """Ask for a code and read it where it was sent."""
    with reading_codes() as sent:
        answer = await client.post("/v1/sign-in/codes", json={"phone": phone}, headers=key())
    assert answer.status_code == 202, answer.text
    return sent[-1]


async def sign_in_tokens(client: httpx.AsyncClient, phone: str) -> dict[str, str]:
    """Sign in; the pair of tokens."""
    code = await ask_code(client, phone)
    answer = await client.post("/v1/sign-in/sessions", json={"phone": phone, "code": code}, headers=key())
    assert answer.status_code == 201, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


async def sign_in(client: httpx.AsyncClient, phone: str) -> Headers:
    """Sign in; the header that says who calls. Once a minute for a number: keep what it returns."""
    return bearer(await sign_in_tokens(client, phone))


def bearer(tokens: dict[str, str]) -> Headers:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def rotate(client: httpx.AsyncClient, tokens: dict[str, str]) -> dict[str, str]:
    """The next pair of tokens, with the roles that the member has by now."""
    body = {"refresh_token": tokens["refresh_token"]}
    answer = await client.post("/v1/sign-in/rotations", json=body, headers=key())
    assert answer.status_code == 201, answer.text
    rotated: dict[str, str] = answer.json()
    return rotated


async def found_organization(client: httpx.AsyncClient, phone: str, name: str = "碳惠会务") -> tuple[Headers, UUID]:
    """Sign in and found an organization: its organizer's header, and its id."""
    tokens = await sign_in_tokens(client, phone)
    answer = await client.post("/v1/organizations", json={"name": name}, headers=bearer(tokens) | key())
    assert answer.status_code == 201, answer.text
    return bearer(await rotate(client, tokens)), UUID(answer.json()["id"])


async def add_gate_keeper(client: httpx.AsyncClient, organizer: Headers, organization_id: UUID, phone: str) -> Headers:
    """Put someone at the gates of an organization's events, and sign them in."""
    body = {"phone": phone, "role": "gate"}
    url = f"/v1/organizations/{organization_id}/members"
    answer = await client.post(url, json=body, headers=organizer | key())
    assert answer.status_code == 201, answer.text
    return await sign_in(client, phone)


async def appoint(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, phone: str, region: str, *offices: OfficeKey
) -> Headers:
    """Make someone an officer of a region's authority, with these offices, and sign them in."""
    async with database.acquire() as connection:
        await operators.appoint_authority(connection, config, phone, region, offices)
    return await sign_in(client, phone)
