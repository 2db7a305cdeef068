"""The export holds everything that is kept, and a table added later without a word about it fails here."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import exports, personal_data, reservations, retirements
from service.access import roles_as
from service.attendees import Attendee
from service.config import Config
from service.db import new_id, transaction
from service.donations import DonationRequest, donate_many
from service.retirements import NewRetirement
from tests.books import rich_member
from tests.doors import come_in, coming, open_event
from tests.people import LI, WANG, bearer, sign_in_tokens
from tests.test_carbon_account import TODAY, did
from tests.test_erasures import tracked

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
COLUMNS = {
    "member_id",
    "attendee",
    "account_id",
    "source",
    "destination",
    "credited_to",
    "caller",
    "phone_digest",
}
"""Columns that lead to a person, also where no foreign key says so."""
NOBODYS: dict[str, str] = {
    "personal_codes": "codes on badges of an event: nobody knows who wears which",
    "reservation_endings": "of a reservation, with which it is exported",
    "open_reservations": "of a reservation, with which it is exported",
    "action_evidence": "of an action, with which it is exported",
}
"""Tables with such a column that lead to nobody, or only by way of another table, and why."""


async def export_of(pool: asyncpg.Pool, config: Config, member_id: UUID) -> zipfile.ZipFile:
    pieces = await exports.stream(pool, config, member_id, "zh", NOW)
    return zipfile.ZipFile(io.BytesIO(b"".join([each async for each in pieces])))


def read(bundle: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bundle.read(name))
    return found


async def test_every_table_that_leads_to_a_person_is_said_to_be_kept(database: asyncpg.Pool) -> None:
    """Foreign keys to members or their accounts, and columns that are known to hold either."""
    rows = await database.fetch(
        """
        SELECT DISTINCT table_name FROM information_schema.columns JOIN information_schema.tables
            USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name = ANY ($1)
        UNION
        SELECT conrelid::regclass::text FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('members'::regclass, 'accounts'::regclass)
        """,
        list(COLUMNS),
    )
    leading = {row["table_name"] for row in rows}
    said = {table for each in personal_data.EVERYTHING for table in each.tables}
    assert leading >= {"actions", "check_ins", "consents", "member_devices", "transfers", "idempotent_requests"}
    assert sorted(leading - said - NOBODYS.keys()) == [], "say in service/personal_data.py what is kept there, and why"
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert sorted(said - {row["tablename"] for row in tables}) == [], "no such tables"


def test_every_file_that_is_promised_is_exported_and_every_other_too() -> None:
    promised = {name for each in personal_data.EVERYTHING for name in each.files}
    assert promised == {*exports.SUBJECTS, "statement.csv", "evidence/"}
    assert all(each.files for each in personal_data.EVERYTHING)


async def test_what_is_kept_about_a_member_is_in_the_export(database: asyncpg.Pool, config: Config) -> None:
    bundle = await export_of(database, config, await tracked(database))
    assert bundle.testzip() is None
    held, act = sorted(read(bundle, "actions.json"), key=lambda each: each["action"] != "walking")
    assert (held["state"], held["held_because"], held["family"]) == ("in_review", "far", "travel")
    assert held["started_at"].startswith("2026-11-21T01:00")
    assert act["appeal"]["because"] == "我真的走了"
    photos = read(bundle, "photos.json")
    assert held["photos"] == [each["digest"] for each in photos if each["action_id"]]
    assert {bundle.read(f"evidence/{each['digest']}.png") for each in photos} == {b"own", b"attached", b"shared"}
    assert [each["scene"] for each in read(bundle, "consents.json")] == ["metro"]
    assert len(read(bundle, "sessions.json")) == len(read(bundle, "devices.json")) == 1
    assert [each["key"] for each in read(bundle, "requests.json")] == ["k"]
    offices = {each["what"] for each in read(bundle, "offices.json")}
    assert offices == {"acts for the organization", "acts for the authority", "founded the organization"}
    profile, roles = read(bundle, "profile.json")
    assert (profile["phone_hint"], set(roles["roles"])) == ("138****0000", {"authority", *roles_as("owner"), "citizen"})


async def test_what_went_through_the_books_is_in_the_export(database: asyncpg.Pool, config: Config) -> None:
    member, event, retirement = await rich_member(database, 5_000), await open_event(database), new_id()
    await come_in(database, config, coming(event, Attendee("member", member)))
    async with transaction(database) as connection:
        await donate_many(connection, [DonationRequest(new_id(), member, event.id, 100)])
        await donate_many(connection, [DonationRequest(new_id(), member, event.id, 10**9)])
        lapses_at = datetime.now(UTC) + timedelta(days=1)
        await reservations.reserve(connection, new_id(), member, event.id, 300, lapses_at)
        new = NewRetirement(grams=200, beneficiary="王小芳", purpose="婚礼")
        await retirements.retire_own(connection, retirement, member, new)
    bundle = await export_of(database, config, member)
    assert [each["event"] for each in read(bundle, "check_ins.json")] == ["零碳会议"]
    assert read(bundle, "check_ins.json")[0]["trip"]["legs"][0]["mode"] == "metro"
    assert [each["refusal"] for each in read(bundle, "donations.json")] == [None, "overdraft"]
    assert [each["grams"] for each in read(bundle, "reservations.json")] == [300]
    (certificate,) = read(bundle, "retirements.json")
    assert (certificate["beneficiary"], certificate["retirement_id"]) == ("王小芳", str(retirement))
    assert read(bundle, "balance.json")[0]["reserved_g"] == 300
    lines = list(csv.reader(io.StringIO(bundle.read("statement.csv").decode("utf-8-sig"))))
    assert len(lines) == 1 + 5, "a heading, two issuances, a gift, a reservation, a retirement"


async def test_nothing_of_anybody_elses_is_in_it(database: asyncpg.Pool, config: Config) -> None:
    other = await tracked(database)
    bundle = await export_of(database, config, await rich_member(database, 5))
    empty = {name for name in exports.SUBJECTS if not read(bundle, name)}
    assert exports.SUBJECTS.keys() - empty == {"profile.json", "balance.json"}
    assert not [name for name in bundle.namelist() if name.startswith("evidence/")]
    assert str(other).encode() not in b"".join(bundle.read(name) for name in bundle.namelist())


async def test_no_secret_is_in_it(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    tokens = await sign_in_tokens(client, LI)
    answer = await client.get("/v1/me/export", headers=bearer(tokens))
    assert answer.headers["content-type"] == "application/zip"
    bundle = zipfile.ZipFile(io.BytesIO(answer.content))
    everything = b"".join(bundle.read(name) for name in bundle.namelist())
    digest = await database.fetchval("SELECT encode(phone_digest, 'hex') FROM members")
    session = await database.fetchval("SELECT id FROM sessions")
    for secret in (LI, digest, str(session), session.hex, tokens["refresh_token"]):
        assert secret.encode() not in everything


async def test_only_the_member_gets_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/me/export")).status_code == 401
    await sign_in_tokens(client, WANG)
    assert (await client.get("/me/export")).status_code in (302, 303)


async def test_twenty_thousand_acts_stream_in_pieces_and_hold_no_connection(
    database: asyncpg.Pool, config: Config
) -> None:
    member = await rich_member(database, 5)
    await did(database, member, "metro", [TODAY - timedelta(days=n % 300) for n in range(20_000)], 0)
    sizes, held = [], []
    async for piece in await exports.stream(database, config, member, "en", NOW):
        sizes.append(len(piece))
        held.append(database.get_size() - database.get_idle_size())
        await asyncio.sleep(0)
    assert len(sizes) > 3, "what repeats is packed small"
    assert max(sizes) < 2 * exports.PIECE_BYTES + 32_768
    assert max(held) == 0, "a slow reader keeps no connection from anybody"


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_export_says_what_is_in_it(database: asyncpg.Pool, config: Config, language: Any) -> None:
    pieces = await exports.stream(database, config, await rich_member(database, 5), language, NOW)
    bundle = zipfile.ZipFile(io.BytesIO(b"".join([each async for each in pieces])))
    said = bundle.read("README.txt").decode()
    assert "2026-11-21 12:00" in said
    assert "actions.json" in said
