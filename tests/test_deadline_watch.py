"""Deadlines as workers watch them: calendar months in the event's own zone, each reminder told once."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from scenarios.meeting import rule_files
from service import plans
from service.db import encode_json, new_id
from tests.neutral import FACTS, days_from_now, held, ready, say, step
from tests.people import WANG, found_organization
from workers import watching

SHANGHAI = (rule_files.FOLDER / "shanghai.toml").read_text("utf-8")


async def notices(pool: asyncpg.Pool, event: str) -> list[tuple[str, str, int]]:
    """What was told of an event, in order: kind, last day, days left."""
    rows = await pool.fetch(
        "SELECT kind, about FROM event_notices WHERE event_id = $1 ORDER BY made_at, id", UUID(event)
    )
    told = [(row["kind"], msgspec.json.decode(row["about"])) for row in rows]
    return [(kind, about["due_on"], about["days"]) for kind, about in told]


async def test_reminders_come_once_and_months_end_where_the_event_is(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """Six months from the last of August end on the leap day. In Urumqi's time it is over at 22:00 UTC."""
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "济宁", date(2027, 8, 31), zone="Asia/Urumqi")
    other = await held(client, wang, firm, "济宁", date(2027, 8, 31))
    await say(client, wang, f"/v1/events/{event}/facts", FACTS)
    assert await watching.sweep(database, datetime(2027, 11, 30, tzinfo=UTC)) == 0
    day = datetime(2027, 12, 1, tzinfo=UTC)
    told = await asyncio.gather(*(watching.sweep(database, day) for _ in range(3)))
    assert sorted(told) == [0, 0, 1]
    assert await notices(database, event) == [("reminder", "2028-02-29", 90)]
    assert await watching.sweep(database, datetime(2028, 2, 27, tzinfo=UTC)) == 1, "of those missed, the newest alone"
    assert await watching.sweep(database, datetime(2028, 2, 29, 21, 59, tzinfo=UTC)) == 1
    assert await notices(database, event) == [
        ("reminder", "2028-02-29", 90),
        ("reminder", "2028-02-29", 2),
        ("reminder", "2028-02-29", 0),
    ]
    assert await watching.sweep(database, datetime(2028, 2, 29, 22, tzinfo=UTC)) == 1
    assert (await notices(database, event))[-1] == ("overdue", "2028-02-29", -1)
    assert await watching.sweep(database, datetime(2028, 6, 1, tzinfo=UTC)) == 0
    assert await notices(database, other) == [], "nobody began to make it neutral"
    found = await ready(client, wang, event)
    assert found["notices"][0]["what"]["zh"] == "实现碳中和：原则上不晚于大型活动结束后6个月内"
    assert (found["notices"][0]["kind"], found["notices"][0]["days"]) == ("overdue", -1)
    others = {
        "withdrawn": ({"by": "authority", "because": "抽查不符"}, "碳中和的确认被撤销：抽查不符"),
        "units_returned": ({"class": "ccer", "grams": 1_500_000, "because": "x"}, "1.5 吨不再符合规则，已退回"),
        "credits_returned": ({"donations": 3, "grams": 7}, "多于所需的捐赠 0.000007 吨已退回捐赠者"),
    }
    for kind, (about, text) in others.items():
        await database.execute(
            "INSERT INTO event_notices (id, event_id, kind, key, about, made_at) VALUES ($1, $2, $3, 'k', $4, $5)",
            new_id(),
            UUID(event),
            kind,
            encode_json(about),
            datetime(2028, 7, 1, tzinfo=UTC),
        )
        assert text in (await ready(client, wang, event))["notices"][0]["what"]["zh"]


async def test_a_rule_that_asks_for_the_newest_switches_and_says_what_it_newly_asks(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """Shanghai, 第二十条: a plan published under an earlier version is held to the one in force now."""
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "上海", days_from_now(40))
    await say(client, wang, f"/v1/events/{event}/facts", FACTS)
    target = '    { key = "target_date", label = { zh = "预期实现碳中和时间", en = "When neutrality is expected" } },\n'
    assert target in SHANGHAI
    earlier = SHANGHAI.replace(target, "").replace("months = 12", "months = 6")
    earlier = earlier.replace("valid_from = 2025-07-09", "valid_from = 2024-01-01\nvalid_to = 2025-07-08")
    await published_under(database, event, earlier.encode(), datetime(2024, 6, 1, tzinfo=UTC))
    found = await ready(client, wang, event)
    assert found["rule"]["valid_from"] == "2025-07-09"
    assert found["switch"]["before"]["valid_from"] == "2024-01-01"
    asked = [each["zh"] for each in found["switch"]["asks"]]
    assert asked == ["预期实现碳中和时间", "实现碳中和：原则上不晚于大型活动结束后一年内"]
    assert found["switch"]["ground"]["clause"] == "第二十条"
    assert found["switch"]["switched_at"] is None
    assert "预期实现碳中和时间" in step(found, "rule_changed")["todo"]["zh"]
    now = datetime.now(UTC)
    assert sorted(await asyncio.gather(watching.sweep(database, now), watching.sweep(database, now))) == [0, 1]
    assert await database.fetchval("SELECT count(*) FROM rule_switches") == 1
    assert (await ready(client, wang, event))["switch"]["switched_at"] is not None


async def published_under(pool: asyncpg.Pool, event: str, rule: bytes, at: datetime) -> None:
    """A plan as it was published then, under that file."""
    read: Any = rule_files.read_rule(rule, "earlier")
    digest = bytes.fromhex(read.digest)
    member = await pool.fetchval("SELECT founded_by FROM organizations")
    await pool.execute(
        "INSERT INTO pinned_packs (digest, kind, id, version, content) VALUES ($1, 'rule', 'shanghai', '2024', $2)",
        digest,
        rule,
    )
    await pool.execute(
        "INSERT INTO neutrality_plans (event_id, number, content, made_by, made_at) VALUES ($1, 1, $2, $3, $4)",
        UUID(event),
        encode_json(plans.PlanContent(about="年会")),
        member,
        at,
    )
    await pool.execute(
        """
        INSERT INTO plan_publications (event_id, number, rule, surplus, estimate_g, published_by, published_at)
        VALUES ($1, 1, $2, 'keep', 0, $3, $4)
        """,
        UUID(event),
        digest,
        member,
        at,
    )
