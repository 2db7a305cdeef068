"""A site, and a browser to look at it; without a browser the tests say how to get one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from playwright.async_api import Browser

from service.config import Config
from tests.browser.sites import Site, browser, find_chromium, running_site


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser."""
    if not find_chromium():
        pytest.skip("no Chromium here: `apt-get install chromium`, or name one in TANHUI_TEST_CHROMIUM")
    async with browser() as found:
        yield found


@pytest.fixture
async def site(config: Config, database: asyncpg.Pool) -> AsyncIterator[Site]:
    """A site of the test's own."""
    async with running_site(config) as site:
        yield site
