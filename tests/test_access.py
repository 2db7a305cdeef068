"""The table of access: every route has a row, every row a route, and each role gets in where its row says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from service import access, app, operators, organizations, sessions
from service.access import ACCESS, ROUTES, Role, roles_as
from service.config import Config
from service.db import Connection, new_id, transaction
from service.members import member_by_phone
from tests.conftest import serving
from tests.people import ANNA, HAN, LI, WANG, ZHAO, key

SETTINGS = Config(database_url="", redis_url="", secret=b"test" * 8, local=True, bench=True)
APP = app.create_app(SETTINGS)
VALUES: dict[type, str] = {UUID: str(UUID(int=7)), int: "7", str: "x"}
PHONES = {Role.CITIZEN: LI, Role.OWNER: WANG, Role.GATE: HAN, Role.AUTHORITY: ZHAO}
ENDS = ("sign-", "erasure")
"""What ends a session."""
PARTS = {Role.OWNER: "owner", Role.ORGANIZER: "editor", Role.VIEWER: "viewer", Role.GATE: "gate"}


def test_every_row_has_a_route_and_every_route_a_row() -> None:
    assert app.routes(APP) == sorted(ACCESS)
    assert len(ROUTES) == len(ACCESS), "two rows for one route"


def test_a_route_without_a_row_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> None: ...

    monkeypatch.setattr(app, "API", [*app.API, forgotten])
    with pytest.raises(LookupError, match="GET /v1/forgotten"):
        app.create_app(SETTINGS)


def urls(application: Litestar) -> dict[str, str]:
    """An address for each route: a path of the right shape, to something that is not there."""
    found = {}
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            types = {name: each.type for name, each in route.path_parameters.items()}
            path = re.sub(r"{(\w+)}", lambda part, types=types: VALUES.get(types[part[1]], "x"), route.path_format)  # type: ignore[misc]
            found |= {f"{method} {route.path_format}": path for method in route.methods if method != "OPTIONS"}
    return found


async def become(connection: Connection, config: Config, role: Role) -> UUID:
    """A member who is a citizen, and this besides."""
    member_id = await member_by_phone(connection, config, PHONES.get(role, ANNA))
    if role in {*PARTS, Role.VERIFIER}:
        founder = await member_by_phone(connection, config, WANG)
        made = await organizations.found(connection, founder, organizations.NewOrganization("会务组"))
        await organizations.put_member(connection, made.id, member_id, PARTS.get(role, "editor"))
    if role == Role.VERIFIER:
        await register(connection, made.id, founder)
    if role == Role.AUTHORITY:
        await operators.appoint_authority(connection, config, ZHAO, "110000")
    if role == Role.OPERATOR:
        await connection.execute("INSERT INTO operators (member_id) VALUES ($1)", member_id)
    return member_id


async def register(connection: Connection, organization_id: UUID, by: UUID) -> None:
    """Make an organization a verifier."""
    await connection.execute(
        """
        INSERT INTO verifier_registrations (id, organization_id, registered, reference, said_by, said_at)
        VALUES ($1, $2, true, '名录第 1 号', $3, now())
        """,
        new_id(),
        organization_id,
        by,
    )


async def credentials(connection: Connection, config: Config, role: Role) -> dict[str, dict[str, str]]:
    """Headers by which a person of this role calls the API and opens pages, in a new session."""
    if role == Role.PUBLIC:
        return {"api": {}, "page": {}}
    now = datetime.now(UTC)
    member_id = await member_by_phone(connection, config, PHONES.get(role, ANNA))
    roles = await sessions.roles_of(connection, member_id)
    assert roles == held_by(role)
    session = await sessions.open_session(connection, member_id, "browser", str(new_id()), now)
    return {
        "api": {"Authorization": f"Bearer {sessions.access_token(config, member_id, roles, now)}"},
        "page": {"Cookie": f"tanhui_session={sessions.cookie_of(config, session)}"},
    }


def held_by(role: Role) -> frozenset[Role]:
    """Every role that one has who was made this."""
    if role in {Role.PUBLIC, Role.CITIZEN}:
        return frozenset({Role.PUBLIC, role})
    besides = roles_as("editor") if role == Role.VERIFIER else frozenset[Role]()
    return roles_as(PARTS.get(role, role)) | besides | {Role.PUBLIC, Role.CITIZEN}


def verdict(answer: httpx.Response) -> str:
    """Whether the caller got in. A page sends those who did not sign in to the sign-in (whose own pages do so too)."""
    sent_away = answer.headers.get("location", "").startswith("/sign-in?to=")
    if answer.status_code == 401 or (sent_away and not answer.url.path.startswith("/sign-in")):
        return "sign in first"
    return "not allowed" if answer.status_code == 403 else "in"


def expected(route: str, role: Role) -> str:
    """What the table says."""
    if ACCESS[route] & held_by(role):
        return "in"
    return "sign in first" if role == Role.PUBLIC else "not allowed"


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_in_where_the_table_says(role: Role, config: Config, database: Any) -> None:
    if role != Role.PUBLIC:
        async with transaction(database) as connection:
            await become(connection, config, role)
    open_wide = msgspec.structs.replace(config, bench=True, sign_ins_per_address_a_minute=10_000)
    got, said, last = {}, {}, ""
    headers: dict[str, dict[str, str]] = {}
    async with serving(open_wide) as client:
        csrf = (await client.get("/")).cookies["tanhui_csrf"]
        client.cookies.clear()
        for route, url in urls(APP).items():
            if not headers or any(each in last for each in ENDS):
                async with transaction(database) as connection:
                    headers = await credentials(connection, config, role)
            last = route
            kind = "api" if url.startswith("/v1/") else "page"
            cookies = "; ".join(filter(None, [headers["page"].get("Cookie"), f"tanhui_csrf={csrf}"]))
            sent = headers["api"] if kind == "api" else {"Cookie": cookies, "X-CSRFToken": csrf}
            answer = await client.request(route.split()[0], url, headers=sent | key())
            client.cookies.clear()
            got[route], said[route] = verdict(answer), expected(route, role)
            assert answer.status_code < 500, (route, answer.text)
    assert got == said


async def test_nobody_gets_in_where_the_row_says_nothing(monkeypatch: pytest.MonkeyPatch, config: Config) -> None:
    monkeypatch.setitem(access.ACCESS, "GET /v1/places", frozenset())
    async with serving(config) as client:
        assert (await client.get("/v1/places")).status_code == 401
