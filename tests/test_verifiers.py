"""Who may verify: registered by the place's own authority or the platform's operator, for everyone to see."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from click.testing import CliRunner

from service import operators
from service.cli import main
from service.config import Config
from service.db import transaction
from tests.browsing import assert_english, assert_sound
from tests.browsing import sign_in as browse_as
from tests.paper import see, send
from tests.people import ANNA, HAN, LI, WANG, ZHAO, Headers, appoint, found_organization, key, sign_in

LIST = "/v1/verifiers"


async def tell(
    client: httpx.AsyncClient, who: Headers, organization: UUID, region: str | None, ending: str = ""
) -> httpx.Response:
    """Register an organization, or strike it off."""
    body = {"reference": "名录第 1 号"} | ({} if region is None else {"region": region})
    url = f"/v1/organizations/{organization}/verifier-registrations{ending}"
    return await client.post(url, json=body, headers=who | key())


async def listed(client: httpx.AsyncClient, region: str = "") -> list[Any]:
    """Where verifiers are registered that may verify in a region."""
    answer = await client.get(LIST, params={"region": region} if region else {})
    return [each["region"] for each in answer.json()]


async def operate(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, phone: str) -> Headers:
    """Make someone an operator, and sign them in."""
    async with transaction(database) as connection:
        await operators.appoint_operator(connection, config, phone)
    return await sign_in(client, phone)


async def test_a_places_own_authority_and_the_operator_say_who_verifies(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, verifier = await found_organization(client, WANG, "碳核查所")
    guangdong = await appoint(client, database, config, ZHAO, "440000", "guides")
    publisher = await appoint(client, database, config, LI, "440300", "publishes", "issues")
    operator = await operate(client, database, config, HAN)
    asked = [
        ("its own province", guangdong, "440000", 201),
        ("a city of it", guangdong, "440300", 201),
        ("another province", guangdong, "310000", 403),
        ("everywhere", guangdong, None, 403),
        ("an officer of another kind", publisher, "440300", 403),
        ("the operator, anywhere", operator, "310000", 201),
        ("the operator, everywhere", operator, None, 201),
        ("no such place", operator, "999999", 400),
    ]
    for why, who, region, status in asked:
        assert (await tell(client, who, verifier, region)).status_code == status, why
    assert (await tell(client, operator, UUID(int=7), None)).status_code == 404
    assert await listed(client) == [None, "310000", "440000", "440300"]
    assert await listed(client, "440300") == [None, "440000", "440300"]
    assert await listed(client, "140000") == [None]
    assert (await client.get(LIST, params={"region": "x"})).status_code == 400
    only, *_ = (await client.get(LIST)).json()
    assert (only["name"], only["reference"], only["organization_id"]) == ("碳核查所", "名录第 1 号", str(verifier))
    assert (await tell(client, guangdong, verifier, "310000", "/ending")).status_code == 403
    assert (await tell(client, guangdong, verifier, "440300", "/ending")).status_code == 201
    again = await tell(client, guangdong, verifier, "440300", "/ending")
    assert again.json()["code"] == "verifier_not_registered"
    assert await listed(client, "440300") == [None, "440000"]
    assert (await tell(client, guangdong, verifier, "440300")).status_code == 201
    assert await listed(client, "440300") == [None, "440000", "440300"]


async def test_the_list_is_a_page_and_who_keeps_it_finds_a_form(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, verifier = await found_organization(client, WANG, "Carbon Verifiers")
    assert (await see(client, "/verifiers")).forms() == []
    async with transaction(database) as connection:
        await operators.appoint_authority(connection, config, ZHAO, "440000", ["supervises"])
    await browse_as(client, database, config, ZHAO)
    empty = await see(client, "/verifiers")
    assert_sound(empty, "zh")
    typed = {"organization_id": "7", "region": "440300", "reference": "List 7"}
    refused = await send(client, empty.form("/verifiers"), **typed)
    assert refused.answer.status_code == 422
    full = await send(client, empty.form("/verifiers"), **(typed | {"organization_id": str(verifier)}))
    assert ("Carbon Verifiers" in full.text, "深圳" in full.text) == (True, True)
    client.headers["accept-language"] = "en"
    english = await see(client, "/verifiers")
    assert_sound(english, "en")
    assert_english(english)
    struck = await send(client, english.form("/end"), reference="List 8")
    assert "Nobody is registered yet." in struck.text
    rows = await database.fetch("SELECT registered, reference FROM verifier_registrations ORDER BY id")
    assert [tuple(row) for row in rows] == [(True, "List 7"), (False, "List 8")]


async def test_officers_and_operators_are_appointed_in_the_command_line(
    database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("REDIS_URL", config.redis_url)
    monkeypatch.setenv("TANHUI_SECRET", config.secret.hex())

    async def run(*words: str) -> int:
        return (await asyncio.to_thread(CliRunner().invoke, main, words)).exit_code

    async def officers() -> list[tuple[str, list[str]]]:
        return [tuple(row) for row in await database.fetch("SELECT region, offices FROM authority_members")]

    assert await run("appoint-authority", ZHAO, "460000", "--office", "issues", "--office", "revokes") == 0
    assert await officers() == [("460000", ["issues", "revokes"])]
    assert await run("appoint-authority", ZHAO, "460000", "--office", "inspects") == 0
    assert await officers() == [("460000", ["inspects"])], "said anew: these offices and no others"
    assert await run("appoint-authority", ZHAO, "460000", "--office", "reigns") == 2
    assert await run("appoint-authority", ZHAO, "469999") == 1
    assert await run("appoint-authority", "12", "460000") == 1
    assert await run("appoint-authority", ZHAO, "460000", "--end") == 0
    assert await officers() == []
    assert await run("appoint-operator", ANNA) == await run("appoint-operator", ANNA) == 0
    assert await database.fetchval("SELECT count(*) FROM operators") == 1
    assert await run("appoint-operator", ANNA, "--end") == 0
    assert await database.fetchval("SELECT count(*) FROM operators") == 0
