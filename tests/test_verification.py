"""A registered and independent verifier checks and certifies; an office issues what is applied for."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from scenarios.policies.verification import checklist
from service import engagements, verification_reports
from service.access import Caller
from service.config import Config
from service.db import transaction
from service.errors import Refusal
from service.verification_reports import NewReport
from tests.books import open_member
from tests.confirming import (
    BECAUSE,
    Held,
    answers,
    headers_of,
    neutral,
    officer,
    organization,
    register,
    report,
    submit,
    verifier,
)
from tests.people import Headers
from tests.test_confirmations import declare, post, record_in

GRANTED, REFUSED = {"granted": True, "because": "材料齐全"}, {"granted": False, "because": "材料不全"}


async def engage(client: httpx.AsyncClient, own: Held, verifier_id: UUID) -> httpx.Response:
    """The organizer engages a verifier."""
    return await post(client, own.headers, f"{own.url}/engagements", {"verifier_id": str(verifier_id)})


async def code_of(asked: Any) -> str:
    """The code of a refusal."""
    return str((await asked).json()["code"])


def test_the_checklist_is_drawn_from_clauses() -> None:
    found = checklist()
    assert len(found.items) == 12
    assert all(each.citations and each.citations[0].clause for each in found.items)
    assert {"measures", "computation", "retirement", "independent"} <= {each.key for each in found.items}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"checklist": answers()[1:]}, "checklist_incomplete"),
        ({"checklist": [*answers(), answers()[0]]}, "checklist_incomplete"),
        ({"checklist": [*answers()[1:], {"key": "weather", "answer": "yes"}]}, "checklist_incomplete"),
        ({"checklist": answers(enough="na")}, "item_not_skippable"),
        ({"checklist": [each | {"remark": " "} for each in answers(data="no")], "passed": False}, "remark_missing"),
        ({"checklist": answers(data="no")}, "passed_despite"),
    ],
)
def test_a_checklist_is_answered_whole_and_agrees_with_the_verdict(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        verification_reports.check_answers(msgspec.convert(report() | given, NewReport))
    assert refused.value.code == code
    verification_reports.check_answers(msgspec.convert(report(used_once="na", head_counts="na"), NewReport))


async def test_a_verifier_is_registered_here_and_shares_nobody(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "310000")
    place, member, _ = await verifier(database, config, "310000")
    elsewhere, _, _ = await verifier(database, config, "460000")
    nobody, _, _ = await organization(database, config, "没有登记")
    for each in (elsewhere, nobody):
        assert await code_of(engage(client, own, each)) == "verifier_not_registered"
    await register(database, place, member, "310000", registered=False)
    assert await code_of(engage(client, own, place)) == "verifier_not_registered"
    await register(database, place, member, "310000")
    await register(database, (own_id := own.event.organization_id), own.member, None)
    assert await code_of(engage(client, own, own_id)) == "verifier_not_independent"
    await database.execute("INSERT INTO organization_members VALUES ($1, $2, 'gate')", place, own.member)
    assert await code_of(engage(client, own, place)) == "verifier_not_independent"
    await database.execute("DELETE FROM organization_members WHERE organization_id = $1 AND role = 'gate'", place)
    named = (await client.get(f"{own.url}/verifiers", headers=own.headers)).json()
    assert {each["id"] for each in named} == {str(place), str(own_id)}
    both = await asyncio.gather(engage(client, own, place), engage(client, own, place))
    assert sorted(each.status_code for each in both) == [201, 409]
    assert [each.json()["code"] for each in both if each.status_code == 409] == ["engaged_already"]


async def test_an_engaged_verifier_reads_reports_and_certifies(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "310000", label="full")
    verifier_id, _, headers = await verifier(database, config)
    certificate, reports = f"{own.url}/third-party-certificate", f"{own.url}/verification-reports"
    assert (await client.get(f"{own.url}/inventories", headers=headers)).status_code == 404
    assert (await post(client, headers, reports, report())).status_code == 404
    engaged = (await engage(client, own, verifier_id)).json()
    assert [each["id"] for each in (await client.get("/v1/engagements", headers=headers)).json()] == [engaged["id"]]
    assert (await client.get(f"{own.url}/inventories/1", headers=headers)).status_code == 200
    refused = (await post(client, headers, certificate)).json()
    assert (refused["code"], refused["clause"]) == ("not_passed", "第十五条")
    failed = (await post(client, headers, reports, report(data="no", passed=False))).json()
    assert (failed["number"], failed["passed"], failed["by"]) == (1, False, "verification 2026.1")
    assert await code_of(post(client, headers, certificate)) == "not_passed"
    await submit(database, own, "补了一行", quantity="2")
    assert await code_of(post(client, headers, reports, report())) == "version_overtaken"
    assert (await post(client, headers, reports, report(2))).status_code == 201
    states = [each["state"] for each in (await client.get(f"{own.url}/inventories", headers=headers)).json()]
    assert states == ["verified", "submitted"]
    assert (await post(client, own.headers, certificate)).status_code == 403
    record = record_in(await post(client, headers, certificate))
    assert (record["way"], record["issuer"]["kind"], record["issuer"]["name"]["zh"]) == (
        "third_party",
        "verifier",
        "核查所",
    )
    assert (record["checked"], record["label"], record["inventory"]["number"]) == ("verification 2026.1 · 2", "full", 2)
    seen = (await client.get(reports, headers=own.headers)).json()
    assert [each["passed"] for each in seen] == [True, False]
    ended = await post(client, own.headers, f"{own.url}/engagements/{engaged['id']}/ending")
    assert ended.json()["ended_at"]
    assert await code_of(post(client, own.headers, f"{own.url}/engagements/{engaged['id']}/ending")) == (
        "engagement_ended"
    )
    assert (await client.get(f"{own.url}/inventories", headers=headers)).status_code == 404
    url = f"/v1/confirmations/{record['id']}/withdrawal"
    assert (await post(client, own.headers, url, BECAUSE)).status_code == 403
    assert (await post(client, headers, url, BECAUSE)).json()["withdrawal"]["by"] == "issuer"


async def test_who_joins_the_organizer_verifies_no_more(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "310000", label="full")
    verifier_id, member, headers = await verifier(database, config)
    await engage(client, own, verifier_id)
    await post(client, headers, f"{own.url}/verification-reports", report())
    await database.execute(
        "INSERT INTO organization_members VALUES ($1, $2, 'viewer')", own.event.organization_id, member
    )
    for url, body in ((f"{own.url}/verification-reports", report()), (f"{own.url}/third-party-certificate", {})):
        assert await code_of(post(client, headers, url, body)) == "verifier_not_independent"
    await database.execute("DELETE FROM organization_members WHERE member_id = $1 AND role = 'viewer'", member)
    await register(database, verifier_id, member, None, registered=False)
    async with transaction(database) as connection:
        with pytest.raises(engagements.VerifierNotRegistered):
            await engagements.live(connection, Caller(member, frozenset()), own.event.id)


async def test_hainans_certificate_is_applied_for_and_granted_by_its_office(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "460000", host="government", people_on_site=500)
    assert await code_of(declare(client, own)) == "way_not_open"
    url = f"{own.url}/certificate-applications"
    twice = await asyncio.gather(post(client, own.headers, url), post(client, own.headers, url))
    assert sorted(each.status_code for each in twice) == [201, 409]
    assert [each.json()["code"] for each in twice if each.status_code == 409] == ["applied_already"]
    first = next(each for each in twice if each.status_code == 201).json()
    assert [each["key"] for each in first["content"]["fields"]][-1] == "offset_method"
    _, inspects = await officer(database, config, "460000", "inspects")
    issuer, issues = await officer(database, config, "460000", "issues")
    _, city = await officer(database, config, "460100", "issues")
    decision = f"{url}/{first['id']}/decision"
    assert [(await post(client, each, decision, GRANTED)).status_code for each in (own.headers, inspects, city)] == [
        403,
        403,
        403,
    ]
    waiting = (await client.get("/v1/certificate-applications", headers=issues)).json()
    assert [each["id"] for each in waiting] == [first["id"]]
    refused = (await post(client, issues, decision, REFUSED)).json()
    assert (refused["granted"], refused["because"], refused["confirmation_id"]) == (False, "材料不全", None)
    assert await code_of(post(client, issues, decision, GRANTED)) == "decided_already"
    second = (await post(client, own.headers, url)).json()
    await submit(database, own, "补了一行", quantity="2")
    decision = f"{url}/{second['id']}/decision"
    assert await code_of(post(client, issues, decision, GRANTED)) == "application_overtaken"
    assert (await post(client, issues, decision, REFUSED)).status_code == 201
    third = (await post(client, own.headers, url)).json()
    decision = f"{url}/{third['id']}/decision"
    await database.execute(
        "INSERT INTO organization_members VALUES ($1, $2, 'gate')", own.event.organization_id, issuer
    )
    assert await code_of(post(client, issues, decision, GRANTED)) == "own_event"
    await database.execute("DELETE FROM organization_members WHERE member_id = $1", issuer)
    decided = await asyncio.gather(*(post(client, issues, decision, GRANTED) for _ in range(3)))
    assert sorted(each.status_code for each in decided) == [201, 409, 409]
    granted = next(each for each in decided if each.status_code == 201).json()
    made = (await client.get(f"/v1/confirmations/{granted['confirmation_id']}")).json()
    assert made["record"]["issuer"]["name"]["zh"] == "海南省国家生态文明试验区建设领导小组办公室"
    assert made["record"]["way_name"]["zh"] == "《碳中和证明书》"
    withdrawal = f"/v1/confirmations/{made['id']}/withdrawal"
    assert (await post(client, own.headers, withdrawal, BECAUSE)).status_code == 403
    assert (await post(client, issues, withdrawal, BECAUSE)).json()["withdrawal"]["by"] == "issuer"


async def test_another_verifiers_member_gets_in_nowhere(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "310000", label="full")
    verifier_id, _, _ = await verifier(database, config)
    _, _, other = await verifier(database, config)
    engaged = (await engage(client, own, verifier_id)).json()
    for url in ("inventories", "engagements", "verification-reports", "declaration"):
        assert (await client.get(f"{own.url}/{url}", headers=other)).status_code == 404
    attempts: list[tuple[str, Any]] = [
        ("verification-reports", report()),
        ("third-party-certificate", {}),
        (f"engagements/{engaged['id']}/ending", None),
    ]
    for url, body in attempts:
        assert (await post(client, other, f"{own.url}/{url}", body)).status_code == 404
    strange: Headers = await late(database, config)
    assert (await client.get("/v1/engagements", headers=strange)).status_code == 403


async def late(database: asyncpg.Pool, config: Config) -> Headers:
    """A citizen's header."""
    async with transaction(database) as connection:
        member = await open_member(connection)
        return await headers_of(connection, config, member)
