"""A running site and a real browser, for people as small as a phone's screen."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from service import codes, events, members, organizations, tallies
from service.access import Caller, Role
from service.app import create_app
from service.config import Config
from service.db import open_pool, transaction
from service.events import Event, NewEvent
from service.organizations import NewOrganization
from service.schedules import Hours
from tests.people import reading_codes

PHONE = {"width": 375, "height": 812}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The browser's path: that of `TANHUI_TEST_CHROMIUM`, else the system's own."""
    return os.environ.get("TANHUI_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Site:
    """A site that serves, whose tally is folded as it goes."""

    url: str
    config: Config
    pool: asyncpg.Pool

    async def event_of(self, phone: str, name: str = "低碳科技论坛", place: str = "北京") -> Event:
        """An event open now and for some days, of an organization that the owner of the number founds."""
        async with transaction(self.pool) as connection:
            member = await members.member_by_phone(connection, self.config, phone)
            organization = await organizations.found(connection, member, NewOrganization(name="碳惠会务"))
            opening = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
            new = NewEvent(
                organization_id=organization.id,
                name=name,
                kind="forum",
                place=place,
                venue="国家会议中心",
                time_zone="Asia/Shanghai",
                expected_people=1200,
                hours=[Hours(opening, opening + timedelta(hours=24))],
                gates=["A 门", "B 门"],
            )
            return await events.create(connection, Caller(member, frozenset({Role.ORGANIZER})), new)

    def door(self, event: Event, gate: int = 0, *, fresh: bool = True) -> str:
        """Where a scan of a gate's screen, or of its poster, leads."""
        short_code = event.gates[gate].short_code
        if not fresh:
            return f"{self.url}/c/{codes.poster_code(self.config, short_code)}"
        return f"{self.url}/c/{codes.screen_code(self.config, short_code, datetime.now(UTC))}"

    async def fold(self) -> None:
        """Fold whatever waits."""
        async with self.pool.acquire() as connection:
            waiting = await tallies.pending_events(connection)
        for event_id in waiting:
            async with transaction(self.pool) as connection:
                await tallies.fold(connection, event_id)

    async def keep_folding(self) -> None:
        """Fold until cancelled."""
        while True:
            await self.fold()
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running_site(config: Config) -> AsyncIterator[Site]:
    """The application on a free port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = msgspec.structs.replace(config, base_url=url)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(config), log_level="warning", timeout_graceful_shutdown=1, access_log=False, lifespan="on"
            )
        )
        pool = await open_pool(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it so
            await asyncio.sleep(0.02)
        site = Site(url, config, pool)
        folding = asyncio.create_task(site.keep_folding())
        try:
            yield site
        finally:
            folding.cancel()
            server.should_exit = True
            await asyncio.gather(serving, folding, return_exceptions=True)
            await pool.close()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            yield found
        finally:
            await found.close()


@asynccontextmanager
async def phone(
    browser: Browser, *, dark: bool = False, language: str = "zh-CN", scripts: bool = True
) -> AsyncIterator[Page]:
    """A phone of its own, with nothing on it."""
    context: BrowserContext = await browser.new_context(
        viewport=PHONE,
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale=language,
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
    )
    page = await context.new_page()
    page.set_default_timeout(30_000)
    try:
        yield page
    finally:
        await context.close()


async def sign_in(page: Page, site: Site, number: str) -> None:
    """Sign in as people do: number, code, on."""
    await page.goto(f"{site.url}/sign-in")
    await page.locator("#phone").fill(number)
    with reading_codes() as sent:
        await page.locator("button.main").click()
        await page.wait_for_url("**/sign-in/code**")
    await page.locator("#code").fill(sent[-1])
    await page.locator("button.main").click()
    await page.wait_for_url("**/me")


def id_in_path(url: str) -> UUID:
    """The id that an address ends in."""
    return UUID(url.partition("?")[0].rpartition("/")[2])
