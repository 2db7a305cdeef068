"""A partner that may report, citizens who let it, and what it sends."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx
import msgspec

from service import consents, organizations, partners
from service.access import Caller, Role
from service.config import Config
from service.consents import NewConsents
from service.db import new_id, transaction
from service.partners import NewPartner, NewScope
from tests.books import open_member

METRO = NewScope("110000", "metro")
CYCLING = NewScope("110000", "cycling")
HOUR = timedelta(hours=1)


class Reporting(NamedTuple):
    """A partner with a key, and its organizer and authority."""

    id: UUID
    key: int
    secret: bytes
    organizer: Caller
    officer: Caller


class Citizen(NamedTuple):
    """Someone who let a partner report, by the partner's name for them."""

    member_id: UUID
    subject: UUID


async def make_partner(
    database: asyncpg.Pool,
    config: Config,
    *scopes: NewScope,
    name: str = "京城地铁",
    return_url: str | None = None,
) -> Reporting:
    """A partner with approved scopes (the metro, for none named) and one key."""
    now = datetime.now(UTC) - 30 * 24 * HOUR
    async with transaction(database) as connection:
        organizer = Caller(await open_member(connection), frozenset({Role.CITIZEN, Role.ORGANIZER}))
        officer = Caller(await open_member(connection), frozenset({Role.CITIZEN, Role.AUTHORITY}))
        made = await organizations.found(connection, organizer.member, organizations.NewOrganization("京城轨道公司"))
        partner = await partners.register(connection, organizer, made.id, NewPartner(name, return_url))
        for each in scopes or (METRO,):
            await connection.execute(
                "INSERT INTO authority_members (member_id, region) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                officer.member,
                each.region,
            )
            await partners.ask_scope(connection, organizer, partner.id, each, now)
            await partners.approve_scope(connection, officer, partner.id, each, now)
        key = await partners.make_key(connection, organizer, partner.id)
    return Reporting(partner.id, key.number, partners.secret_of(config, partner.id, key.number), organizer, officer)


async def consenting(
    database: asyncpg.Pool, config: Config, partner: Reporting, *scenes: str, at: datetime | None = None
) -> Citizen:
    """A new member who lets a partner report these scenes (the metro, for none named), for ten days by now."""
    at = at or datetime.now(UTC) - 240 * HOUR
    async with transaction(database) as connection:
        member_id = new_id()
        await connection.execute(
            "INSERT INTO members (id, phone_digest, phone_hint) VALUES ($1, sha256($2), '138****0000')",
            member_id,
            member_id.bytes,
        )
        await connection.execute(
            "INSERT INTO accounts (id, kind, opened_at) VALUES ($1, 'member', $2)", member_id, at - 60 * 24 * HOUR
        )
        new = NewConsents(partner.id, list(scenes) or ["metro"])
        given = await consents.give(connection, config, member_id, new, at)
    return Citizen(member_id, given.subject)


def ride(external_id: str, subject: UUID, *, ago: timedelta = 5 * HOUR, **values: Any) -> dict[str, Any]:
    """A ride of ten kilometres in half an hour, as a partner reports it."""
    began = (datetime.now(UTC) - ago).replace(microsecond=0)
    return {
        "external_id": external_id,
        "subject": str(subject),
        "action": "metro",
        "region": "110000",
        "quantity": 10_000,
        "started_at": began.isoformat(),
        "ended_at": (began + HOUR / 2).isoformat(),
        **values,
    }


def ndjson(lines: Iterable[dict[str, Any] | bytes]) -> bytes:
    """Lines as a body; bytes as they are."""
    return b"\n".join(each if isinstance(each, bytes) else msgspec.json.encode(each) for each in lines)


def signed(
    partner: Reporting, body: bytes, *, at: datetime | None = None, nonce: str | None = None, key: int | None = None
) -> dict[str, str]:
    """The headers of a body, as a partner makes them."""
    timestamp, nonce = str(int((at or datetime.now(UTC)).timestamp())), nonce or secrets.token_urlsafe(16)
    mark = hmac.digest(partner.secret, f"{timestamp}\n{nonce}\n".encode() + body, hashlib.sha256)
    return {
        "Tanhui-Key": str(key or partner.key),
        "Tanhui-Timestamp": timestamp,
        "Tanhui-Nonce": nonce,
        "Tanhui-Signature": mark.hex(),
    }


def path_of(partner: Reporting) -> str:
    """Where a partner reports."""
    return f"/v1/partners/{partner.id}/actions"


async def send(
    client: httpx.AsyncClient, partner: Reporting, lines: Sequence[dict[str, Any] | bytes], **headers: str
) -> list[dict[str, Any]]:
    """Report lines; the verdicts."""
    body = ndjson(lines)
    answer = await client.post(path_of(partner), content=body, headers=signed(partner, body) | headers)
    assert answer.status_code == 200, answer.text
    return verdicts_of(answer)


def verdicts_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The verdicts of an answer, a line each."""
    return [msgspec.json.decode(each) for each in answer.content.splitlines()]
