"""Everybody can read and use the pages: contrast, names, order, targets for thumbs, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page

from tests.browser.sites import Site, phone, sign_in
from tests.browsing import ago
from tests.people import LI, WANG

pytestmark = pytest.mark.browser

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
AT_THE_DOOR = {"type": "tag", "values": [*RULES["values"], "wcag2aaa"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "color-contrast-enhanced"]}
"""Themes differ in nothing else."""

TARGETS = """
() => [...document.querySelectorAll("a, button, summary, select, textarea, .card, .check, .choice, input[id]")]
    .filter((each) => !each.matches(".skip, p:has(> :nth-child(2)) a, .where a, .bar-label") && each.checkVisibility())
    .map((each) => [each.textContent.trim() || each.name, each.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 24)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)
"""


async def assert_usable(page: Page, rules: dict[str, Any]) -> None:
    """No violation that axe knows of, targets that a thumb hits, nothing wider than the screen."""
    results: Any = await Axe().run(page, options={"runOnly": rules})
    found = [
        f"{page.url} {each['id']}: {node['target']} {node.get('failureSummary', '')}"
        for each in results.response["violations"]
        for node in each["nodes"]
    ]
    assert not found, "\n".join(found)
    assert await page.evaluate(TARGETS) == [], page.url
    assert await page.evaluate("document.documentElement.scrollWidth") <= 375, page.url


async def send(page: Page, button: Locator) -> None:
    """Press, and wait for the page that comes: what is measured on a page that is leaving means nothing."""
    async with page.expect_navigation():
        await button.click()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_at_the_door(dark: bool, site: Site, chromium: Browser) -> None:
    event, rules = await site.event_of(WANG), COLOURS if dark else AT_THE_DOOR
    async with phone(chromium, dark=dark) as page:
        await page.goto(site.door(event))
        await assert_usable(page, rules)
        await page.get_by_label("出租车或网约车").check(force=True)
        await page.locator("#origin").fill("朝阳")
        await page.locator("summary").click()
        await assert_usable(page, rules)
        await send(page, page.locator("button.main"))
        await assert_usable(page, rules)
        await page.locator("#origin").fill("")
        await page.locator("#km").fill("12.5")
        await send(page, page.locator("button.main"))
        await page.wait_for_url("**/r/**")
        await page.locator("summary").click()
        await assert_usable(page, rules)
        await page.goto(site.door(event))
        await assert_usable(page, rules)
        await send(page, page.get_by_role("link", name="更改出行"))
        await assert_usable(page, rules)
        await page.goto(site.door(event))
        await send(page, page.get_by_role("button", name="撤销报到"))
        await assert_usable(page, rules)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_citizens_pages(dark: bool, site: Site, chromium: Browser) -> None:
    event, rules = await site.event_of(WANG), COLOURS if dark else RULES
    async with phone(chromium, dark=dark) as page:
        for path in ("/", "/c", "/c/ABCD", "/sign-in", "/nowhere", f"/events/{event.id}"):
            await page.goto(f"{site.url}{path}")
            await assert_usable(page, rules)
        await sign_in(page, site, LI)
        for path in ("/me", "/act", "/act?region=110000", "/act?region=140000&action=charging", "/organize"):
            await page.goto(f"{site.url}{path}")
            await assert_usable(page, rules)
        await page.goto(f"{site.url}/act?region=110000&action=metro")
        await page.locator("#quantity").fill("18.5")
        await page.locator("#started_at").fill("2020-01-01T08:00")
        await page.locator("#minutes").fill("40")
        await send(page, page.locator("button.main"))
        await assert_usable(page, rules)
        await page.locator("#started_at").fill(ago(hours=3))
        await send(page, page.locator("button.main"))
        await assert_usable(page, rules)
        for path in ("/act?region=choose", "/act?region=110000&q=x", "/me/actions"):
            await page.goto(f"{site.url}{path}")
            for summary in await page.locator("summary").all():
                await summary.click()
            await assert_usable(page, rules)
        await page.goto(f"{site.url}/events/{event.id}/donate")
        await page.locator("#grams").fill("99999")
        await send(page, page.locator("button.main"))
        await assert_usable(page, rules)
        await page.locator("#grams").fill("300")
        await send(page, page.locator("button.main"))
        await assert_usable(page, rules)
        await page.goto(f"{site.url}/me")
        await assert_usable(page, rules)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_organizers_pages(dark: bool, site: Site, chromium: Browser) -> None:
    event, rules = await site.event_of(WANG), COLOURS if dark else RULES
    async with phone(chromium, dark=dark) as visitor:
        for gate, mode, kilometres in ((0, "metro", "12"), (1, "plane", "900"), (1, "bus", "5")):
            await visitor.context.clear_cookies()
            await visitor.goto(site.door(event, gate))
            await visitor.locator(f"input[value={mode}]").check(force=True)
            await visitor.locator("#km").fill(kilometres)
            await visitor.locator("#nights").fill("1")
            await visitor.locator("button.main").click()
            await visitor.wait_for_url("**/r/**")
    async with phone(chromium, dark=dark) as page:
        await sign_in(page, site, WANG)
        gate_id = event.gates[0].id
        paths = ["/organize", "/organize/events/new", f"/organize/events/{event.id}", "/gate", f"/gate/{event.id}"]
        for path in [*paths, f"/organize/events/{event.id}/screen/{gate_id}"]:
            await page.goto(f"{site.url}{path}")
            for summary in await page.locator("summary").all():
                await summary.click()
            await assert_usable(page, rules)
