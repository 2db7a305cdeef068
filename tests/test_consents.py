"""Consent: per partner and scene, told in plain words, withdrawn at any time; and back to the partner's own address."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import consents, sessions
from service.access import Role
from service.config import Config
from service.consents import Term, owner_at, subject_of
from service.db import new_id, transaction
from tests.books import open_member
from tests.partnering import CYCLING, METRO, make_partner
from tests.people import Headers, key

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
BACK = "https://metro.example/back?from=tanhui"


async def signed_in(database: asyncpg.Pool, config: Config) -> tuple[UUID, Headers, str]:
    """A citizen, the header of their app, and the cookie of their browser."""
    now = datetime.now(UTC)
    async with transaction(database) as connection:
        member = await open_member(connection)
        session = await sessions.open_session(connection, member, "browser", str(new_id()), now)
    token = sessions.access_token(config, member, frozenset({Role.PUBLIC, Role.CITIZEN}), now)
    return member, {"Authorization": f"Bearer {token}"}, f"tanhui_session={sessions.cookie_of(config, session)}"


async def give(client: httpx.AsyncClient, who: Headers, partner: UUID, *scenes: str) -> httpx.Response:
    """Consent over the API."""
    body = {"partner_id": str(partner), "scenes": list(scenes)}
    return await client.post("/v1/consents", json=body, headers=who | key())


async def test_a_citizen_consents_sees_it_and_withdraws(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config, METRO, CYCLING)
    member, li, _ = await signed_in(database, config)
    answer = (await give(client, li, partner.id, "metro", "cycling", "metro")).json()
    assert UUID(answer["subject"]) == subject_of(config, partner.id, member)
    given = {each["scene"]: each for each in answer["consents"]}
    assert {scene: each["withdrawn_at"] for scene, each in given.items()} == {"cycling": None, "metro": None}
    assert (await give(client, li, partner.id, "metro")).json()["consents"] == [given["metro"]], "as before"
    path = f"/v1/consents/{given['cycling']['id']}/withdrawal"
    ended = [(await client.post(path, headers=li | key())).json()["withdrawn_at"] for _ in range(2)]
    assert ended[0] == ended[1]
    mine = (await client.get("/v1/consents", headers=li)).json()
    assert [(each["partner"], each["scene"], bool(each["withdrawn_at"])) for each in mine] == [
        ("京城地铁", "metro", False),
        ("京城地铁", "cycling", True),
    ]
    again = (await give(client, li, partner.id, "cycling")).json()
    assert again["subject"] == answer["subject"]
    assert len((await client.get("/v1/consents", headers=li)).json()) == 3


async def test_consent_is_for_what_the_authority_approved_only(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    _, li, _ = await signed_in(database, config)
    for scenes, status, code in (
        ((), 400, "scene_missing"),
        (("cycling",), 422, "scene_not_offered"),
        (("metro", "x"), 422, "scene_not_offered"),
        (("",), 400, "bad_input"),
    ):
        answer = await give(client, li, partner.id, *scenes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await give(client, li, new_id(), "metro")).status_code == 404
    assert (await client.get("/v1/consents", headers=li)).json() == []


async def test_nobody_sees_or_withdraws_anothers_consent(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    _, li, _ = await signed_in(database, config)
    _, anna, _ = await signed_in(database, config)
    (given,) = (await give(client, li, partner.id, "metro")).json()["consents"]
    assert (await client.post(f"/v1/consents/{given['id']}/withdrawal", headers=anna | key())).status_code == 404
    assert (await client.get("/v1/consents", headers=anna)).json() == []
    assert (await client.get("/v1/consents", headers=li)).json() == [given]


async def test_consenting_many_times_at_once_is_consenting_once(database: asyncpg.Pool, config: Config) -> None:
    partner = await make_partner(database, config)
    async with transaction(database) as connection:
        member = await open_member(connection)

    async def consent() -> Any:
        async with transaction(database) as connection:
            new = consents.NewConsents(partner.id, ["metro"])
            return await consents.give(connection, config, member, new, datetime.now(UTC))

    given = await asyncio.gather(*(consent() for _ in range(5)))
    assert all(each == given[0] for each in given)


def test_subjects_are_pairwise_and_tell_nothing(config: Config) -> None:
    partners, members = [new_id() for _ in range(3)], [new_id() for _ in range(3)]
    subjects = {subject_of(config, partner, member) for partner in partners for member in members}
    assert len(subjects) == 9
    assert {(each.version, each.variant) for each in subjects} == {(8, "specified in RFC 4122")}


@pytest.mark.parametrize(("began", "owned"), [(-1, False), (0, True), (4, True), (5, False), (6, False), (7, True)])
def test_an_act_counts_that_began_within_a_consent(began: int, owned: bool) -> None:
    member = new_id()
    terms = [Term(member, NOW, NOW + 5 * HOUR), Term(member, NOW + 7 * HOUR, None)]
    assert owner_at(terms, NOW + began * HOUR) == (member if owned else None)


@pytest.fixture
async def browser(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> tuple[httpx.AsyncClient, UUID]:
    """A signed-in citizen's browser, with the token that forms carry."""
    member, _, cookie = await signed_in(database, config)
    client.headers["Cookie"] = cookie
    csrf = (await client.get("/")).cookies["tanhui_csrf"]
    client.cookies.clear()
    client.headers.update({"Cookie": f"{cookie}; tanhui_csrf={csrf}", "X-CSRFToken": csrf, "Accept-Language": "en"})
    return client, member


async def test_the_page_says_who_what_and_how_long_and_leads_back_with_subject_and_state(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, member = browser
    partner = await make_partner(database, config, METRO, CYCLING, return_url=BACK)
    path = f"/consents/{partner.id}"
    shown = await client.get(path, params={"scenes": "metro", "state": "a&b=c"})
    assert shown.status_code == 200
    for said in ("京城轨道公司", "京城地铁", "metro", "Beijing", "until you delete", "withdraw"):
        assert said in shown.text, said
    assert "cycling" not in shown.text.lower()
    assert "form-action 'self' https://metro.example;" in shown.headers["content-security-policy"]
    form = {"scene-metro": "1", "scenes": "metro", "state": "a&b=c"}
    answer = await client.post(path, data=form)
    assert answer.status_code == 303
    to = urlsplit(answer.headers["location"])
    assert (to.scheme, to.netloc, to.path) == ("https", "metro.example", "/back")
    subject = str(subject_of(config, partner.id, member))
    assert parse_qs(to.query) == {"from": ["tanhui"], "subject": [subject], "state": ["a&b=c"]}
    assert await database.fetchval("SELECT array_agg(scene) FROM consents WHERE member_id = $1", member) == ["metro"]


async def test_no_other_address_than_the_registered_one_is_gone_to(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, _ = browser
    partner = await make_partner(database, config, return_url="https://metro.example")
    evil = {"return_url": "https://evil.example", "to": "//evil.example", "state": "https://evil.example\r\nX: y"}
    path = f"/consents/{partner.id}"
    shown = await client.get(path, params=evil)
    assert 'href="https://metro.example?error=access_denied&amp;state=' in shown.text
    answer = await client.post(path, params=evil, data={"scene-metro": "1", **evil})
    assert answer.headers["location"].startswith("https://metro.example?subject=")
    assert "X: y" not in str(answer.headers.raw)


async def test_without_an_address_a_citizen_stays_here(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, _ = browser
    partner = await make_partner(database, config)
    answer = await client.post(f"/consents/{partner.id}", data={"scene-metro": "1"})
    assert answer.headers["location"] == "/me/consents"
    assert "form-action 'self';" in (await client.get(f"/consents/{partner.id}")).headers["content-security-policy"]


async def test_of_several_scenes_none_is_ticked_beforehand_and_one_must_be(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, _ = browser
    partner = await make_partner(database, config, METRO, CYCLING, return_url=BACK)
    shown = await client.get(f"/consents/{partner.id}")
    assert shown.text.count('type="checkbox"') == 2
    assert " checked" not in shown.text
    refused = await client.post(f"/consents/{partner.id}", data={"state": "kept", "scenes": "metro,cycling"})
    assert refused.status_code == 400
    assert "Please choose at least one." in refused.text
    assert 'value="kept"' in refused.text


async def test_a_scene_not_approved_a_partner_unknown_and_one_without_scopes_are_refused(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, _ = browser
    partner = await make_partner(database, config)
    assert (await client.get(f"/consents/{partner.id}?scenes=flying")).status_code == 422
    assert (await client.post(f"/consents/{partner.id}", data={"scene-flying": "1"})).status_code == 422
    assert (await client.get(f"/consents/{new_id()}")).status_code == 404
    await database.execute("UPDATE partner_scopes SET withdrawn_at = now()")
    assert (await client.get(f"/consents/{partner.id}")).status_code == 404
    assert await database.fetchval("SELECT count(*) FROM consents") == 0


async def test_who_is_not_signed_in_signs_in_and_comes_back_to_the_question(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    answer = await client.get(f"/consents/{partner.id}?scenes=metro&state=s1")
    assert answer.headers["location"] == f"/sign-in?to=%2Fconsents%2F{partner.id}%3Fscenes%3Dmetro%26state%3Ds1"


async def test_consents_are_withdrawn_on_their_page(
    browser: tuple[httpx.AsyncClient, UUID], database: asyncpg.Pool, config: Config
) -> None:
    client, member = browser
    partner = await make_partner(database, config)
    assert "not let any partner report" in (await client.get("/me/consents")).text
    await client.post(f"/consents/{partner.id}", data={"scene-metro": "1"})
    async with database.acquire() as connection:
        (given,) = await consents.of_member(connection, member)
    assert f"/me/consents/{given.id}/withdrawal" in (await client.get("/me/consents")).text
    answer = await client.post(f"/me/consents/{given.id}/withdrawal")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/consents")
    shown = (await client.get("/me/consents")).text
    assert "Withdrawn" in shown
    assert "/withdrawal" not in shown
