"""Review and appeal: decided once, by somebody else, with a reason; settled at once; the queue in a useful order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from scenarios.actions.methodologies import methodology_for
from service import action_rows, appeals, erasures, operators, reviewers
from service.config import Config
from service.db import transaction
from service.errors import NotFound
from tests.people import ANNA, HAN, LI, WANG, ZHAO, Headers, key
from tests.reviewing import NOON, hand_in, hold, known_as, picture


@pytest.fixture
async def reviewer(database: asyncpg.Pool, config: Config) -> Headers:
    """赵局, who reviews acts in Beijing."""
    return await officer(database, config, ZHAO, "110000")


@pytest.fixture
async def second(database: asyncpg.Pool, config: Config) -> Headers:
    """Another reviewer of Beijing."""
    return await officer(database, config, WANG, "110000")


async def officer(pool: asyncpg.Pool, config: Config, phone: str, region: str) -> Headers:
    async with transaction(pool) as connection:
        await operators.appoint_authority(connection, config, phone, region)
    return (await known_as(pool, config, phone))[1]


async def decide(
    client: httpx.AsyncClient, who: Headers, act: UUID, decision: str = "refused", round_: int = 1, why: str = "看不清"
) -> httpx.Response:
    body = {"decision": decision, "because": why, "round": round_}
    return await client.post(f"/v1/actions/{act}/reviews", json=body, headers=who | key())


async def appeal(client: httpx.AsyncClient, who: Headers, act: UUID) -> httpx.Response:
    return await client.post(f"/v1/actions/{act}/appeals", json={"because": "照片很清楚"}, headers=who | key())


async def balance(client: httpx.AsyncClient, who: Headers) -> int:
    grams: int = (await client.get("/v1/me", headers=who)).json()["balance_g"]
    return grams


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def waiting(client: httpx.AsyncClient, who: Headers, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/v1/reviews{query}", headers=who)).json()["acts"]
    return found


@pytest.mark.parametrize(
    ("decision", "state"), [("proven", "credited"), ("self_declared", "credited"), ("refused", "refused")]
)
async def test_a_decision_settles_the_act_and_its_citizen_reads_why(
    decision: str, state: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li, photos=[await hand_in(client, by_li, picture())])
    done = await decide(client, reviewer, act, decision, why="照片与行为相符")
    assert done.status_code == 201, done.text
    told = (await client.get(f"/v1/actions/{act}/reviews", headers=by_li)).json()
    assert told == done.json()
    assert (told["state"], told["reviews"][0]["decision"]) == (state, decision)
    assert told["reviews"][0]["because"] == "照片与行为相符"
    assert set(told["reviews"][0]) == {"round", "decision", "because", "decided_at"}
    assert (told["appeal_by"] is not None) == (decision == "refused")
    grams = await database.fetchval("SELECT reduction_g FROM actions WHERE id = $1", act)
    assert await balance(client, by_li) == grams
    assert (grams > 0) == (state == "credited")
    assert code_of(await decide(client, reviewer, act, decision)) == (409, "already_reviewed")


async def test_proven_earns_more_than_self_declared_and_needs_something_that_proves(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    bare = await hold(database, li)
    assert code_of(await decide(client, reviewer, bare, "proven")) == (422, "nothing_proves")
    await decide(client, reviewer, bare, "self_declared")
    half = await balance(client, by_li)
    digest = await hand_in(client, by_li, picture())
    await decide(client, reviewer, await hold(database, li, photos=[digest], family=None), "proven")
    assert await balance(client, by_li) - half > half > 0


async def test_who_may_decide(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li, region="420100")
    elsewhere = await officer(database, config, HAN, "430000")
    anna, _ = await known_as(database, config, ANNA)
    await database.execute("INSERT INTO authority_members (member_id, region) VALUES ($1, '420200')", anna)
    _, other_city = await known_as(database, config, ANNA)
    province = await officer(database, config, ZHAO, "420000")
    for who, expected in ((by_li, (403, "not_allowed")), ({}, (401, "not_signed_in"))):
        assert code_of(await decide(client, who, act)) == expected
    for who in (elsewhere, other_city):
        assert code_of(await decide(client, who, act)) == (404, "not_found")
        assert code_of(await client.get(f"/v1/actions/{act}/reviews", headers=who)) == (404, "not_found")
        assert await waiting(client, who) == []
    assert [each["action_id"] for each in await waiting(client, province)] == [str(act)]
    assert code_of(await decide(client, province, uuid4())) == (404, "not_found")
    assert (await decide(client, province, act)).status_code == 201


@pytest.mark.parametrize(
    ("region", "pattern"),
    [("420000", "42%"), ("420100", "4201%"), ("500000", "50%"), ("420106", "420106%"), ("301000", "3010%")],
)
def test_a_place_has_its_own_code_and_those_within(region: str, pattern: str) -> None:
    assert reviewers.places_within(region) == pattern


async def test_nobody_reviews_their_own_act(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    zhao, _ = await known_as(database, config, ZHAO)
    act = await hold(database, zhao)
    assert await waiting(client, reviewer) == []
    assert code_of(await decide(client, reviewer, act, "self_declared")) == (403, "own_act")
    assert await database.fetchval("SELECT state FROM actions") == "in_review"


async def test_of_reviewers_at_once_one_decides(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers, second: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li)
    answers = await asyncio.gather(
        *(decide(client, who, act, decision) for who in (reviewer, second) for decision in ("self_declared", "refused"))
    )
    assert sorted(map(code_of, answers)) == [(201, ""), *[(409, "already_reviewed")] * 3]
    assert await database.fetchval("SELECT count(*) FROM action_reviews") == 1
    won = next(each for each in answers if each.status_code == 201).json()
    assert (await balance(client, by_li) > 0) == (won["state"] == "credited")


async def test_a_decision_sent_twice_is_made_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, _ = await known_as(database, config, LI)
    act, once = await hold(database, li), reviewer | key()
    body = {"decision": "self_declared", "because": "可信"}
    first, again = [await client.post(f"/v1/actions/{act}/reviews", json=body, headers=once) for _ in range(2)]
    assert first.status_code == 201
    assert first.content == again.content


async def test_an_act_that_was_overtaken_meanwhile_is_no_longer_decided(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act, better = await hold(database, li), await hold(database, li, family=None)
    async with transaction(database) as connection:
        await action_rows.overtake(connection, {act: better}, datetime.now(UTC))
    assert code_of(await decide(client, reviewer, act, "self_declared")) == (409, "not_in_review")
    assert await balance(client, by_li) == 0


@pytest.mark.parametrize("why", ["", "   ", "x" * 501, "a\nb", "\x00"])
async def test_a_decision_has_a_reason(
    why: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    act = await hold(database, (await known_as(database, config, LI))[0])
    assert code_of(await decide(client, reviewer, act, why=why)) == (400, "bad_input")


# the queue ------------------------------------------------------------------------------------------------------------


async def test_appeals_come_first_then_what_waits_too_long_then_the_most_at_stake(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers, second: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    han, _ = await known_as(database, config, HAN)
    now = datetime.now(UTC)
    small = await hold(database, li, grams=100, family=None)
    old = await hold(database, li, grams=5, family=None, logged_at=now - timedelta(days=4))
    large = await hold(database, han, grams=900, because="improbable_walking_speed")
    older = await hold(database, li, grams=100, family=None, logged_at=now - timedelta(hours=1))
    appealed = await hold(database, li, grams=1, family=None)
    await decide(client, second, appealed)
    await appeal(client, by_li, appealed)
    found = await waiting(client, reviewer)
    assert [UUID(each["action_id"]) for each in found] == [appealed, old, large, older, small]
    assert [each["late"] for each in found] == [False, True, False, False, False]
    assert [each["round"] for each in found] == [2, 1, 1, 1, 1]
    assert found[2]["held_because"] == "improbable_walking_speed"
    assert found[0]["appeal"] == "照片很清楚"
    assert len({each["who"] for each in found}) == 2
    assert [UUID(each["action_id"]) for each in await waiting(client, second)] == [old, large, older, small]
    assert str(li) not in str(found)
    assert LI[-4:] not in found[0]["who"]


async def test_the_queue_is_read_page_by_page(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, _ = await known_as(database, config, LI)
    acts = [await hold(database, li, grams=10 * (n // 2), family=None) for n in range(5)]
    read, cursor = [], ""
    for _ in range(4):
        page = (await client.get(f"/v1/reviews?limit=2{cursor}", headers=reviewer)).json()
        read += [UUID(each["action_id"]) for each in page["acts"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert read == [acts[4], acts[2], acts[3], acts[0], acts[1]]
    for wrong in ("x", "eA", "W10", "bnVsbA"):
        answer = await client.get(f"/v1/reviews?cursor={wrong}", headers=reviewer)
        assert code_of(answer) == (400, "cursor_unknown")


# appeal ---------------------------------------------------------------------------------------------------------------


async def test_an_appeal_is_decided_by_somebody_else_and_for_good(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers, second: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li, photos=[await hand_in(client, by_li, picture())])
    await decide(client, reviewer, act)
    opened = await appeal(client, by_li, act)
    assert (opened.status_code, opened.json()["state"]) == (201, "in_review")
    assert code_of(await appeal(client, by_li, act)) == (409, "already_appealed")
    assert code_of(await decide(client, reviewer, act, "proven", round_=2)) == (403, "same_reviewer")
    assert code_of(await decide(client, second, act, "proven", round_=1)) == (409, "already_reviewed")
    done = await decide(client, second, act, "proven", round_=2)
    assert [each["round"] for each in done.json()["reviews"]] == [1, 2]
    assert (done.json()["state"], done.json()["appeal_by"]) == ("credited", None)
    assert await balance(client, by_li) > 0
    assert code_of(await appeal(client, by_li, act)) == (409, "already_appealed")


async def test_a_second_refusal_is_final(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers, second: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li)
    await decide(client, reviewer, act)
    await appeal(client, by_li, act)
    done = await decide(client, second, act, round_=2)
    assert (done.json()["state"], done.json()["appeal_by"]) == ("refused", None)
    assert code_of(await appeal(client, by_li, act)) == (409, "already_appealed")


async def test_of_appeals_at_once_one_is_made(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li)
    await decide(client, reviewer, act)
    answers = await asyncio.gather(*(appeal(client, by_li, act) for _ in range(4)))
    assert sorted(map(code_of, answers)) == [(201, ""), *[(409, "already_appealed")] * 3]


async def test_only_ones_own_refused_act_is_appealed_and_in_time(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    _, by_han = await known_as(database, config, HAN)
    waits, accepted, refused = [await hold(database, li, family=None) for _ in range(3)]
    await decide(client, reviewer, accepted, "self_declared")
    await decide(client, reviewer, refused)
    for act in (waits, accepted):
        assert code_of(await appeal(client, by_li, act)) == (422, "nothing_to_appeal")
    assert code_of(await appeal(client, by_han, refused)) == (404, "not_found")
    later = datetime.now(UTC) + timedelta(days=31)
    async with transaction(database) as connection:
        with pytest.raises(appeals.AppealTooLate):
            await appeals.appeal(connection, li, refused, appeals.NewAppeal("照片很清楚"), later)
    assert (await appeal(client, by_li, refused)).status_code == 201


async def test_an_appeal_comes_too_late_when_its_time_was_taken(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li)
    await decide(client, reviewer, act)
    await hold(database, li, started_at=NOON + timedelta(minutes=20))
    assert code_of(await appeal(client, by_li, act)) == (409, "appeal_overtaken")
    assert await database.fetchval("SELECT count(*) FROM action_appeals") == 0
    outcome = (await client.get(f"/v1/actions/{act}/reviews", headers=by_li)).json()
    assert (outcome["state"], outcome["appeal"]) == ("refused", None)


async def test_an_appeal_counts_beside_what_was_credited_since_and_never_above_the_cap(
    database: asyncpg.Pool, config: Config, reviewer: Headers, second: Headers, client: httpx.AsyncClient
) -> None:
    li, by_li = await known_as(database, config, LI)
    kind = methodology_for("420100", "bus_ride", NOON.date()).action("bus_ride")
    assert kind.caps.per_day
    await officer(database, config, ZHAO, "420100")
    refused, *others = [
        await hold(database, li, region="420100", family=None) for _ in range(kind.caps.per_day.quantity + 1)
    ]
    await decide(client, reviewer, refused)
    for other in others:
        await decide(client, reviewer, other, "self_declared")
    earned = await balance(client, by_li)
    assert (await appeal(client, by_li, refused)).status_code == 201
    await officer(database, config, WANG, "420100")
    assert (await decide(client, second, refused, "self_declared", round_=2)).status_code == 201
    assert await balance(client, by_li) == earned > 0


async def test_what_is_left_of_someone_who_left_is_neither_decided_nor_appealed(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, reviewer: Headers
) -> None:
    li, by_li = await known_as(database, config, LI)
    digest = await hand_in(client, by_li, picture())
    waits, refused = await hold(database, li, photos=[digest]), await hold(database, li, family=None)
    await decide(client, reviewer, refused)
    async with transaction(database) as connection:
        await erasures.erase(connection, li, datetime.now(UTC))
    assert await waiting(client, reviewer) == []
    assert (await decide(client, reviewer, waits, "proven")).status_code in {404, 409}
    assert (await client.get(f"/v1/evidence/{digest}", headers=reviewer)).status_code == 404
    async with transaction(database) as connection:
        with pytest.raises(NotFound):
            await appeals.appeal(connection, li, refused, appeals.NewAppeal("照片很清楚"), datetime.now(UTC))
