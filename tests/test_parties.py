"""Behind the door: a role opens a route, but an event or an organization is for those to see and change whose it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from service import app, operators, organizations, sessions
from service.access import ACCESS, Caller, Role, roles_as
from service.config import Config
from service.db import Connection, new_id, transaction
from service.events import Event, of_caller
from service.organizations import roles_at
from tests.books import open_member
from tests.conftest import serving
from tests.doors import open_event
from tests.minimal import least
from tests.people import key
from tests.test_access import register

SETTINGS = Config(database_url="", redis_url="", secret=b"test" * 8, local=True, bench=True)
APP = app.create_app(SETTINGS)
EVERYONES = {Role.PUBLIC, Role.CITIZEN}
NOT_OF_PARTIES = {
    "POST /v1/events/{event_id}/offers": "any organization may offer units to any event",
    "POST /v1/organizations/{organization_id}/verifier-registrations": "an officer or operator, of any organization",
    "POST /v1/organizations/{organization_id}/verifier-registrations/ending": "the same",
    "POST /events/{event_id}/offer": "any organization may offer units to any event",
    "POST /v1/events/{event_id}/units/{units_id}/withdrawal": "whose offer it is, who may take it back",
}
"""Routes for those whose the event or the organization is not, and why."""
NOTHING_IS_KEPT = ("idempotent_requests", "sessions")


class Route(NamedTuple):
    """A route: how it is named, where it leads, what is sent."""

    name: str
    method: str
    url: str
    body: Any


def routes_to(application: Litestar, parameter: str, id_: UUID) -> list[Route]:
    """Every route to an event or an organization that is not everyone's, with the least that may be sent."""
    found = []
    for each in application.routes:
        if isinstance(each, HTTPRoute) and parameter in each.path_parameters:
            for method, handler in each.route_handler_map.items():
                name = f"{method} {each.path_format}"
                if method not in {"OPTIONS", "HEAD"} and not ACCESS[name] & EVERYONES and name not in NOT_OF_PARTIES:
                    found.append(Route(name, method, address(each, parameter, id_), body_of(handler)))
    return found


def address(route: HTTPRoute, parameter: str, id_: UUID) -> str:
    """Where a route leads: to the event or organization, and to what is not there of it."""
    values: dict[type, str] = {UUID: str(UUID(int=7)), int: "1", str: "pdf"}
    said = {name: values[each.type] for name, each in route.path_parameters.items()}
    return route.path_format.format(**(said | {parameter: str(id_)}))


def body_of(handler: Any) -> Any:
    """The least that a route decodes; none where it reads for itself."""
    handler = handler[0] if isinstance(handler, tuple) else handler
    assert isinstance(handler, HTTPRouteHandler)
    data = handler.parsed_fn_signature.parameters.get("data")
    return None if data is None else least(data.annotation)


class Cast(NamedTuple):
    """An event, and people by what they are to it, each with what they are held to be."""

    event: Event
    people: Mapping[str, UUID]


async def cast(pool: asyncpg.Pool) -> Cast:
    """An event in 深圳 with its parties, and others who would like to be."""
    event = await open_event(pool, place="深圳")
    async with transaction(pool) as connection:
        founder = await connection.fetchval("SELECT founded_by FROM organizations")
        await connection.execute(
            """
            INSERT INTO event_facts (id, event_id, kind, host, rule_place, people_on_site, people_at_sub_venues,
                people_online, said_by, said_at)
            VALUES ($1, $2, 'meeting', 'other', '440300', 400, 0, 0, $3, now())
            """,
            new_id(),
            event.id,
            founder,
        )
        people = {part: await member_of(connection, event.organization_id, part) for part in ("viewer", "gate")}
        people["editor"] = await member_of(connection, event.organization_id, "editor")
        for place in ("440000", "440300", "370800", "310000"):
            people[f"authority of {place}"] = await officer(connection, place)
        people["verifier"] = await verifier(connection, event, ended=False)
        people["verifier no longer engaged"] = await verifier(connection, event, ended=True)
        people["verifier's viewer"] = await member_of(connection, await organization_of(connection, people), "viewer")
        people["owner of another organization"] = await open_member(connection)
        await organizations.found(
            connection, people["owner of another organization"], organizations.NewOrganization("别家")
        )
        people["nobody's"] = await open_member(connection)
    return Cast(event, people)


async def member_of(connection: Connection, organization_id: UUID, part: Any) -> UUID:
    """Somebody new in an organization."""
    member = await open_member(connection)
    await organizations.put_member(connection, organization_id, member, part)
    return member


async def officer(connection: Connection, place: str) -> UUID:
    """Somebody new in a place's authority, with every office."""
    member = await open_member(connection)
    await connection.execute(
        "INSERT INTO authority_members (member_id, region, offices) VALUES ($1, $2, $3)",
        member,
        place,
        list(operators.OFFICES),
    )
    return member


async def verifier(connection: Connection, event: Event, *, ended: bool) -> UUID:
    """Somebody of a registered verifier that the event engaged, now or once."""
    member = await open_member(connection)
    made = await organizations.found(connection, member, organizations.NewOrganization("核查所"))
    await register(connection, made.id, member)
    await connection.execute(
        """
        INSERT INTO engagements (id, event_id, verifier_id, engaged_by, engaged_at, ended_by, ended_at)
        VALUES ($1, $2, $3, $4, now(), CASE WHEN $5 THEN $4::uuid END, CASE WHEN $5 THEN now() END)
        """,
        new_id(),
        event.id,
        made.id,
        member,
        ended,
    )
    return member


async def organization_of(connection: Connection, people: Mapping[str, UUID]) -> UUID:
    """The verifier that is engaged."""
    found = await connection.fetchval(
        "SELECT organization_id FROM organization_members WHERE member_id = $1", people["verifier"]
    )
    assert isinstance(found, UUID)
    return found


ASKING = (
    *("viewer", "gate", "authority of 440300", "verifier"),
    *("authority of 370800", "verifier no longer engaged"),
)
"""Who tries every route: one of each standing, and those who have none but look most as if they had."""
STANDING: Mapping[str, frozenset[Role]] = {
    "editor": frozenset({Role.ORGANIZER, Role.VIEWER}),
    "viewer": frozenset({Role.VIEWER}),
    "gate": frozenset({Role.GATE}),
    "authority of 440000": frozenset({Role.AUTHORITY}),
    "authority of 440300": frozenset({Role.AUTHORITY}),
    "authority of 370800": frozenset(),
    "authority of 310000": frozenset(),
    "verifier": frozenset({Role.VERIFIER}),
    "verifier no longer engaged": frozenset(),
    "verifier's viewer": frozenset(),
    "owner of another organization": frozenset(),
    "nobody's": frozenset(),
}
"""What each is to the event, whatever they are elsewhere."""


async def rows(pool: asyncpg.Pool) -> dict[str, int]:
    """How much is kept, table by table."""
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = sorted(each["tablename"] for each in tables if each["tablename"] not in NOTHING_IS_KEPT)
    return {name: await pool.fetchval(f"SELECT count(*) FROM {name}") for name in names}


async def test_an_event_is_its_parties_to_see_and_to_change(database: asyncpg.Pool, config: Config) -> None:
    """Each asks every route, as one whom the door lets in."""
    event, people = await cast(database)
    assert people.keys() == STANDING.keys()
    async with transaction(database) as connection:
        for who, member in people.items():
            assert await roles_at(connection, Caller(member, frozenset()), event.id) == STANDING[who], who
    before = await rows(database)
    asking = [(who, people[who], STANDING[who]) for who in ASKING]
    wrong = await try_all(database, config, routes_to(APP, "event_id", event.id), asking)
    assert not wrong, "\n".join(wrong)
    assert await rows(database) == before


async def test_a_citys_authority_sees_its_events_before_anybody_said_more_of_them(database: asyncpg.Pool) -> None:
    events = {place: await open_event(database, place=place) for place in ("深圳", "广州")}
    async with transaction(database) as connection:
        shenzhen = Caller(await officer(connection, "440300"), frozenset())
        seen = {place: await roles_at(connection, shenzhen, each.id) for place, each in events.items()}
        assert seen == {"深圳": {Role.AUTHORITY}, "广州": frozenset()}
        assert [each.id for each in await of_caller(connection, shenzhen)] == [events["深圳"].id]


async def test_an_organization_is_its_peoples_and_its_people_its_owners(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    organization = event.organization_id
    async with transaction(database) as connection:
        asking: list[tuple[str, UUID, frozenset[Role]]] = [
            (part, await member_of(connection, organization, part), roles_as(part))
            for part in ("viewer", "gate", "editor")
        ]
        asking += [("officer", await officer(connection, "110000"), frozenset())]
        asking += [("another's verifier", await verifier(connection, event, ended=False), frozenset())]
    before = await rows(database)
    wrong = await try_all(database, config, routes_to(APP, "organization_id", organization), asking)
    assert not wrong, "\n".join(wrong)
    assert await rows(database) == before


async def try_all(
    pool: asyncpg.Pool, config: Config, routes: Sequence[Route], asking: Sequence[tuple[str, UUID, frozenset[Role]]]
) -> list[str]:
    """Let each ask each route which only reads, or which is not theirs to ask; what is answered otherwise than said."""
    wrong = []
    open_wide = msgspec.structs.replace(config, bench=True, sign_ins_per_address_a_minute=10_000)
    async with serving(open_wide) as client:
        csrf = (await client.get("/")).cookies["tanhui_csrf"]
        for who, member, standing in asking:
            sent = await credentials(pool, open_wide, member, csrf)
            for route in routes:
                if not ACCESS[route.name] & standing or reads(route):
                    answer = await ask(client, route, sent)
                    if not fits(route, standing, answer.status_code):
                        wrong.append(f"{who}: {route.name} answers {answer.status_code}")
                    wrong += [f"{who}: {route.name} shows {form}" for form in in_vain(answer, standing)]
    return wrong


def reads(route: Route) -> bool:
    """Whether asking it changes nothing and ends."""
    return route.method == "GET" and not route.name.endswith("/stream")


async def ask(client: httpx.AsyncClient, route: Route, sent: Mapping[str, dict[str, str]]) -> httpx.Response:
    """The answer."""
    headers = sent["api" if route.url.startswith("/v1/") else "page"] | key()
    content = {} if route.body is None else {"json": route.body}
    client.cookies.clear()
    return await client.request(route.method, route.url, headers=headers, **content)


def in_vain(answer: httpx.Response, standing: frozenset[Role]) -> list[str]:
    """Forms on a page that would be refused to one of this standing."""
    if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
        return []
    forms = re.findall(r'<form method="post"([^>]*)>(.*?)</form>', answer.text, re.DOTALL)
    actions = [re.search(r'action="([^"]*)"', tag) for tag, inside in forms if "<button" in inside]
    routes = {route_of(action[1] if action else answer.url.path) for action in actions}
    return [route for route in sorted(routes) if not ACCESS[route] & (standing | EVERYONES)]


def route_of(path: str) -> str:
    """The route that a form is sent to."""
    parts = path.partition("?")[0].split("/")
    for name in ACCESS:
        method, _, template = name.partition(" ")
        wanted = template.split("/")
        if (
            method == "POST"
            and len(wanted) == len(parts)
            and all(each == part or each.startswith("{") for each, part in zip(wanted, parts, strict=True))
        ):
            return name
    raise LookupError(path)


def fits(route: Route, standing: frozenset[Role], status: int) -> bool:
    """Whether that is how one of this standing is to be answered: nothing is revealed to one who is no party."""
    if ACCESS[route.name] & standing:
        return status not in {401, 403} and status < 500
    if route.url.startswith("/v1/"):
        return status == (403 if standing else 404)
    return status in ({403, 404} if route.method == "GET" else {400, 403, 404, 409, 422})


async def credentials(pool: asyncpg.Pool, config: Config, member: UUID, csrf: str) -> dict[str, dict[str, str]]:
    """Headers of one who calls the API in every role there is, and who signed in to pages."""
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        session = await sessions.open_session(connection, member, "browser", str(new_id()), now)
    cookie = f"tanhui_session={sessions.cookie_of(config, session)}; tanhui_csrf={csrf}"
    token = sessions.access_token(config, member, frozenset(Role), now)
    return {"api": {"Authorization": f"Bearer {token}"}, "page": {"Cookie": cookie, "X-CSRFToken": csrf}}
