"""Facts, plan, measures and marks through HTTP, and the checklist that follows of them, with its clauses."""

from __future__ import annotations

from datetime import timedelta

import httpx

from tests.neutral import FACTS, PLAN, days_from_now, held, plan, ready, refused, say, step
from tests.people import WANG, found_organization


async def test_jining_at_its_boundaries_by_what_is_said_of_the_event(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "济宁", days_from_now(40))
    standing = {}
    for people in (199, 200, 499, 500):
        await say(client, wang, f"/v1/events/{event}/facts", FACTS | {"people_on_site": people})
        found = (await ready(client, wang, event))["standing"]
        standing[people] = (found["standing"], [each["key"] for each in found["confirmations"]])
    assert standing == {
        199: ("voluntary", ["self_declaration"]),
        200: ("covered", ["self_declaration"]),
        499: ("covered", ["self_declaration"]),
        500: ("large", ["third_party"]),
    }
    found = await ready(client, wang, event)
    assert found["rule"]["title"]["zh"] == "关于推动开展济宁市大型活动碳中和工作的实施方案（试行）"
    assert found["standing"]["ground"]["clause"] == "三、实施范围（一）"
    assert found["place"] == "370800"
