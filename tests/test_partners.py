"""Partners: registered by organizers, scoped by the region's authority, keyed; each only by those whose it is."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import partners
from service.config import Config
from service.db import new_id
from tests.people import HAN, LI, WANG, ZHAO, Headers, add_gate_keeper, appoint, found_organization, key

METRO = {"region": "110000", "action": "metro"}


async def register(client: httpx.AsyncClient, who: Headers, organization: UUID, **values: Any) -> httpx.Response:
    """Ask to register a partner."""
    body = {"name": "京城地铁", **values}
    return await client.post(f"/v1/organizations/{organization}/partners", json=body, headers=who | key())


@pytest.fixture
async def wang(client: httpx.AsyncClient) -> tuple[Headers, UUID]:
    """An organizer, and a partner of hers."""
    headers, organization = await found_organization(client, WANG)
    answer = await register(client, headers, organization, return_url="https://metro.example/back?from=tanhui")
    assert answer.status_code == 201, answer.text
    return headers, UUID(answer.json()["id"])


async def ask(client: httpx.AsyncClient, who: Headers, partner: UUID, what: str = "", **values: str) -> httpx.Response:
    """Ask for a scope; or say `what` of it as an authority."""
    path = f"/v1/partners/{partner}/scopes{'/' if what else ''}{what}"
    return await client.post(path, json=METRO | values, headers=who | key())


def check_refused(answer: httpx.Response, status: int, code: str) -> None:
    """Assert that an answer is this refusal."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def make_key(client: httpx.AsyncClient, who: Headers, partner: UUID) -> httpx.Response:
    """Ask for a key."""
    return await client.post(f"/v1/partners/{partner}/keys", headers=who | key())


async def shown(client: httpx.AsyncClient, who: Headers, partner: UUID) -> dict[str, Any]:
    """A partner as its organizer sees it."""
    answer = await client.get(f"/v1/partners/{partner}", headers=who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_organizer_registers_a_partner_once_a_key_and_sees_it(client: httpx.AsyncClient) -> None:
    headers, organization = await found_organization(client, WANG)
    once = headers | key()
    body = {"name": " 京城地铁 ", "return_url": None}
    path = f"/v1/organizations/{organization}/partners"
    made = [(await client.post(path, json=body, headers=once)).json() for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["name"] == "京城地铁"
    assert (await client.get(path, headers=headers)).json() == made[:1]
    assert await shown(client, headers, made[0]["id"]) == {"partner": made[0], "scopes": [], "keys": []}


@pytest.mark.parametrize(
    "address",
    [
        "http://metro.example/",
        "https://",
        "https:///back",
        "//metro.example",
        "javascript:alert(1)",
        "https://metro.example/#back",
        "https://metro.example\\@evil.example/",
        "https://anna:secret@metro.example/",
        "https://metro.example/a b",
        "https://metro.example/\r\nLocation: x",
        "https://地铁.example/",
        "https://metro.example:port/",
        "https://[::1/",
        "",
    ],
)
async def test_a_return_address_that_may_lead_elsewhere_is_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, address: str
) -> None:
    headers, organization = await found_organization(client, WANG)
    check_refused(await register(client, headers, organization, return_url=address), 400, "return_url_unfit")
    assert await database.fetchval("SELECT count(*) FROM partners") == 0


async def test_only_an_organizer_of_that_organization_sees_or_changes_a_partner(
    client: httpx.AsyncClient, wang: tuple[Headers, UUID]
) -> None:
    headers, partner = wang
    organization = UUID((await shown(client, headers, partner))["partner"]["organization_id"])
    li, _ = await found_organization(client, LI, "另一家")
    han = await add_gate_keeper(client, headers, organization, HAN)
    assert (await make_key(client, headers, partner)).status_code == 201
    for who, status, code in ((li, 404, "not_found"), (han, 403, "not_allowed")):
        for answer in (
            await register(client, who, organization),
            await client.get(f"/v1/organizations/{organization}/partners", headers=who),
            await client.get(f"/v1/partners/{partner}", headers=who),
            await ask(client, who, partner),
            await make_key(client, who, partner),
            await client.delete(f"/v1/partners/{partner}/keys/1", headers=who),
        ):
            check_refused(answer, status, code)
    assert [each["revoked_at"] for each in (await shown(client, headers, partner))["keys"]] == [None]


async def test_the_regions_authority_approves_withdraws_and_approves_again(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, wang: tuple[Headers, UUID]
) -> None:
    headers, partner = wang
    assert (await ask(client, headers, partner)).status_code == 201
    zhao = await appoint(client, database, config, ZHAO, "110000")
    (waiting,) = (await client.get("/v1/partner-scopes", headers=zhao)).json()
    assert (waiting["partner"], waiting["organization"]) == ("京城地铁", "碳惠会务")
    states = []
    for what in ("approval", "approval", "withdrawal", "withdrawal", "approval"):
        scope = (await ask(client, zhao, partner, what)).json()
        async with database.acquire() as connection:
            states.append((await partners.approved(connection, partner), scope["withdrawn_at"] is None))
    may, may_not = frozenset({("110000", "metro")}), frozenset[tuple[str, str]]()
    assert states == [(may, True), (may, True), (may_not, False), (may_not, False), (may, True)]
    asked_again = (await ask(client, headers, partner)).json()
    assert asked_again["approved_at"], "asking again changes nothing"


async def test_another_regions_authority_and_the_partner_itself_approve_nothing(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, wang: tuple[Headers, UUID]
) -> None:
    headers, partner = wang
    await ask(client, headers, partner)
    zhao = await appoint(client, database, config, ZHAO, "140000")
    assert (await client.get("/v1/partner-scopes", headers=zhao)).json() == []
    for what in ("approval", "withdrawal"):
        check_refused(await ask(client, zhao, partner, what), 404, "not_found")
        check_refused(await ask(client, headers, partner, what), 403, "not_allowed")
    check_refused(await ask(client, zhao, new_id(), "approval"), 404, "not_found")


async def test_a_scope_is_of_a_methodology_in_force(client: httpx.AsyncClient, wang: tuple[Headers, UUID]) -> None:
    headers, partner = wang
    check_refused(await ask(client, headers, partner, action="flying"), 422, "unknown_action")
    check_refused(await ask(client, headers, partner, region="310000"), 422, "no_methodology")
    check_refused(await ask(client, headers, partner, region="beijing"), 400, "bad_input")


async def test_a_keys_secret_is_shown_to_its_maker_and_stands_nowhere(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, wang: tuple[Headers, UUID]
) -> None:
    headers, partner = wang
    once = headers | key()
    made = [(await client.post(f"/v1/partners/{partner}/keys", headers=once)).json() for _ in range(2)]
    assert made[0] == made[1] == {"number": 1, "secret": partners.secret_of(config, partner, 1).hex()}
    listed = (await client.get(f"/v1/partners/{partner}", headers=headers)).text
    kept = await database.fetchval("SELECT string_agg(encode(answer, 'escape'), '') FROM idempotent_requests")
    assert made[0]["secret"] not in listed + kept


async def test_two_keys_are_valid_at_once_and_numbers_are_never_used_again(
    client: httpx.AsyncClient, wang: tuple[Headers, UUID]
) -> None:
    headers, partner = wang
    answers = await asyncio.gather(*(make_key(client, headers, partner) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 201, 409, 409]
    check_refused(next(each for each in answers if each.status_code == 409), 409, "keys_in_use")
    for _ in range(2):
        assert (await client.delete(f"/v1/partners/{partner}/keys/1", headers=headers)).status_code == 204
    third = (await make_key(client, headers, partner)).json()
    assert third["number"] == 3
    assert third["secret"] not in {each.json().get("secret") for each in answers}
    check_refused(await client.delete(f"/v1/partners/{partner}/keys/9", headers=headers), 404, "not_found")
