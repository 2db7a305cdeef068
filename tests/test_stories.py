"""One event in each of the five places, from its plan to the page on which everyone reads that it was neutral."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from service.config import Config
from service.neutrality_records import check
from tests.acts import SHANXI
from tests.confirming import officer, report, verifier
from tests.stories import Story
from tests.test_loop import log_action

T = 1_000_000


@pytest.fixture
def story(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Story:
    return Story(client, database, config)


async def assert_public(story: Story, confirmation: dict[str, Any], *shown: str) -> None:
    """Everyone reads the certificate, its serials among it; its file holds offline; the event has its label."""
    page = await story.get(f"/n/{confirmation['id']}")
    for each in (story.event["name"], "会务组", *shown):
        assert each in page, each
    bundle = await story.client.get(f"/v1/confirmations/{confirmation['id']}/record")
    keys = await story.get("/v1/keys")
    assert str(check(bundle.content, keys["confirmations"]).id) == confirmation["id"]
    assert f"/n/{confirmation['id']}" in await story.get(f"/events/{story.event['id']}")
    assert (await story.get("offset-state"))["neutral"]


def assert_done(states: dict[str, str], *but: str) -> None:
    """Every step is done or not needed, but those that are named."""
    assert {key for key, state in states.items() if state not in {"done", "not_needed"}} == set(but), states


async def test_hainan_a_government_forum_applies_for_the_certificate_which_is_granted_and_withdrawn(
    story: Story, database: asyncpg.Pool, config: Config
) -> None:
    await story.begin("海口", 600, kind="forum", host="government", confirmation="certificate_applied")
    await story.plan(["green_electricity"], {"puhui_project": 2 * T})
    await story.meet()
    await story.take("green_electricity")
    with story.end():
        inventory = await story.account()
        assert (await story.states())["offset_neutral"] == "due"
        early = await story.post("certificate-applications", {}, status=422)
        assert (early["code"], early["clause"]) == ("not_neutral_yet", "三、实施流程（四）")
        mangroves: dict[str, Any] = {"registry": "HAINAN-PUHUI", "project": "红树林", "project_place": "460000"}
        unfiled = await story.enter("puhui_project", "HN-2024 000001–000001", 422, **mangroves)
        assert (unfiled["code"], unfiled["clause"]) == ("recognized", "三、实施流程（四）2")
        units = await story.enter("puhui_project", "HN-2024 000001–000001", recognition="备案 1", **mangroves)
        await story.retire(units)
        await story.mark("duty_file_accounting")
        await story.mark("disclose", fields=["name", "organizer", "held_at", "emissions_g", "offset_method"])
        application = await story.post("certificate-applications", {})
        other, _ = await officer(database, config, "440300", "issues", "revokes")
        issuing, _ = await officer(database, config, "460000", "issues")
        revoking, _ = await officer(database, config, "460000", "revokes")
        decision = f"certificate-applications/{application['id']}/decision"
        granted = {"granted": True, "because": "符合要求"}
        await story.post(decision, granted, other, status=404)
        await story.post(decision, granted, revoking, status=403)
        decided = await story.post(decision, granted, issuing)
        confirmation = await story.get(f"/v1/confirmations/{decided['confirmation_id']}")
        assert confirmation["record"]["issuer"]["name"]["zh"] == "海南省国家生态文明试验区建设领导小组办公室"
        assert confirmation["record"]["inventory"]["digest"] == inventory["digest"]
        await assert_public(story, confirmation, "《碳中和证明书》", "红树林", "HN-2024")
        assert_done(await story.states())
        withdrawal = f"/v1/confirmations/{confirmation['id']}/withdrawal"
        await story.post(withdrawal, {"because": "抽查不符合要求"}, other, status=404)
        await story.post(withdrawal, {"because": "抽查不符合要求"}, revoking)
        assert "抽查不符合要求" in await story.get(f"/n/{confirmation['id']}")
        assert f"/n/{confirmation['id']}" not in await story.get(f"/events/{story.event['id']}")
        (kept,) = await story.get("units", story.organizer)
        assert kept["state"] == "retired", "the serials stay retired"
        assert (await story.states())["confirm"] == "missing"


async def test_shenzhen_a_state_owned_enterprise_is_certified_by_an_independent_verifier(
    story: Story, database: asyncpg.Pool, config: Config
) -> None:
    await story.begin("深圳", 1000, kind="meeting", host="soe", confirmation="third_party")
    await story.plan(["clean_transport"], {"ccer": 2 * T})
    await story.meet()
    await story.take("clean_transport")
    organization_id, verifying, _ = await verifier(database, config)
    _, rival, _ = await verifier(database, config)
    with story.end():
        await story.account()
        await story.post("verification-reports", report(), verifying, status=404)
        await story.post("engagements", {"verifier_id": str(organization_id)})
        failed = await story.post("verification-reports", report(passed=False, data="no"), verifying)
        assert not failed["passed"]
        await story.retire(await story.enter("ccer", "SX-2024 000001-000001"))
        assert (await story.post("third-party-certificate", {}, verifying, status=422))["code"] == "not_passed"
        await story.post("verification-reports", report(), verifying)
        await story.post("third-party-certificate", {}, rival, status=404)
        confirmation = await story.post("third-party-certificate", {}, verifying)
        await story.mark("disclose", fields=["name", "emissions_g", "confirmation"])
        await story.mark("duty_public_statement")
        await assert_public(story, confirmation, "核查所", "SX-2024")
        assert_done(await story.states())
        (version,) = await story.get("inventories", verifying)
        assert version["state"] == "verified"


async def test_jining_a_meeting_of_two_hundred_declares_itself_and_keeps_to_the_recommended_order(
    story: Story,
) -> None:
    await story.begin("济宁", 200, kind="meeting", host="other", confirmation="self_declaration")
    assert story.event["region"] == "370000"
    assert (await story.get("facts", story.organizer))["rule_place"] == "370800"
    await story.plan(["clean_transport"], {"national_allowance": T})
    await story.meet()
    await story.take("clean_transport")
    with story.end():
        await story.account()
        forest: dict[str, Any] = {"registry": "CCER", "project": "沂蒙林业", "project_place": "370000"}
        await story.enter("ccer", "SD-2024 000001-000005", **forest)
        allowances = await story.enter("national_allowance", "CEA-2025 000001-000001", registry="CN-ETS")
        left = await story.retire(allowances, status=422)
        assert left["code"] == "order_left"
        assert left["clause"]
        await story.mark("order", note="配额已先行购入")
        await story.retire(allowances)
        await story.mark("report_national_allowance")
        await story.mark("publish_retirements")
        await story.mark("duty_reduce_as_planned")
        confirmation = await story.post("declaration", {"truthful": True})
        fields = {each["key"] for each in confirmation["record"]["fields"]}
        asked = {"name", "organizer", "size", "held_at", "boundary", "emissions_g", "offset_method", "neutral_on"}
        assert fields >= asked
        await assert_public(story, confirmation, "CEA-2025")
        assert_done(await story.states())


async def test_shanghai_counts_who_is_on_site_and_labels_the_full_scope(story: Story) -> None:
    said = {"kind": "meeting", "host": "other", "label": "full", "confirmation": "self_declaration"}
    await story.begin("上海", 400, people_online=5_000, **said)
    size = (await story.get("readiness", story.organizer))["standing"]
    assert (size["standing"], size["counted"]) == ("large", 400)
    await story.plan(["green_venue"], {"national_allowance": T}, about="年度技术交流")
    await story.meet()
    await story.take("green_venue")
    with story.end():
        await story.account()
        await story.retire(await story.enter("national_allowance", "CEA-2025 000001-000001", registry="CN-ETS"))
        await story.mark("duty_traceable_data")
        await story.mark("duty_keep_records")
        confirmation = await story.post("declaration", {"truthful": True})
        assert confirmation["record"]["label"] == "full"
        await assert_public(story, confirmation, "CEA-2025", "全口径")
        assert_done(await story.states())


async def test_shanxi_an_official_meeting_is_covered_by_citizens_alone(story: Story) -> None:
    said = {"kind": "official_meeting", "host": "government", "confirmation": "self_declaration"}
    await story.begin("太原", 80, **said)
    await story.plan(["clean_transport"], {"citizen_credits": 500}, surplus="return")
    await story.meet(kwh="1")
    await story.take("clean_transport")
    donors = [await story.citizen() for _ in range(3)]
    for donor in donors:
        headers = await story.headers(donor)
        ride = await log_action(story.client, headers, region=SHANXI, action="shared_bike", quantity=5_000)
        assert ride.status_code == 201, ride.text
    with story.end():
        need = (await story.account())["reported_g"]
        gift = {"grams": 500}
        await story.post("donations", gift, donors[0])
        await story.fold()
        await story.post("donations", {"grams": need - 500}, donors[1])
        await story.fold()
        covered = await story.post("donations", gift, donors[2], status=422)
        assert covered["code"] == "event_covered"
        certificate = {"grams": need, "beneficiary": "会务组", "purpose": "抵销公务会议排放"}
        retired = await story.post("retirements", certificate)
        await story.mark("publish_retirements")
        await story.mark("disclose", fields=["name", "emissions_g", "offset_method"])
        await story.mark("duty_announce")
        confirmation = await story.post("declaration", {"truthful": True})
        await assert_public(story, confirmation, retired["blocks"][0]["serials"])
        assert_done(await story.states())
        record = msgspec.json.decode((await story.client.get(f"/v1/confirmations/{confirmation['id']}/record")).content)
        assert [each["unit"] for each in record["record"]["offsets"]] == ["citizen_credits"]


async def test_a_sixth_place_is_there_by_its_pack_alone(story: Story) -> None:
    await story.begin("广州", 500, kind="meeting", host="other")
    found = await story.get("readiness", story.organizer)
    assert (found["rule"]["id"], found["rule"]["region"]) == ("guangdong", "440000")
    assert found["next"]
