"""The pages of partners: registered and keyed by their organizers, let to report by authorities, without scripts."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import httpx
import pytest

from service import members, operators, organizations, partners
from service.access import Caller
from service.config import Config
from service.db import transaction
from tests.browsing import HOSTILE, assert_english, assert_sound, links, sign_in
from tests.conftest import serving
from tests.paper import Paper, post, see, send
from tests.partnering import Reporting, consenting, ndjson, path_of, ride, signed
from tests.people import HAN, LI, WANG, ZHAO

QUEUE = "/authority/partners"


async def owned(pool: asyncpg.Pool, config: Config) -> str:
    """Where the partners of 王芳's organization are; 韩梅梅 keeps its gates, ZHAO watches over Beijing."""
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, WANG)
        made = await organizations.found(connection, member, organizations.NewOrganization("京城轨道公司"))
        helper = await members.member_by_phone(connection, config, HAN)
        await organizations.put_member(connection, made.id, helper, "gate")
        await operators.appoint_authority(connection, config, ZHAO, "110000")
    return f"/organize/organizations/{made.id}/partners"


async def registered(client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config) -> Paper:
    """The page of a partner that 王芳 has just registered."""
    url = await owned(pool, config)
    await sign_in(client, pool, config, WANG)
    return await send(client, (await see(client, url)).form("/partners"), name="京城地铁")


def code_after(paper: Paper, label: str) -> str:
    """What stands in code behind a label."""
    terms = [each for each in paper.root.iter() if each.tag in {"dt", "dd"}]
    at = next(i for i, each in enumerate(terms) if "".join(each.itertext()).startswith(label))
    return "".join(terms[at + 1].itertext())


async def test_an_organizer_registers_a_partner_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    url = await owned(database, config)
    await sign_in(client, database, config, WANG)
    assert url in links(await see(client, "/organize"), "/organize/organizations/")
    form = (await see(client, url)).form("/partners")
    assert "不能留空" in (await send(client, form, name="")).text
    unfit = await send(client, form, name="京城地铁", return_url="http://metro.example/back")
    assert "返回地址要以 https:// 开头" in unfit.text
    assert unfit.form("/partners").fields["name"] == "京城地铁"
    made = [await send(client, form, name=HOSTILE, return_url="https://metro.example/back") for _ in range(2)]
    assert made[0].title == HOSTILE
    assert made[0].answer.url == made[1].answer.url
    assert HOSTILE in (await see(client, url)).text
    assert await database.fetchval("SELECT count(*) FROM partners") == 1
    partner_id = made[0].answer.url.path.rpartition("/")[2]
    assert f"{config.base_url}/consents/{partner_id}" in made[0].text
    assert "https://metro.example/back" in made[0].text


async def test_an_authority_approves_withdraws_and_approves_again_what_was_asked(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    page = await registered(client, database, config)
    home = page.answer.url.path
    asked = await send(client, page.form("/scopes"), kind="110000 metro")
    assert "等主管部门批准" in asked.text
    assert "请检查这一项" in (await send(client, asked.form("/scopes"), kind="110000")).text
    assert "没有" in (await send(client, asked.form("/scopes"), kind="110000 flying")).text
    offered = [each.get("value") for each in asked.all("option")]
    assert ("110000 metro" in offered, "110000 bus" in offered) == (False, True)
    await send(client, asked.form("/scopes"), kind="140000 charging")

    await sign_in(client, database, config, ZHAO)
    assert QUEUE in links(await see(client, "/authority"), QUEUE)
    waiting = await see(client, QUEUE)
    assert ("等您决定 (1)" in waiting.text, "北京 · 乘坐轨道交通" in waiting.text) == (True, True)
    approved = await send(client, waiting.form("/approval"))
    assert "已批准 (1)" in approved.text
    partner_id = UUID(home.rpartition("/")[2])
    async with database.acquire() as connection:
        assert await partners.approved(connection, partner_id) == {("110000", "metro")}
    assert "没有批准或已撤回 (1)" in (await send(client, approved.form("/withdrawal"))).text
    await sign_in(client, database, config, WANG)
    assert "批准已撤回" in (await see(client, home)).text
    await sign_in(client, database, config, ZHAO)
    assert "已批准 (1)" in (await send(client, (await see(client, QUEUE)).form("/approval"))).text


async def test_a_request_that_is_not_approved_says_so_to_its_organizer(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    page = await registered(client, database, config)
    await send(client, page.form("/scopes"), kind="110000 metro")
    await sign_in(client, database, config, ZHAO)
    waiting = await see(client, QUEUE)
    elsewhere = waiting.form("/withdrawal")
    assert (await post(client, elsewhere, kind="140000 charging")).status_code == 404
    assert (await post(client, elsewhere, kind="nonsense")).status_code == 404
    await send(client, elsewhere)
    await sign_in(client, database, config, WANG)
    assert "没有批准" in (await see(client, page.answer.url.path)).text


async def test_a_key_is_shown_once_signs_and_signs_no_more_when_revoked(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    page = await registered(client, database, config)
    await send(client, page.form("/scopes"), kind="110000 metro")
    form = page.form("/keys")
    shown = await send(client, form)
    secret = code_after(shown, "密钥")
    assert len(bytes.fromhex(secret)) == 32
    assert code_after(await send(client, form), "密钥") == secret
    home = await see(client, page.answer.url.path)
    assert secret not in home.text
    assert "第 1 把" in home.text

    partner_id = UUID(page.answer.url.path.rpartition("/")[2])
    await sign_in(client, database, config, ZHAO)
    await send(client, (await see(client, QUEUE)).form("/approval"))
    await sign_in(client, database, config, WANG)
    nobody = Caller(None, frozenset())
    reporting = Reporting(partner_id, int(code_after(shown, "第几把")), bytes.fromhex(secret), nobody, nobody)
    citizen = await consenting(database, config, reporting)
    body = ndjson([ride("a", citizen.subject)])
    async with serving(config) as partner:
        answer = await partner.post(path_of(reporting), content=body, headers=signed(reporting, body))
        assert (answer.status_code, answer.json()["verdict"]) == (200, "issued"), answer.text
        revoked = await send(client, home.form("/keys/1/revocation"))
        assert "已作废" in revoked.text
        answer = await partner.post(path_of(reporting), content=body, headers=signed(reporting, body))
        assert answer.status_code == 401, answer.text


async def test_two_keys_are_valid_at_once_and_no_more(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    page = await registered(client, database, config)
    path = page.answer.url.path
    stale = (await see(client, path)).form("/keys")
    for _ in range(2):
        await send(client, (await see(client, path)).form("/keys"))
    full = await see(client, path)
    assert not [each for each in full.forms() if each.action.endswith("/keys")]
    assert "已有两把有效的密钥，请先作废一把" in full.text
    late = await send(client, stale)
    assert (late.answer.status_code, "已有两把有效的密钥" in late.text) == (409, True)
    await send(client, full.form("/keys/1/revocation"))
    third = await send(client, (await see(client, path)).form("/keys"))
    assert code_after(third, "第几把") == "3"
    assert (await post(client, full.form("/keys/2/revocation"))).status_code == 303


async def test_partners_are_for_their_organizers_alone(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    page = await registered(client, database, config)
    path, keys = page.answer.url.path, page.form("/keys")
    owner = links(page, "/organize/organizations/")[0]
    async with transaction(database) as connection:
        stranger = await members.member_by_phone(connection, config, LI)
        await organizations.found(connection, stranger, organizations.NewOrganization("别家"))
    for phone, status in ((LI, 404), (HAN, 403), (ZHAO, 403)):
        await sign_in(client, database, config, phone)
        for url in (path, owner):
            assert (await client.get(url)).status_code == status, (phone, url)
        assert (await post(client, keys)).status_code == status
    await sign_in(client, database, config, WANG)
    assert (await client.get(QUEUE)).status_code == 403
    assert await database.fetchval("SELECT count(*) FROM partner_keys") == 0


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_pages_of_partners_are_sound(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, language: str
) -> None:
    await see(client, f"/language/{language}")
    page = await registered(client, database, config)
    path = page.answer.url.path
    for kind in ("110000 metro", "110000 bus", "110000 cycling"):
        await send(client, (await see(client, path)).form("/scopes"), kind=kind)
    shown = [await send(client, page.form("/keys"))]
    await sign_in(client, database, config, ZHAO)
    shown += [await send(client, (await see(client, QUEUE)).form(end)) for end in ("/approval", "/withdrawal")]
    await sign_in(client, database, config, WANG)
    shown += [page, await see(client, path), await see(client, links(page, "/organize/organizations/")[0])]
    for each in shown:
        assert_sound(each, language)
    if language == "en":
        for each in shown:
            each_name_apart(each)


def each_name_apart(paper: Paper) -> None:
    """Names of partners and organizations say no language; nothing else is Chinese."""
    for each in paper.root.iter():
        for name in ("京城地铁", "京城轨道公司"):
            each.text = (each.text or "").replace(name, "")
            each.tail = (each.tail or "").replace(name, "")
    assert_english(paper)
