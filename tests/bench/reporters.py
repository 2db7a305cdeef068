"""Who reports in the bench: a partner with an approved scope and a key, and citizens who let it; what it sends."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from service import operators, organizations, partners
from service.access import Caller, Role
from service.config import Config
from service.consents import subject_of
from service.db import Connection, new_id, transaction
from service.members import member_by_phone
from service.partners import NewPartner, NewScope
from tests.bench.stand import Stand
from tests.bench.world import ORGANIZER, add_members

REGION = "110000"
ACTIONS = ("metro", "bus", "cycling")
QUANTITY_M = 6_000
DAYS = 25
"""Rides of a citizen lie on so many days, one a day before a second: caps are met by none of them."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ACTING = Caller(None, frozenset({Role.CITIZEN, Role.ORGANIZER, Role.AUTHORITY}))


class Reporter(msgspec.Struct, frozen=True):
    """A partner on a running stand. `since` is when its citizens let it report; `citizens` are its names for them."""

    stand: Stand
    partner_id: UUID
    key: int
    secret: bytes
    citizens: Sequence[UUID]
    since: datetime

    @property
    def path(self) -> str:
        """Where it reports."""
        return f"/v1/partners/{self.partner_id}/actions"


async def make_reporter(pool: asyncpg.Pool, stand: Stand, citizens: int) -> Reporter:
    """A new partner, approved to report what is reported here, of so many new citizens with old accounts."""
    now = datetime.now(UTC)
    since = now - (DAYS + 5) * DAY
    async with transaction(pool) as connection:
        member = await member_by_phone(connection, stand.config, ORGANIZER)
        await operators.appoint_authority(connection, stand.config, ORGANIZER, REGION)
        caller = msgspec.structs.replace(ACTING, member_id=member)
        made = await organizations.found(connection, member, organizations.NewOrganization("测量组"))
        partner = await partners.register(connection, caller, made.id, NewPartner("测量"))
        for each in ACTIONS:
            await partners.ask_scope(connection, caller, partner.id, NewScope(REGION, each), now)
            await partners.approve_scope(connection, caller, partner.id, NewScope(REGION, each), now)
        key = await partners.make_key(connection, caller, partner.id)
        members = await add_members(connection, citizens)
        subjects = await consent_all(connection, stand.config, partner.id, members, since)
    secret = partners.secret_of(stand.config, partner.id, key.number)
    return Reporter(stand, partner.id, key.number, secret, subjects, since)


async def consent_all(
    connection: Connection, config: Config, partner_id: UUID, members: Sequence[UUID], since: datetime
) -> list[UUID]:
    """Let the partner report all of it of all of them; its names for them."""
    subjects = [subject_of(config, partner_id, each) for each in members]
    for scene in ACTIONS:
        await connection.execute(
            """
            INSERT INTO consents (id, partner_id, member_id, scene, subject, given_at)
            SELECT id, $4, member_id, $5, subject, $6
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS given (id, member_id, subject)
            """,
            [new_id() for _ in members],
            members,
            subjects,
            partner_id,
            scene,
            since,
        )
    return subjects


def rides(reporter: Reporter, first: int = 0) -> Iterator[bytes]:
    """Rides of the citizens in turns, without end, from one of a number on: no two of them are the same."""
    citizens = len(reporter.citizens)
    for number in itertools.count(first):
        turn = number // citizens
        began = reporter.since + DAY * (1 + turn % DAYS) + HOUR / 2 * (turn // DAYS)
        yield msgspec.json.encode(
            {
                "external_id": f"ride-{number}",
                "subject": reporter.citizens[number % citizens],
                "action": ACTIONS[number % len(ACTIONS)],
                "region": REGION,
                "quantity": QUANTITY_M,
                "started_at": began,
                "ended_at": began + HOUR / 3,
            }
        )


def headers_of(reporter: Reporter, body: bytes) -> dict[str, str]:
    """The signature of a body, sent now."""
    timestamp, nonce = str(int(datetime.now(UTC).timestamp())), secrets.token_urlsafe(16)
    digest = hmac.digest(reporter.secret, f"{timestamp}\n{nonce}\n".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/x-ndjson",
        "Tanhui-Key": str(reporter.key),
        "Tanhui-Timestamp": timestamp,
        "Tanhui-Nonce": nonce,
        "Tanhui-Signature": digest.hex(),
    }
