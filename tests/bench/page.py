"""`checkin_page_bytes`: all that the first visit of the check-in page loads, compressed; checked against a browser."""

from __future__ import annotations

import asyncio
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
from playwright.sync_api import CDPSession, sync_playwright

from service import codes
from tests.bench.checkin import prepare
from tests.bench.figures import Figure
from tests.bench.stand import Stand, stand

ACCEPTED = "gzip, deflate, br, zstd"
"""What browsers say that they take."""
LOADING = {"stylesheet", "icon", "shortcut", "apple-touch-icon", "manifest", "preload", "modulepreload", "mask-icon"}


class Loaded(HTMLParser):
    """The addresses that a browser fetches by itself for a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.has_icon = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag loads."""
        given = dict(attrs)
        relations = set((given.get("rel") or "").split())
        self.has_icon |= tag == "link" and "icon" in relations
        if tag == "link" and relations & LOADING:
            self.found.append(given.get("href") or "")
        elif tag in {"script", "img", "iframe", "source", "video", "audio", "embed"} and given.get("src"):
            self.found.append(given["src"] or "")


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand) -> list[Figure]:
    """Visit the page behind a poster's code."""
    world = asyncio.run(prepare(service))
    url = codes.url(service.config, codes.poster_code(service.config, world.event.gates[0].short_code))
    sizes, seen = cold_visit(url), browser_bytes(url)
    parts = ", ".join(f"{name} {size}" for name, size in sizes.items())
    figures = [
        Figure(
            name="checkin_page_bytes",
            value=sum(sizes.values()),
            unit="bytes",
            limit=20_000,
            bound="most",
            note=parts,
        )
    ]
    if seen is not None:
        note = "as Chromium counts the bodies that it received"
        figures.append(Figure(name="checkin_page_bytes_in_chromium", value=seen, unit="bytes", note=note))
    return figures


def cold_visit(url: str) -> dict[str, int]:
    """Bytes of each body that the page loads, as they come over the wire, by path."""
    sizes: dict[str, int] = {}
    waiting = [url]
    with httpx.Client(headers={"Accept-Encoding": ACCEPTED, "Accept-Language": "zh-CN"}, timeout=30) as client:
        while waiting:
            address = waiting.pop()
            if address in sizes or address.startswith("data:"):
                continue
            with client.stream("GET", address) as answer:
                raw = b"".join(answer.iter_raw())
            answer.raise_for_status()
            sizes[address] = len(raw)
            text = httpx.Response(200, headers=answer.headers, content=raw).text
            waiting += [urljoin(address, each) for each in loads(answer.headers["content-type"], text)]
    return {httpx.URL(address).path: size for address, size in sizes.items()}


def loads(content_type: str, text: str) -> list[str]:
    """What a document or stylesheet loads. A document that names no icon loads /favicon.ico."""
    if content_type.startswith("text/html"):
        parser = Loaded()
        parser.feed(text)
        return parser.found + ([] if parser.has_icon else ["/favicon.ico"])
    if content_type.startswith("text/css"):
        return re.findall(r"""(?:url\(|@import\s+)["']?([^"')\s;]+)""", text)
    return []


def browser_bytes(url: str) -> int | None:
    """The bytes of bodies that a browser receives on a first visit; None where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-quic"])
        page = browser.new_context(viewport={"width": 375, "height": 700}, locale="zh-CN").new_page()
        counted = count_bytes(page.context.new_cdp_session(page))
        page.goto(url, wait_until="networkidle")
        browser.close()
    return int(sum(counted))


def count_bytes(session: CDPSession) -> list[int]:
    """What comes in for each answer, and how much of that was its head (negative)."""
    counted: list[int] = []
    session.send("Network.enable")
    session.on("Network.responseReceived", lambda event: counted.append(-event["response"]["encodedDataLength"]))
    session.on("Network.loadingFinished", lambda event: counted.append(event["encodedDataLength"]))
    return counted
