"""People who walk through the pages, with a session or without; and what holds of every page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx

from service import codes, events, members, operators, organizations, sessions
from service.access import Caller, Role
from service.config import Config
from service.db import transaction
from service.events import Event, NewEvent
from service.schedules import CHINA, Hours
from tests.paper import Paper, see, send
from tests.people import HAN, LI, WANG, ZHAO

METRO = "/act?region=110000&action=metro"
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}%(x)s"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


async def open_event(
    pool: asyncpg.Pool, config: Config, name: str = "Forum", gates: tuple[str, ...] = ("A", "B")
) -> Event:
    """An event of 王芳's organization, open from an hour ago for three days and nights."""
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, WANG)
        made = await organizations.found(connection, member, organizations.NewOrganization(name=name))
        opening = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        return await events.create(
            connection,
            Caller(member, frozenset({Role.ORGANIZER})),
            NewEvent(
                organization_id=made.id,
                name=name,
                kind="forum",
                place="北京",
                venue=name,
                time_zone="Asia/Shanghai",
                expected_people=100,
                hours=[Hours(opening + timedelta(days=n), opening + timedelta(days=n, hours=24)) for n in range(3)],
                gates=list(gates),
            ),
        )


def door(config: Config, event: Event) -> str:
    """Where a scan of the first gate's screen leads."""
    return f"/c/{codes.screen_code(config, event.gates[0].short_code, datetime.now(UTC))}"


async def sign_in(client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config, phone: str) -> None:
    """A session in the client's cookies."""
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, phone)
        session = await sessions.open_session(connection, member, "browser", str(uuid4()), datetime.now(UTC))
    client.cookies.set("tanhui_session", sessions.cookie_of(config, session))


@asynccontextmanager
async def other_phone(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The same site on another phone."""
    transport = client._transport
    yield httpx.AsyncClient(transport=transport, base_url=client.base_url)


async def come_by_metro(client: httpx.AsyncClient, url: str, **typed: str) -> Paper:
    """Check in as most do."""
    return await send(client, (await see(client, url)).form(), **({"mode": "metro", "km": "12.5"} | typed))


async def count(pool: asyncpg.Pool, table: str) -> int:
    """Rows of a table."""
    return int(await pool.fetchval(f"SELECT count(*) FROM {table}"))


def assert_sound(paper: Paper, language: str) -> None:
    """What holds of every page."""
    headers = paper.answer.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert paper.root.get("lang") == {"zh": "zh-Hans", "en": "en"}[language]
    assert len(paper.all("h1")) == 1
    assert len(paper.all("main")) == 1
    for each in paper.root.iter():
        assert each.tag != "style"
        assert not [name for name in each.attrib if name == "style" or name.startswith("on")]
        for attribute in ("src", "href", "action"):
            target = each.get(attribute, "/")
            assert target.startswith(("/", "#", "data:")) or target == "", target
            assert not target.startswith("//")
    for script in paper.all("script"):
        assert script.get("src", "").startswith("/assets/")
        assert not script.text
    labelled = {each.get("for") for each in paper.all("label")}
    for each in [*paper.all("input"), *paper.all("select"), *paper.all("textarea")]:
        if each.get("type") not in {"hidden", "radio", "checkbox"}:
            assert each.get("id") in labelled, each.attrib
    for wrong in ("undefined", "None", "NaN", "{{", "%("):
        assert wrong not in paper.text, f"{wrong} in {paper.text}"


def assert_english(paper: Paper) -> None:
    """Nothing but names and quotations, which say so, is Chinese."""
    shown = paper.text.replace("碳惠", "").replace("中文", "")
    for each in paper.root.iter():
        if each.get("lang") == "":
            shown = shown.replace(" ".join("".join(each.itertext()).split()), "")
    assert not CHINESE.search(shown), shown


@asynccontextmanager
async def in_role(role: Role, client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config) -> AsyncIterator[None]:
    """The client, signed in as one of the cast."""
    if role == Role.AUTHORITY:
        async with transaction(pool) as connection:
            await operators.appoint_authority(connection, config, ZHAO, "110000")
    phones = {Role.CITIZEN: LI, Role.OWNER: WANG, Role.GATE: HAN, Role.AUTHORITY: ZHAO}
    if role in phones:
        await sign_in(client, pool, config, phones[role])
    yield


def ago(**time: float) -> str:
    """A moment some time ago, as a field for moments holds it in China."""
    return (datetime.now(UTC) - timedelta(**time)).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")


def a_ride(hours: float = 3, **typed: str) -> dict[str, str]:
    """What is typed of a ride of half an hour that many hours ago."""
    return {"quantity": "18.5", "started_at": ago(hours=hours), "minutes": "30"} | typed


async def tell(client: httpx.AsyncClient, url: str = METRO, **typed: str) -> Paper:
    """Fill in an act's form."""
    return await send(client, (await see(client, url)).form("/act"), **(typed or a_ride()))


def links(paper: Paper, start: str) -> list[str]:
    """Where the page's links lead that begin so."""
    return [each.get("href", "") for each in paper.all("a") if each.get("href", "").startswith(start)]
