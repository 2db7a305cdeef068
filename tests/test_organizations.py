"""Organizations: who acts for them, who may change that, and who is what towards an event."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import operators, organizations
from service.access import Caller, Role
from service.config import Config
from service.db import new_id, transaction
from service.errors import NotAllowed, NotFound
from service.members import member_by_phone
from tests.people import ANNA, HAN, LI, WANG, ZHAO, Headers, bearer, found_organization, key, rotate, sign_in_tokens
from tests.people import add_gate_keeper as add_gate

MINE = "/v1/organizations"


def members_of(organization_id: UUID | str) -> str:
    """Where an organization's people are listed."""
    return f"/v1/organizations/{organization_id}/members"


async def add(client: httpx.AsyncClient, who: Headers, organization_id: UUID, phone: str, role: str) -> httpx.Response:
    """Ask to let someone act for an organization."""
    return await client.post(members_of(organization_id), json={"phone": phone, "role": role}, headers=who | key())


async def become_owner(client: httpx.AsyncClient, who: Headers, organization_id: UUID, phone: str) -> Headers:
    """Make someone a second owner, and sign them in."""
    assert (await add(client, who, organization_id, phone, "owner")).status_code == 201
    return bearer(await sign_in_tokens(client, phone))


async def test_a_founder_is_the_owner(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG, " 碳惠会务 ")
    mine = (await client.get(MINE, headers=wang)).json()
    assert mine == [{"id": str(organization), "name": "碳惠会务", "role": "owner"}]
    (only,) = (await client.get(members_of(organization), headers=wang)).json()
    assert (only["phone_hint"], only["role"]) == ("****0001", "owner")


async def test_someone_named_by_number_acts_once_they_sign_in(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    han = await add_gate(client, wang, organization, HAN)
    mine = (await client.get(MINE, headers=han)).json()
    assert [(each["id"], each["role"]) for each in mine] == [(str(organization), "gate")]
    assert (await client.get("/v1/me", headers=han)).json()["roles"] == ["citizen", "gate"]


async def test_naming_someone_again_changes_their_role(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    first = await add(client, wang, organization, HAN, "gate")
    second = await add(client, wang, organization, HAN, "editor")
    assert first.json()["member_id"] == second.json()["member_id"]
    people = (await client.get(members_of(organization), headers=wang)).json()
    assert [each["role"] for each in people] == ["owner", "editor"]


async def test_only_an_owner_of_that_very_organization_changes_its_people(client: httpx.AsyncClient) -> None:
    wang, ours = await found_organization(client, WANG)
    li, theirs = await found_organization(client, LI, "另一家")
    for answer in (
        await add(client, li, ours, LI, "owner"),
        await client.get(members_of(ours), headers=li),
        await client.delete(f"{members_of(ours)}/{new_id()}", headers=li),
        await add(client, li, new_id(), LI, "owner"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), "nothing is revealed"
    assert (await add(client, wang, ours, LI, "gate")).status_code == 201
    refused = await add(client, li, ours, LI, "owner")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed"), "an owner elsewhere, a gate here"
    assert len((await client.get(members_of(ours), headers=wang)).json()) == 2
    assert len((await client.get(members_of(theirs), headers=li)).json()) == 1


async def test_a_removed_owner_can_do_nothing_more_although_the_token_still_says_so(
    client: httpx.AsyncClient,
) -> None:
    wang, organization = await found_organization(client, WANG)
    li = await become_owner(client, wang, organization, LI)
    people = (await client.get(members_of(organization), headers=li)).json()
    wang_id = people[0]["member_id"]
    assert (await client.delete(f"{members_of(organization)}/{wang_id}", headers=li)).status_code == 204
    assert (await client.get(members_of(organization), headers=wang)).status_code == 404
    assert (await client.delete(f"{members_of(organization)}/{wang_id}", headers=li)).status_code == 404


async def test_the_last_owner_can_neither_leave_nor_step_down(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    await add_gate(client, wang, organization, HAN)
    own_id = (await client.get("/v1/me", headers=wang)).json()["member_id"]
    leaving = await client.delete(f"{members_of(organization)}/{own_id}", headers=wang)
    stepping_down = await add(client, wang, organization, WANG, "gate")
    for answer in (leaving, stepping_down):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert (await client.get(MINE, headers=wang)).json()[0]["role"] == "owner"


async def test_two_owners_cannot_remove_each_other_at_once(database: asyncpg.Pool, config: Config) -> None:
    async with transaction(database) as connection:
        wang, li = [Caller(await member_by_phone(connection, config, phone), frozenset(Role)) for phone in (WANG, LI)]
        ours = (await organizations.found(connection, wang.member, organizations.NewOrganization("会务组"))).id
        await organizations.put_member(connection, ours, li.member, "owner")

    async def remove_wang() -> None:
        async with transaction(database) as connection:
            await organizations.remove_member(connection, li, ours, wang.member)

    async with transaction(database) as connection:
        await organizations.remove_member(connection, wang, ours, li.member)
        meanwhile = asyncio.create_task(remove_wang())
        await asyncio.sleep(0.1)
    with pytest.raises(NotFound):
        await meanwhile
    assert await database.fetchval("SELECT member_id FROM organization_members") == wang.member


@pytest.mark.parametrize("name", ["", " ", "　", "a\nb", "a\n", "\u0000", "x" * 201, 5, None, ["a"]])
async def test_a_name_that_is_none_is_refused(client: httpx.AsyncClient, name: object) -> None:
    headers = bearer(await sign_in_tokens(client, WANG))
    answer = await client.post(MINE, json={"name": name}, headers=headers | key())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert (await client.get(MINE, headers=headers)).json() == []


async def test_a_phone_that_is_none_or_a_role_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    assert (await add(client, wang, organization, "12345", "gate")).json()["code"] == "phone_invalid"
    for role in ("authority", "citizen", "", "public"):
        assert (await add(client, wang, organization, HAN, role)).json()["code"] == "bad_input"


async def make_event(connection: asyncpg.Connection, organization_id: UUID, region: str | None) -> UUID:
    """An event, as far as its people are concerned."""
    event_id = new_id()
    await connection.execute(
        """
        INSERT INTO events (
            id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set
        )
        VALUES ($1, $2, '会议', 'meeting', 'CN', $3, 'geonames:1816670', '会议中心', 40, 116, 'Asia/Shanghai', 10, 'x')
        """,
        event_id,
        organization_id,
        region,
    )
    return event_id


async def test_each_role_towards_an_event_is_asked_of_the_database(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    wang, organization = await found_organization(client, WANG)
    await add_gate(client, wang, organization, HAN)
    async with transaction(database) as connection:
        beijing = await make_event(connection, organization, "110000")
        abroad = await make_event(connection, organization, None)
        await operators.appoint_authority(connection, config, ZHAO, "110000")
        await operators.appoint_authority(connection, config, ZHAO, "110000")
        await operators.appoint_authority(connection, config, ANNA, "140000")
        ids = {phone: await member_by_phone(connection, config, phone) for phone in (WANG, HAN, ZHAO, ANNA, LI)}
        callers = {phone: Caller(each, frozenset(Role)) for phone, each in ids.items()}
        standing = {
            (phone, event_id): await organizations.roles_at(connection, caller, event_id)
            for phone, caller in callers.items()
            for event_id in (beijing, abroad)
        }
        assert {each: roles for each, roles in standing.items() if roles} == {
            (WANG, beijing): {Role.OWNER, Role.ORGANIZER, Role.VIEWER},
            (WANG, abroad): {Role.OWNER, Role.ORGANIZER, Role.VIEWER},
            (HAN, beijing): {Role.GATE},
            (HAN, abroad): {Role.GATE},
            (ZHAO, beijing): {Role.AUTHORITY},
        }
        await organizations.require(connection, callers[WANG], beijing, Role.ORGANIZER, Role.AUTHORITY)
        await organizations.require(connection, callers[ZHAO], beijing, Role.ORGANIZER, Role.AUTHORITY)
        with pytest.raises(NotAllowed):
            await organizations.require(connection, callers[HAN], beijing, Role.ORGANIZER, Role.AUTHORITY)
        for nobody in (callers[LI], callers[ANNA], Caller(None, frozenset(Role))):
            with pytest.raises(NotFound):
                await organizations.require(connection, nobody, beijing, *Role)
        assert await organizations.is_steward(connection, callers[HAN], beijing)
        assert not await organizations.is_steward(connection, callers[ZHAO], beijing)


async def test_an_authority_shows_in_the_roles(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    tokens = await sign_in_tokens(client, ZHAO)
    async with transaction(database) as connection:
        await operators.appoint_authority(connection, config, ZHAO, "110000")
    headers = bearer(await rotate(client, tokens))
    assert (await client.get("/v1/me", headers=headers)).json()["roles"] == ["authority", "citizen"]
