"""Serials: from any gram to its act and back, and no word of whose it is."""

from __future__ import annotations

import re
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import ledger, serials
from service.attendees import Attendee
from service.balances import EventNamed
from service.config import Config
from service.db import new_id, transaction
from service.errors import NotFound
from service.schedules import CHINA
from service.transfer_log import NotSealedYet
from tests.books import open_member
from tests.doors import come_in, coming, open_event
from tests.people import HAN, LI, sign_in
from tests.sealed import headers, issue_once, june, retire, seal_all, some_of_every_shape
from tests.test_loop import log_action


async def test_every_serial_of_a_class_leads_to_one_act_and_back(database: asyncpg.Pool, config: Config) -> None:
    acts: dict[UUID, tuple[UUID, int]] = {}
    for grams in (3, 1, 5, 2):
        async with transaction(database) as connection:
            member = await open_member(connection)
            acts[await issue_once(connection, member, grams)] = (member, grams)
        await seal_all(database, config)
    async with database.acquire() as connection:
        class_id = await june(connection)
        found = [await serials.find(connection, class_id, serial) for serial in range(1, 12)]
        covered: list[int] = []
        for act, (member, grams) in acts.items():
            own = await serials.of_act(connection, member, act)
            covered += range(own.first_serial, own.next_serial)
            assert own.grams == grams == own.next_serial - own.first_serial
            for each in found[own.first_serial - 1 : own.next_serial - 1]:
                assert (each.position, each.first_serial, each.next_serial) == (
                    own.position,
                    own.first_serial,
                    own.next_serial,
                )
        assert covered == list(range(1, 12))
        for nothing in ((class_id, 12), (class_id + 1, 1), (999, 1)):
            with pytest.raises(NotFound):
                await serials.find(connection, *nothing)


async def test_a_serial_says_what_became_of_it(database: asyncpg.Pool, config: Config) -> None:
    async with transaction(database) as connection:
        member = await open_member(connection)
        act, undone = await issue_once(connection, member, 100), await issue_once(connection, member, 10)
        retirement = await retire(connection, member, 30)
        await ledger.reverse(connection, undone, new_id())
        with pytest.raises(NotSealedYet):
            await serials.find(connection, await june(connection), 30)
    await seal_all(database, config)
    async with database.acquire() as connection:
        class_id = await june(connection)
        found = {serial: (await serials.find(connection, class_id, serial)).left for serial in (1, 30, 31, 40, 41)}
        first, last, taken_back = found[1], found[30], found[31]
        assert first == last
        assert first
        assert (first.outcome, first.first_serial, first.next_serial) == ("retired", 1, 31)
        at = await connection.fetchval("SELECT retired_at FROM retirements")
        assert (first.retirement_id, first.retired_on) == (retirement, at.astimezone(CHINA).date())
        assert taken_back == found[40]
        assert taken_back
        assert (taken_back.outcome, taken_back.retirement_id, taken_back.retired_on) == ("reversed", None, None)
        assert found[41] is None
        own = await serials.of_act(connection, member, act)
        assert (own.left_g, [each.outcome for each in own.left]) == (40, ["retired", "reversed"])
        later = await serials.of_act(connection, member, undone)
        assert (later.left_g, later.left) == (0, [])


async def test_what_was_earned_by_travelling_names_the_event(database: asyncpg.Pool, config: Config) -> None:
    member, event, ids = await some_of_every_shape(database)
    with pytest.raises(NotSealedYet):
        async with database.acquire() as connection:
            await serials.of_act(connection, member, ids[1])
    await seal_all(database, config)
    async with database.acquire() as connection:
        own = await serials.of_act(connection, member, ids[1])
        assert own.earned.event == EventNamed(event.id, "零碳会议")
        found = await serials.find(connection, own.earned.class_id, own.first_serial)
        assert found.earned == own.earned
        for not_an_act in (ids[-1], ids[-2], new_id()):
            with pytest.raises(NotFound):
                await serials.of_act(connection, member, not_an_act)


async def test_the_public_direction_shows_no_personal_data(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    async with transaction(database) as connection:
        member, other = await open_member(connection), await open_member(connection)
        act = await issue_once(connection, member, 100)
        retirement = await retire(connection, member, 30)
        class_id = await june(connection)
    await seal_all(database, config)
    for serial in (1, 31):
        answer = await client.get(f"/v1/serials/{class_id}/{serial}")
        assert answer.status_code == 200, answer.text
        assert str(member) not in answer.text
        assert str(act) not in answer.text
        assert not re.search(r"\d\d:\d\d", answer.text), "no time of day"
        ids = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", answer.text))
        assert ids == ({str(retirement)} if serial == 1 else set())
        for each in ids:
            for url in (f"/v1/transfers/{each}/proof", f"/v1/acts/{each}/serials"):
                assert (await client.get(url, headers=headers(config, other))).status_code == 404


async def test_an_action_is_followed_from_the_app_to_its_serials_and_back(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    citizen, other = await sign_in(client, LI), await sign_in(client, HAN)
    action = (await log_action(client, citizen)).json()
    url = f"/v1/acts/{action['action_id']}/serials"
    assert (await client.get(url, headers=citizen)).json()["code"] == "not_sealed_yet"
    await seal_all(database, config)
    own = (await client.get(url, headers=citizen)).json()
    assert (own["first_serial"], own["next_serial"]) == (1, 1 + action["reduction_g"])
    assert own["left"] == []
    assert (await client.get(url, headers=other)).status_code == 404
    public = (await client.get(f"/v1/serials/{own['earned']['class_id']}/{action['reduction_g']}")).json()
    assert (public["act"], public["action"], public["left"]) == ("action", "metro", None)
    assert {each: public[each] for each in ("earned", "grams", "position")} == {
        each: own[each] for each in ("earned", "grams", "position")
    }


async def test_a_check_in_is_followed_to_its_serials_and_back(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    async with transaction(database) as connection:
        member = await open_member(connection)
    receipt = await come_in(database, config, coming(event, Attendee("member", member)))
    await seal_all(database, config)
    async with database.acquire() as connection:
        own = await serials.of_act(connection, member, receipt.check_in_id)
        assert own.grams == receipt.earned_g
        found = await serials.find(connection, own.earned.class_id, own.next_serial - 1)
    assert (found.act, found.action, found.position) == ("check_in", None, own.position)
    assert found.earned.event == EventNamed(event.id, event.name)


@pytest.mark.parametrize("path", ["0/1", "1/0", "-1/1", "1/x", "2147483648/1", f"1/{2**53 + 1}"])
async def test_a_serial_that_cannot_be_one_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/v1/serials/{path}")).status_code in {400, 404}
