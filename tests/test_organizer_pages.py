"""The pages of those who hold an event: its form, its badges, its posters, and nobody else's."""

from __future__ import annotations

import asyncpg
import httpx

from service import members, organizations
from service.config import Config
from service.db import transaction
from service.events import Event
from tests.browsing import count, sign_in
from tests.paper import see, send
from tests.people import HAN, LI, WANG


async def test_an_organizer_makes_an_event_by_its_form(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, WANG)
    await send(client, (await see(client, "/organize")).form("/organizations"), name="会务组")
    form = (await see(client, "/organize/events/new")).form()
    typed = {
        "name": "零碳论坛",
        "origin": "太原",
        "venue": "会展中心",
        "expected_people": "300",
        "first": "2027-05-01",
        "last": "2027-05-03",
        "opens": "08:00",
        "closes": "02:00",
        "gates": "东门\r\n西门\r\n",
    }
    for missing, said in (("name", "不能留空"), ("first", "不是日期"), ("origin", "不能留空"), ("gates", "不能留空")):
        assert said in (await send(client, form, **(typed | {missing: ""}))).text
    made = await send(client, form, **typed)
    assert made.title == "零碳论坛"
    assert (await send(client, form, **typed)).answer.url == made.answer.url
    hours = await database.fetch("SELECT opens_at, closes_at FROM opening_hours ORDER BY opens_at")
    assert hours[0]["opens_at"].isoformat() == "2027-05-01T00:00:00+00:00"
    assert hours[0]["closes_at"].isoformat() == "2027-05-01T18:00:00+00:00"
    assert len(hours) == 3
    assert await count(database, "events") == 1


async def test_a_steward_checks_in_a_badge(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    organizing = await see(client, f"/organize/events/{event.id}")
    badges = await send(client, organizing.form("/badges"), count="3")
    issued = ["".join(each.itertext()) for each in badges.all("code")]
    assert len(issued) == 3
    assert (await send(client, organizing.form("/badges"), count="3")).text == badges.text
    helped = await send(client, organizing.form("/helpers"), phone=HAN, role="gate")
    assert "****0003" in helped.text
    await sign_in(client, database, config, HAN)
    gate = await see(client, f"/gate/{event.id}")
    assert "不属于本活动" in (await send(client, gate.form(), badge="0000-0000")).text
    asked = await send(client, gate.form(), badge=issued[0].lower())
    done = await send(client, asked.form(), mode="bus", km="4")
    assert "已报到" in done.text
    twice = await send(client, asked.form(), mode="bus", km="4")
    assert "早已报到" in twice.text
    assert await database.fetchval("SELECT attendee_kind FROM check_ins") == "personal"


async def test_posters_are_for_those_who_keep_the_gates(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    url = f"/organize/events/{event.id}/gates/{event.gates[0].id}/poster"
    await sign_in(client, database, config, WANG)
    for form, start in (("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")):
        assert (await client.get(f"{url}/{form}")).content.startswith(start)
    assert (await client.get(f"{url}/exe")).status_code in {400, 404}
    await sign_in(client, database, config, LI)
    assert (await client.get(f"{url}/png")).status_code == 403


async def test_another_organizers_event_is_not_to_be_seen(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    async with transaction(database) as connection:
        stranger = await members.member_by_phone(connection, config, LI)
        await organizations.found(connection, stranger, organizations.NewOrganization(name="别家"))
    await sign_in(client, database, config, LI)
    for path in ("/organize/events/{0}", "/organize/events/{0}/screen/{1}", "/gate/{0}", "/events/{0}/tally/stream"):
        answer = await client.get(path.format(event.id, event.gates[0].id))
        assert answer.status_code == 404, path
