"""The whole loop as people do it, on a screen of 375 pixels: act, earn, donate, scan, check in, watch."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from service.schedules import CHINA
from tests.browser.sites import Site, phone, sign_in
from tests.people import LI, WANG

pytestmark = pytest.mark.browser


async def log_metro(page: Page, site: Site, kilometres: str) -> None:
    """Say that one took the metro in Beijing."""
    await page.goto(f"{site.url}/act")
    await page.get_by_role("link", name="北京").click()
    await page.get_by_role("link", name=re.compile("轨道交通")).click()
    await page.get_by_label("多少公里？").fill(kilometres)
    began = datetime.now(CHINA) - timedelta(hours=2)
    await page.get_by_label("什么时候开始的？").fill(began.strftime("%Y-%m-%dT%H:%M"))
    await page.get_by_label("用了多少分钟？").fill("40")
    await page.get_by_role("button", name="记下", exact=True).click()
    await expect(page.locator(".earned")).to_be_visible()


async def check_in(page: Page, url: str, mode: str, kilometres: str) -> None:
    """Scan, say how one came, and read the receipt."""
    await page.goto(url)
    await page.get_by_label(mode, exact=True).check(force=True)
    await page.get_by_label("单程公里").first.fill(kilometres)
    await page.get_by_role("button", name="报到", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("已报到")


async def nothing_sticks_out(page: Page) -> None:
    """Nobody has to scroll sideways."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= 375


async def test_the_loop(site: Site, chromium: Browser) -> None:
    event = await site.event_of(WANG)
    async with phone(chromium) as organizer, phone(chromium) as citizen, phone(chromium) as visitor:
        await sign_in(organizer, site, WANG)
        await organizer.goto(f"{site.url}/organize")
        await organizer.get_by_role("link", name=event.name).click()
        tally = organizer.locator("#tally")
        await expect(tally.locator(".big")).to_have_text(re.compile(r"^\s*0\s克\s*$"))

        await sign_in(citizen, site, LI)
        await log_metro(citizen, site, "18.5")
        await expect(citizen.locator(".earned")).to_have_text(re.compile(r"^\s*666\s克\s*$"))
        await citizen.goto(f"{site.url}/events/{event.id}")
        await citizen.get_by_role("link", name="捐减排量给这场活动").click()
        await citizen.get_by_label("捐多少？").fill("300")
        await citizen.get_by_role("button", name="捐出").click()
        await expect(citizen.get_by_role("heading", level=1)).to_have_text("谢谢您")
        await expect(tally).to_contain_text("300 克")

        await check_in(visitor, site.door(event), "地铁", "12.5")
        await nothing_sticks_out(visitor)
        await expect(visitor.locator(".stamp")).to_contain_text("A 门")
        await expect(tally.locator(".big")).to_have_text(re.compile(r"1\.1\s千克"))
        await expect(tally).to_contain_text("27.")

        await check_in(citizen, site.door(event, 1), "公交车", "6")
        await expect(citizen.get_by_text("减排量已入账")).to_be_visible()
        await expect(tally.locator(".sums")).to_contain_text("报到人次2")
        await visitor.get_by_role("button", name="撤销报到").click()
        await expect(visitor.get_by_role("heading", level=1)).to_have_text("已撤销")
        await expect(tally.locator(".sums")).to_contain_text("报到人次1")


async def test_an_anonymous_visitor_claims_after_signing_in(site: Site, chromium: Browser) -> None:
    event = await site.event_of(WANG)
    async with phone(chromium) as visitor:
        await check_in(visitor, site.door(event), "地铁", "12.5")
        receipt = visitor.url
        await sign_in(visitor, site, LI)
        await visitor.goto(receipt)
        await visitor.get_by_role("button", name="领取到我的账户").click()
        await expect(visitor.get_by_text("减排量已入账")).to_be_visible()
        await visitor.goto(f"{site.url}/me")
        await expect(visitor.locator(".earned").first).to_have_text(re.compile(r"1\.8\s千克"))


async def test_checking_in_needs_no_script(site: Site, chromium: Browser) -> None:
    event = await site.event_of(WANG)
    async with phone(chromium, scripts=False) as visitor:
        await visitor.goto(site.door(event))
        await visitor.get_by_label("高铁或动车").check(force=True)
        await visitor.get_by_label("城市或机场").fill("朝阳")
        await visitor.get_by_role("button", name="报到", exact=True).click()
        await visitor.get_by_label(re.compile("辽宁")).check()
        await visitor.get_by_role("button", name="报到", exact=True).click()
        await expect(visitor.get_by_role("heading", level=1)).to_have_text("已报到")
        await visitor.get_by_text("怎么算的").click()
        await expect(visitor.get_by_text("由地名估算")).to_be_visible()
        await visitor.get_by_role("link", name="更改出行").click()
        await visitor.get_by_label("普通火车").check(force=True)
        await visitor.get_by_label("单程公里").first.fill("500")
        await visitor.get_by_role("button", name="保存更改").click()
        await expect(visitor.locator(".facts").first).to_contain_text("普通火车 500")


async def test_the_screen_shows_a_new_code_each_minute(site: Site, chromium: Browser) -> None:
    event = await site.event_of(WANG)
    async with phone(chromium) as screen:
        await sign_in(screen, site, WANG)
        await screen.clock.install()
        await screen.goto(f"{site.url}/organize/events/{event.id}/screen/{event.gates[0].id}")
        first = await screen.locator("#screen").get_attribute("data-next")
        await screen.evaluate("document.getElementById('screen').dataset.drawn = 'once'")
        async with screen.expect_response(re.compile("/screen/")):
            await screen.clock.run_for(61_000)
        await expect(screen.locator("#screen svg")).to_be_visible()
        assert first
        assert await screen.locator("#screen").get_attribute("data-drawn") == "once", "the page was not loaded again"


async def test_a_lost_connection_says_how_old_the_figures_are(site: Site, chromium: Browser) -> None:
    event = await site.event_of(WANG)
    async with phone(chromium) as organizer:
        await sign_in(organizer, site, WANG)
        await organizer.clock.install()
        await organizer.goto(f"{site.url}/organize/events/{event.id}")
        await expect(organizer.locator("#freshness")).to_contain_text("截至")
        await organizer.route("**/tally/stream", lambda route: route.abort())
        await organizer.clock.run_for(26_000)
        await expect(organizer.locator(".stale")).to_have_text(re.compile(r"数据停在 \d\d:\d\d:\d\d"))
        await organizer.unroute("**/tally/stream")
        await organizer.clock.run_for(26_000)
        await expect(organizer.locator(".stale")).to_be_hidden()
