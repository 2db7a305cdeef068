"""The log's pages: what anyone can look up, and nobody's name on them."""

from __future__ import annotations

import asyncpg
import httpx
import msgspec
import pytest

from service.checkpoints import public_key
from service.config import Config
from service.db import transaction
from service.log_bundles import Bundle, check
from service.members import member_by_phone
from tests.books import open_member
from tests.browsing import HOSTILE, assert_sound, sign_in
from tests.paper import see
from tests.people import LI
from tests.sealed import issue_once, june, retire, seal_all, some_of_every_shape


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_log_shows_its_root_and_key_also_when_empty(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, language: str
) -> None:
    client.headers["accept-language"] = language
    empty = await see(client, "/log")
    assert_sound(empty, language)
    assert public_key(config) not in empty.text
    await some_of_every_shape(database)
    await seal_all(database, config)
    paper = await see(client, "/log")
    assert_sound(paper, language)
    assert public_key(config) in paper.text
    assert ("9 行" if language == "zh" else "9 rows") in paper.text.replace("\u00a0", " ")


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_serial_of_a_certificate_leads_to_its_act_and_back(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, language: str
) -> None:
    client.headers["accept-language"] = language
    async with transaction(database) as connection:
        member = await open_member(connection)
        act = await issue_once(connection, member, 100)
        retirement = await retire(connection, member, 30)
        class_id = await june(connection)
    await seal_all(database, config)
    certificate = await see(client, f"/retirements/{retirement}")
    address = f"/serials/{class_id}/1"
    assert address in [each.get("href") for each in certificate.all("a")]
    written = next("".join(each.itertext()) for each in certificate.all("code"))
    paper = await see(client, "/serials", params={"serials": written})
    assert_sound(paper, language)
    assert paper.answer.url.path == address
    assert f"/retirements/{retirement}" in [each.get("href") for each in paper.all("a")]
    rest = await see(client, f"/serials/{class_id}/31")
    assert_sound(rest, language)
    for shown in (paper, rest):
        assert str(member) not in shown.answer.text
        assert str(act) not in shown.answer.text


@pytest.mark.parametrize("typed", [HOSTILE, "CN-140000-x-1-2026-11-K7-0000002–0000001", "K7", "x" * 400])
async def test_a_serial_that_cannot_be_read_is_said_at_its_field(client: httpx.AsyncClient, typed: str) -> None:
    paper = await see(client, "/serials", params={"serials": typed})
    assert paper.answer.status_code == 400
    assert paper.all("input")[0].get("value") == typed[:300]
    if typed == HOSTILE:
        assert typed in paper.text
        assert not paper.all("script")
    else:
        assert_sound(paper, "zh")


async def test_a_serial_that_was_never_issued_is_not_found(client: httpx.AsyncClient) -> None:
    paper = await see(client, "/serials/1/1")
    assert paper.answer.status_code == 404
    assert_sound(paper, "zh")


async def test_the_proof_of_ones_own_transfer_is_a_file_to_keep(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
        act = await issue_once(connection, member, 100)
        others = await issue_once(connection, await open_member(connection), 5)
    early = await see(client, f"/me/transfers/{act}/proof")
    assert early.answer.status_code == 422
    assert_sound(early, "zh")
    await seal_all(database, config)
    answer = await client.get(f"/me/transfers/{act}/proof")
    check(msgspec.json.decode(answer.content, type=Bundle), public_key(config))
    assert "attachment" in answer.headers["content-disposition"]
    assert (await see(client, f"/me/transfers/{others}/proof")).answer.status_code == 404
