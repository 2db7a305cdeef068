"""Cancelling an event: it takes nothing more, once and for good, and everybody sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from service import reservations
from service.cancellations import AlreadyCancelled, EventSettled
from service.config import Config
from service.db import new_id, transaction
from service.donations import ClosedToDonations
from service.events import EventCancelled
from tests import browsing
from tests.books import balance, rich_member
from tests.cancelling import as_hall, cancel, give, open_hall, retire, sweep_until_refunded
from tests.doors import come, coming, device, open_event
from tests.paper import see, send
from tests.people import LI, WANG, add_gate_keeper, found_organization, key
from tests.tallied import fold_out

# Cancelling -----------------------------------------------------------------------------------------------------------


async def test_a_cancelled_event_takes_no_donation_reservation_or_check_in(
    database: asyncpg.Pool, config: Config
) -> None:
    event, member = await open_event(database), await rich_member(database, 10)
    await cancel(database, as_hall(event))
    assert isinstance(await give(database, as_hall(event), member, 5), ClosedToDonations)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with transaction(database) as connection:
        with pytest.raises(ClosedToDonations):
            await reservations.reserve(connection, new_id(), member, event.id, 5, later)
    (verdict,) = await come(database, config, coming(event, device("a")))
    assert isinstance(verdict, EventCancelled)
    assert await balance(database, member) == 10


async def test_a_cancelled_event_retires_nothing(database: asyncpg.Pool) -> None:
    event, member = await open_hall(database), await rich_member(database, 10)
    await give(database, event, member, 10)
    await cancel(database, event)
    with pytest.raises(asyncpg.CheckViolationError, match="open_accounts"):
        await retire(database, event, 5)


async def test_an_event_is_cancelled_once_and_not_when_settled(database: asyncpg.Pool) -> None:
    event, settled = await open_hall(database), await open_hall(database)
    await cancel(database, event)
    with pytest.raises(AlreadyCancelled):
        await cancel(database, event)
    await database.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, 'settled')", settled.id)
    with pytest.raises(EventSettled):
        await cancel(database, settled)


async def test_two_organizers_who_cancel_at_once_cancel_once(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    verdicts = await asyncio.gather(*(cancel(database, event) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in verdicts) == ["AlreadyCancelled"] * 3 + ["NoneType"]


# Over HTTP ------------------------------------------------------------------------------------------------------------

NEW = {
    "name": "零碳会议",
    "kind": "meeting",
    "place": "北京",
    "venue": "会议中心",
    "time_zone": "Asia/Shanghai",
    "expected_people": 300,
    "hours": [{"opens_at": "2090-11-20T00:00:00Z", "closes_at": "2090-11-20T10:00:00Z"}],
    "gates": ["A"],
}


async def test_the_organizer_cancels_and_everybody_sees_it(client: httpx.AsyncClient) -> None:
    wang, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=NEW | {"organization_id": str(organization)}, headers=wang | key())
    assert made.status_code == 201, made.text
    url = f"/v1/events/{made.json()['id']}"
    keeper = await add_gate_keeper(client, wang, organization, LI)
    for headers, status in ((keeper, 403), ({}, 401)):
        answer = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=headers | key())
        assert answer.status_code == status
    assert (await client.get(url)).json()["cancelled"] is False
    again = key()
    done = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | again)
    assert done.status_code == 201, done.text
    repeat = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | again)
    assert repeat.content == done.content
    other = await client.post(f"{url}/cancellation", json={"because": "台风"}, headers=wang | key())
    assert (other.status_code, other.json()["code"]) == (409, "already_cancelled")
    seen = (await client.get(url)).json()
    assert (seen["cancelled"], seen["open_now"]) == (True, False)


# Pages ----------------------------------------------------------------------------------------------------------------


async def test_the_organizer_cancels_on_a_page_that_says_what_follows(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event, donor = await browsing.open_event(database, config), await rich_member(database, 70)
    await give(database, as_hall(event), donor, 70)
    await fold_out(database, as_hall(event))
    await browsing.sign_in(client, database, config, WANG)
    links = [each.get("href") for each in (await see(client, f"/organize/events/{event.id}")).all("a")]
    assert f"/organize/events/{event.id}/cancel" in links
    form = await see(client, f"/organize/events/{event.id}/cancel")
    browsing.assert_sound(form, "zh")
    assert "取消后不能恢复" in form.text.partition("永久取消")[0], "said before the button"
    blank = await send(client, form.form(f"/organize/events/{event.id}/cancel"), because=" ")
    assert not (await client.get(f"/v1/events/{event.id}")).json()["cancelled"]
    done = await send(client, blank.form(f"/organize/events/{event.id}/cancel"), because="<b>台风</b>")
    browsing.assert_sound(done, "zh")
    assert done.answer.url.path == f"/events/{event.id}"
    assert "<b>台风</b>" in done.text
    assert "正在退回" in done.text
    assert not [each for each in done.all("a") if str(each.get("href")).endswith("/donate")]
    assert await sweep_until_refunded(database, as_hall(event))
    assert "都已退回" in (await see(client, f"/events/{event.id}")).text
    assert str(event.id) not in (await see(client, "/events")).answer.text
    late = await send(client, form.form(f"/organize/events/{event.id}/cancel"), because="又一次")
    assert "已经取消" in late.text
