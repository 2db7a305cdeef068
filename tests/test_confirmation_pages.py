"""Pages on which neutrality is confirmed, checked, decided, read by everyone and withdrawn; its paper and its file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from click.testing import CliRunner

from scenarios.policies.verification import checklist
from service import ledger, neutrality_records, offsets, sessions, tallies, transfer_log
from service.cli_certificate import verify_certificate
from service.config import Config
from service.db import new_id, transaction
from tests.books import open_member
from tests.browsing import assert_english, assert_sound, links
from tests.confirming import held, measure, neutral, officer, retire, submit, verifier
from tests.paper import Paper, see, send
from tests.retiring import give, retire_given
from tests.test_confirmations import declare
from tests.test_posters import printed, read_picture, title_of

AFFIRMED: dict[str, Any] = {"truthful": "yes"}
WHY: dict[str, Any] = {"because": "电表读数有误，联系 13812345678"}


async def on_phone(client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config, member: UUID) -> None:
    """A member's session in the client's cookies."""
    async with transaction(pool) as connection:
        session = await sessions.open_session(connection, member, "browser", str(uuid4()), datetime.now(UTC))
    client.cookies.set("tanhui_session", sessions.cookie_of(config, session))


async def in_both(client: httpx.AsyncClient, url: str) -> Paper:
    """A page that is sound in both languages; the Chinese one."""
    english = await see(client, url, headers={"Accept-Language": "en"})
    assert english.answer.status_code == 200, english.text
    assert_sound(english, "en")
    assert_english(english)
    chinese = await see(client, url)
    assert_sound(chinese, "zh")
    return chinese


async def test_an_organizer_is_told_what_is_lacking_then_declares_and_withdraws(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await held(database, config, "310000")
    await on_phone(client, database, config, own.member)
    url = f"/organize/events/{own.event.id}/confirmation"
    page = await in_both(client, url)
    assert "还没有提交排放清单。" in page.text
    assert "第十一条" in page.text
    await submit(database, own)
    await retire(database, own)
    await measure(database, own)
    refused = await send(client, page.form("/declaration"), **AFFIRMED, label="")
    assert refused.answer.status_code == 422
    assert "还缺：基本或全口径碳中和" in refused.text
    await send(client, (await see(client, url)).form("/declaration"), **AFFIRMED, label="full")
    confirmed = await in_both(client, url)
    (address,) = links(confirmed, "/n/")[:1]
    public = await in_both(client, address)
    assert public.title == "全口径碳中和"
    assert f"/v1/events/{own.event.id}/reports/1.pdf?form=public" in links(public, "/v1/")
    assert "CCER HN-" in public.text
    assert neutrality_records.public_key(config).hex() in public.text
    event = await see(client, f"/events/{own.event.id}")
    assert links(event, "/n/") == [address]
    report = await client.get(f"/v1/events/{own.event.id}/reports/1.json?form=public")
    assert report.status_code == 200
    await submit(database, own, "补了一行", quantity="2")
    assert "第 2 版清单，与这里确认的不同" in (await in_both(client, address)).text
    await send(client, confirmed.form("/withdrawal"), **WHY)
    gone = await in_both(client, address)
    assert "碳中和的确认已撤销。" in gone.text
    assert "联系 ***" in gone.text
    assert "138" not in gone.text
    assert gone.title == own.event.name
    assert not links(await see(client, f"/events/{own.event.id}"), "/n/")
    assert (await client.get(f"{address}/pdf")).status_code == 404
    assert "已撤销" in (await in_both(client, url)).text


async def test_a_verifier_fills_the_checklist_and_certifies(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "310000", label="full")
    verifier_id, member, _ = await verifier(database, config)
    await on_phone(client, database, config, own.member)
    url = f"/organize/events/{own.event.id}/confirmation"
    await send(client, (await in_both(client, url)).form("/engagement"), verifier_id=str(verifier_id))
    assert "已委托 核查所" in (await in_both(client, url)).text
    await on_phone(client, database, config, member)
    assert links(await see(client, "/organize"), "/verify") == ["/verify"]
    (here,) = links(await in_both(client, "/verify"), "/verify/events/")
    page = await in_both(client, here)
    for link in links(page, "/organize/events/"):
        assert (await client.get(link)).status_code == 200, link
    answered: dict[str, Any] = {f"answer_{each.key}": "yes" for each in checklist().items}
    said: dict[str, Any] = {"findings": "核对了全部凭证。", "passed": "yes"}
    refused = await send(client, page.form("/report"), **answered | {"answer_data": "no"}, **said)
    assert (refused.answer.status_code, "须写明情况" in refused.text) == (400, True)
    passed = await send(client, refused.form("/report"), **answered, **said)
    assert "通过" in passed.text
    await send(client, (await in_both(client, here)).form("/certificate"), label="full")
    made = await in_both(client, here)
    (address,) = links(made, "/n/")
    assert "核查所" in (await in_both(client, address)).text
    await send(client, made.form("/withdrawal"), **WHY)
    assert "由确认者撤销" in (await see(client, address)).text


async def test_an_office_decides_and_withdraws(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "460000", host="government", people_on_site=600)
    await on_phone(client, database, config, own.member)
    url = f"/organize/events/{own.event.id}/confirmation"
    await send(client, (await in_both(client, url)).form("/application"))
    assert "等待决定" in (await in_both(client, url)).text
    issuer, _ = await officer(database, config, "460000", "issues", "revokes")
    await on_phone(client, database, config, issuer)
    page = await in_both(client, "/authority/confirmations")
    assert "核算温室气体排放量" in page.text
    for link in links(page, "/organize/events/"):
        assert (await client.get(link)).status_code == 200, link
    (form,) = [each for each in page.forms() if "/applications/" in each.action]
    assert (await send(client, form, granted="yes")).answer.status_code == 422
    await send(client, form, granted="yes", because="材料齐全")
    after = await in_both(client, "/authority/confirmations")
    (address,) = links(after, "/n/")
    assert "领导小组办公室" in (await in_both(client, address)).text
    await send(client, after.form("/withdrawal"), **WHY)
    assert "已撤销" in (await in_both(client, "/authority/confirmations")).text


async def test_paper_and_file_lead_back_and_are_checked_offline(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, tmp_path: Path
) -> None:
    own = await neutral(database, config, "370800", people_on_site=200)
    await on_phone(client, database, config, own.member)
    url = f"/organize/events/{own.event.id}/confirmation"
    await send(client, (await see(client, url)).form("/declaration"), **AFFIRMED, organizer="#panic(sys.inputs) 会务组")
    (address,) = links(await see(client, url), "/n/")[:1]
    pdf = (await client.get(f"{address}/pdf")).content
    assert pdf == (await client.get(f"{address}/pdf")).content
    assert read_picture(printed(pdf, tmp_path)) == [f"{config.base_url}{address}"]
    assert title_of(pdf) == "自我承诺"
    file = tmp_path / "record.json"
    file.write_bytes((await client.get(f"{address}/record")).content)
    key = neutrality_records.public_key(config).hex()
    run = CliRunner().invoke(verify_certificate, [str(file), "--key", key])
    assert (run.exit_code, "零碳论坛" in run.output, "HN-" in run.output) == (0, True, True), run.output
    assert "--key" in CliRunner().invoke(verify_certificate, [str(file)]).output
    file.write_bytes(file.read_bytes().replace("零碳论坛".encode(), "零碳会议".encode()))
    run = CliRunner().invoke(verify_certificate, [str(file), "--key", key])
    assert (run.exit_code, "签名不符" in run.output) == (1, True)


async def test_the_chain_leads_from_certificate_to_each_retired_gram(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await held(database, config, "460000")
    version = await submit(database, own)
    async with transaction(database) as connection:
        member = await open_member(connection)
        kind = ledger.CreditClass("460000", "qinghai", "2026", date(2026, 4, 1))
        class_id = (await ledger.class_ids(connection, [kind]))[kind]
        issued = ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, 900_000, "issue")
        await ledger.post_many(connection, [issued])
    await give(database, member, own.event.id, 500_000)
    for grams in (300_000, version.full_g - 300_000):
        await retire_given(database, own.event.id, grams)
    async with transaction(database) as connection:
        await transfer_log.seal(connection, config)
    made = (await declare(client, own)).json()
    record = made["record"]
    assert record["retired_g"] == record["need_g"] == version.full_g
    (offset,) = record["offsets"]
    assert [each["last_serial"] for each in offset["blocks"]] == [300_000, version.full_g]
    page = await in_both(client, f"/n/{made['id']}")
    for start in ("/retirements/", "/serials/"):
        found = links(page, start)
        assert len(found) == 2
        for link in found:
            shown = await see(client, link)
            assert (shown.answer.status_code, "永久注销" in shown.text) == (200, True), link
    async with database.acquire() as connection:
        assert await offsets.retired_of(connection, own.event.id) in ({}, {"citizen_credits": version.full_g})
        await tallies.fold(connection, own.event.id)
        assert await offsets.retired_of(connection, own.event.id) == {"citizen_credits": version.full_g}
