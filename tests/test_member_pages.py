"""The page of an organization's people: its owners change them, all who read see who they are and who changed it."""

from __future__ import annotations

import asyncpg
import httpx

from service.config import Config
from service.db import transaction
from service.members import member_by_phone
from service.organizations import NewOrganization, found
from tests.browsing import assert_english, assert_sound, sign_in
from tests.paper import Form, see, send
from tests.people import HAN, LI, WANG, ZHAO


async def test_an_owner_changes_who_acts_and_others_only_see(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    async with transaction(database) as connection:
        wang = await member_by_phone(connection, config, WANG)
        organization = await found(connection, wang, NewOrganization("Forum"))
    url = f"/organize/organizations/{organization.id}/members"
    await sign_in(client, database, config, WANG)
    alone = await see(client, url)
    assert_sound(alone, "zh")
    for phone, role in ((LI, "viewer"), (HAN, "gate"), (HAN, "editor")):
        page = await send(client, (await see(client, url)).form("members"), phone=phone, role=role)
    assert ("138****0002" in page.text or "****0002" in page.text, "查阅人" in page.text) == (True, True)
    leaving = await send(client, remove(page.forms(), wang.hex))
    assert (leaving.answer.status_code, "至少要有一名负责人" in leaving.text) == (409, True)
    for phone in (LI, HAN):
        await sign_in(client, database, config, phone)
        seen = await see(client, url)
        assert [each.action for each in seen.forms() if "members" in each.action] == []
        han = await database.fetchval("SELECT id FROM members WHERE phone_hint LIKE '%0003'")
        for form in (Form(f"{url}/{han}/remove", "post"), Form(url, "post")):
            form.fields |= {"_csrf_token": client.cookies["tanhui_csrf"], "id": str(wang)}
            assert (await send(client, form, phone=ZHAO, role="owner")).answer.status_code == 403
    await sign_in(client, database, config, WANG)
    client.headers["accept-language"] = "en"
    english = await see(client, url)
    assert_sound(english, "en")
    assert_english(english)
    gone = await send(client, remove(english.forms(), han.hex))
    assert "left" in gone.text
    rows = await database.fetch("SELECT role FROM organization_changes ORDER BY id")
    assert [row["role"] for row in rows] == ["owner", "viewer", "gate", "editor", None]
    assert await database.fetchval("SELECT count(*) FROM organization_members") == 2


def remove(forms: list[Form], member: str) -> Form:
    """The form that removes a member."""
    return next(each for each in forms if each.action.endswith("/remove") and member in each.action.replace("-", ""))
