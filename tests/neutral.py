"""Events under a place's rule, made and told of through HTTP."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from service.schedules import CHINA
from tests.people import Headers, key

FACTS = {"kind": "meeting", "host": "other", "people_on_site": 450}
PLAN = {
    "about": "年会",
    "boundary": {"scope": "full", "stages": ["prepare", "hold", "close"]},
    "estimate_g": 50_000_000,
    "measures": ["other"],
    "offsets": {"ccer": 50_000_000},
}


def days_from_now(days: int) -> date:
    """A day in China so long from now."""
    return datetime.now(CHINA).date() + timedelta(days=days)


async def held(
    client: httpx.AsyncClient,
    organizer: Headers,
    organization_id: UUID,
    place: str,
    first: date,
    *,
    days: int = 1,
    zone: str = "Asia/Shanghai",
    **more: Any,
) -> str:
    """An event that opens at nine for so many days; its id."""
    opens = [
        datetime(first.year, first.month, first.day, 9, tzinfo=ZoneInfo(zone)) + timedelta(days=n) for n in range(days)
    ]
    body = {
        "organization_id": str(organization_id),
        "name": "年会",
        "kind": "meeting",
        "place": place,
        "venue": "会议中心",
        "time_zone": zone,
        "expected_people": 450,
        "hours": [{"opens_at": at.isoformat(), "closes_at": (at + timedelta(hours=9)).isoformat()} for at in opens],
        "gates": ["A"],
        **more,
    }
    return str((await say(client, organizer, "/v1/events", body))["id"])


async def say(client: httpx.AsyncClient, caller: Headers, url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Write something and read the answer, which must be good."""
    answer = await client.post(url, json=body, headers=caller | key())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(
    client: httpx.AsyncClient, caller: Headers, url: str, body: dict[str, Any], code: str
) -> dict[str, Any]:
    """Write something that is refused with that code; the problem document."""
    answer = await client.post(url, json=body, headers=caller | key())
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, answer.text
    assert answer.status_code == problem["status"]
    return problem


async def ready(client: httpx.AsyncClient, caller: Headers, event_id: str) -> dict[str, Any]:
    """The checklist."""
    answer = await client.get(f"/v1/events/{event_id}/readiness", headers=caller)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step(found: dict[str, Any], name: str) -> dict[str, Any]:
    """A step of the checklist."""
    (each,) = [each for each in found["steps"] if each["key"] == name]
    return dict(each)


async def plan(
    client: httpx.AsyncClient, organizer: Headers, event_id: str, *, surplus: str = "keep", **more: Any
) -> dict[str, Any]:
    """Save a plan that lacks nothing, and publish it."""
    measure = {"key": "other", "state": "planned", "what": "电子会议材料"}
    await say(client, organizer, f"/v1/events/{event_id}/measures", measure)
    made = await say(client, organizer, f"/v1/events/{event_id}/plan", PLAN | more)
    body = {"number": made["number"], "surplus": surplus}
    return await say(client, organizer, f"/v1/events/{event_id}/plan/publication", body)
