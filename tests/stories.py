"""Events from their plan to their certificate, over HTTP alone: each step as its people would take it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import time_machine

from service import tallies
from service.codes import poster_code
from service.config import Config
from service.db import transaction
from tests.confirming import headers_of, organization, someone
from tests.people import Headers, key

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
ON_FOOT = {"part": "journey", "legs": [{"mode": "walk", "distance_m": 1_000}], "round_trip": True}


class Story:
    """An event of an organization of its own, with who organizes it. It is open now, and over when `end` is called."""

    def __init__(self, client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config) -> None:
        self.client, self.pool, self.config = client, pool, config
        self.event: dict[str, Any] = {}
        self.organizer: UUID

    @property
    def url(self) -> str:
        """Where the event is."""
        return f"/v1/events/{self.event['id']}"

    async def begin(self, place: str, people: int, **facts: Any) -> Story:
        """Make the event, and say what decides how its place's rule takes it."""
        organization_id, self.organizer, _ = await organization(self.pool, self.config, "会务组")
        now = datetime.now(UTC)
        hours = {
            "opens_at": (now - timedelta(hours=1)).isoformat(),
            "closes_at": (now + timedelta(hours=1)).isoformat(),
        }
        said = {
            "organization_id": str(organization_id),
            "name": "零碳会议",
            "kind": facts["kind"],
            "place": place,
            "venue": "会议中心",
            "time_zone": "Asia/Shanghai",
            "expected_people": people,
            "hours": [hours],
            "gates": ["A"],
        }
        self.event = await self.post("/v1/events", said)
        await self.post("facts", {"people_on_site": people, **facts})
        return self

    async def post(
        self, path: str, body: Any = None, who: UUID | None = None, status: int = 201, **query: str
    ) -> dict[str, Any]:
        """Ask for a change, as the organizer unless another is named; the answer, which has this status."""
        headers = await self.headers(who or self.organizer)
        sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        answer = await self.client.post(self.at(path), headers=headers | key(), params=query, **sent)
        assert answer.status_code == status, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, who: UUID | None = None) -> Any:
        """Read, as nobody unless someone is named."""
        answer = await self.client.get(self.at(path), headers=await self.headers(who) if who else {})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def at(self, path: str) -> str:
        """A path of the event's, or a whole one."""
        return path if path.startswith("/") else f"{self.url}/{path}"

    async def headers(self, member: UUID) -> Headers:
        """Who calls, with the roles that they have by now."""
        async with self.pool.acquire() as connection:
            return await headers_of(connection, self.config, member)

    async def citizen(self) -> UUID:
        """Somebody."""
        async with transaction(self.pool) as connection:
            return (await someone(connection, self.config))[0]

    async def plan(self, measures: list[str], offsets: dict[str, int], **said: Any) -> dict[str, Any]:
        """Write the plan, which lacks nothing, and publish it."""
        surplus = said.pop("surplus", "keep")
        body = {
            "boundary": {"scope": "full", "stages": ["prepare", "hold", "close"]},
            "estimate_g": sum(offsets.values()),
            "measures": measures,
            "offsets": offsets,
            "target_date": (datetime.now(UTC) + timedelta(days=90)).date().isoformat(),
            **said,
        }
        made = await self.post("plan", body)
        assert made["missing"] == []
        await self.post("plan/publication", {"number": made["number"], "surplus": surplus})
        return made

    async def meet(self, kwh: str = "1000") -> None:
        """Someone comes in on foot, and electricity is used."""
        code = poster_code(self.config, self.event["gates"][0]["short_code"])
        await self.post("check-ins", {"code": code, "trip": ON_FOOT}, await self.citizen())
        line = {"item": "electricity", "quantity": kwh, "unit": "kWh", "rank": "measured"}
        await self.post("activity-data", {"lines": [line]})
        await self.post("head-counts", {"people": 1, "how": "门口计数"})

    async def take(self, measure: str) -> None:
        """A measure of the catalogue is done, with its proof."""
        today = datetime.now(UTC).date() - timedelta(days=1)
        proof = await self.file("measure.pdf")
        said = {"key": measure, "state": "done", "what": "全部照办", "done_on": today.isoformat(), "file_id": proof}
        await self.post("measures", said)

    async def file(self, name: str) -> str:
        """A file is handed in."""
        made = await self.post("files", PDF, name=name, purpose="proof")
        return str(made["id"])

    async def account(self) -> dict[str, Any]:
        """Submit the inventory as it is."""
        return await self.post("inventories", {})

    async def fold(self) -> None:
        """The workers come by."""
        async with transaction(self.pool) as connection:
            await tallies.fold(connection, UUID(self.event["id"]))

    async def enter(self, unit: str, serials: str, status: int = 201, **said: Any) -> dict[str, Any]:
        """Units that the organizer has."""
        body = {"registry": "CCER", "project": "林业项目", "vintage": 2024, "project_place": "140000", **said}
        return await self.post("units", {"unit": unit, "serials": serials, **body}, status=status)

    async def retire(self, units: dict[str, Any], status: int = 201) -> dict[str, Any]:
        """They were retired in their registry, which the proof shows."""
        today = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        said = {"retired_on": today, "reference": "注销单 7", "file_id": await self.file("retired.pdf")}
        return await self.post(f"units/{units['id']}/retirement", said, status=status)

    async def mark(self, key_: str, **said: Any) -> None:
        """Something was done outside."""
        today = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        await self.post("marks", {"key": key_, "note": "已办", "done_on": today, **said})

    async def states(self) -> dict[str, str]:
        """The checklist: the state of each step."""
        found = await self.get("readiness", self.organizer)
        return {each["key"]: each["state"] for each in found["steps"]}

    def end(self) -> time_machine.travel:
        """Two days later: the event is over."""
        return time_machine.travel(datetime.now(UTC) + timedelta(days=2), tick=True)
