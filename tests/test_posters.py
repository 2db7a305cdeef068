"""Posters: whatever form a gate's code takes, a real decoder follows it to that gate; people's words stay words."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import httpx
import msgspec
import pytest
import typst
import zxingcpp
from PIL import Image

from service import codes, posters
from service.config import Config
from service.events import Event, Gate, Hours
from tests.people import HAN, LI, WANG, add_gate_keeper, found_organization, key
from tests.test_events import new_event

CONFIG = Config(database_url="", redis_url="", secret=b"a secret of the tests, 32 bytes.", base_url="https://t.example")
NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
GATE = Gate(7, "东门", "B7K29QXW")
HOSTILE = [
    "#panic()",
    '"]',
    "#(",
    "*粗* _斜_ $x^2$ `code` @ref <label> // comment",
    "\\u{1f600} \\",
    "]]></svg><script>alert(1)</script>",
    '{"qr": ""}',
    "会" * 10_000,
    "w" * 10_000,
    "\u202e\u200b\u0301" * 60,
]


def an_event(name: str = "零碳会议论坛", venue: str = "国家会议中心") -> Event:
    """An event of three days in Beijing."""
    return Event(
        id=UUID(int=1),
        organization_id=UUID(int=2),
        name=name,
        kind="forum",
        country="CN",
        region="110000",
        place="geonames:1816670",
        venue=venue,
        latitude=39.9,
        longitude=116.4,
        time_zone="Asia/Shanghai",
        expected_people=10,
        factor_set="travel-cn",
        hours=tuple(Hours(NOW + timedelta(days=n), NOW + timedelta(days=n, hours=9)) for n in range(3)),
        gates=(GATE,),
    )


def read_picture(png: bytes) -> list[str]:
    """What a decoder reads in a picture."""
    return [each.text for each in zxingcpp.read_barcodes(Image.open(io.BytesIO(png)).convert("L"))]


def drawn(svg: bytes) -> bytes:
    """An SVG as a picture, by a renderer that is not ours."""
    page = '#set page(width: 300pt, height: 300pt)\n#image(bytes(sys.inputs.svg), format: "svg", width: 100%)'
    picture: bytes = typst.compile(page.encode(), sys_inputs={"svg": svg.decode()}, format="png", ppi=72)
    return picture


def printed(pdf: bytes, folder: Path) -> bytes:
    """A PDF of one page as a picture, as from a cheap printer."""
    assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
    (folder / "poster.pdf").write_bytes(pdf)
    (folder / "page.typ").write_text('#set page(paper: "a4", margin: 0pt)\n#image("poster.pdf", width: 100%)')
    picture: bytes = typst.compile(folder / "page.typ", format="png", ppi=72)
    return picture


def title_of(pdf: bytes) -> str:
    """The title in a PDF's metadata."""
    (title,) = re.findall(rb"<dc:title>.*?</dc:title>", pdf, re.DOTALL)
    return "".join(
        ElementTree.fromstring(title.replace(b"dc:", b"").replace(b"rdf:", b"").replace(b"xml:", b"")).itertext()
    )


def follow(text: str) -> codes.Scanned:
    """Where a phone that reads this comes to."""
    address, code = text.rsplit("/c/", 1)
    assert address == CONFIG.base_url
    return codes.read_code(CONFIG, code, NOW)


def test_a_decoder_follows_every_form_to_the_gate(tmp_path: Path) -> None:
    pictures = {
        "png": posters.draw(CONFIG, an_event(), GATE, "png"),
        "svg": drawn(posters.draw(CONFIG, an_event(), GATE, "svg")),
        "pdf": printed(posters.draw(CONFIG, an_event(), GATE, "pdf"), tmp_path),
    }
    for picture in pictures.values():
        (text,) = read_picture(picture)
        assert follow(text) == codes.Scanned(GATE.short_code, fresh=False)


def test_a_torn_poster_is_still_read(tmp_path: Path) -> None:
    picture = Image.open(io.BytesIO(posters.draw(CONFIG, an_event(), GATE, "png"))).convert("L")
    side = picture.width
    torn = picture.copy()
    torn.paste(255, (side * 6 // 10, side * 6 // 10, side * 8 // 10, side * 8 // 10))
    assert [follow(each.text).short_code for each in zxingcpp.read_barcodes(torn)] == [GATE.short_code]


@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: words[:12])
def test_what_people_write_stays_words(words: str, tmp_path: Path) -> None:
    event, gate = an_event(words, words), Gate(7, words, GATE.short_code)
    pdf = posters.draw(CONFIG, event, gate, "pdf")
    (text,) = read_picture(printed(pdf, tmp_path))
    assert follow(text).short_code == GATE.short_code
    assert title_of(pdf) == words


def test_the_same_poster_is_the_same_to_the_byte() -> None:
    for form in posters.MEDIA_TYPES:
        first, second = [posters.draw(CONFIG, an_event(), GATE, form) for _ in range(2)]
        assert first == second


def test_the_svg_obeys_a_strict_content_security_policy() -> None:
    root = ElementTree.fromstring(posters.draw(CONFIG, an_event(), GATE, "svg"))
    assert {each.tag.split("}")[1] for each in root.iter()} == {"svg", "path"}
    assert {name for each in root.iter() for name in each.attrib} == {"viewBox", "shape-rendering", "fill", "d"}


def test_a_screen_shows_a_fresh_code_that_changes_every_minute() -> None:
    now = NOW + timedelta(seconds=31, milliseconds=5)
    shown = posters.screen(CONFIG, GATE, now)
    assert (shown.next_at, shown.expires_at) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))
    (text,) = read_picture(drawn(shown.svg.encode()))
    assert text == shown.url
    assert follow(text) == codes.Scanned(GATE.short_code, fresh=True)
    assert posters.screen(CONFIG, GATE, shown.next_at).code != shown.code


@pytest.mark.parametrize(("hours", "days"), [(1, "2026-11-21"), (3, "2026-11-21 – 2026-11-23")])
def test_days_are_local(hours: int, days: str) -> None:
    event = msgspec.structs.replace(an_event(), hours=an_event().hours[:hours])
    assert posters.days(event) == days


def test_a_poster_says_gate_and_short_code_and_where_to_type_it() -> None:
    words = posters.words(CONFIG, an_event(), GATE)
    assert (words["gate"], words["short_code"], words["address"]) == ("东门", "B7K2-9QXW", "t.example/c")
    assert words["captions"]["title"] == ["扫码报到", "Scan to check in"]  # type: ignore[index]


def test_a_poster_is_drawn_in_a_moment() -> None:
    posters.draw(CONFIG, an_event(), GATE, "pdf")
    begun = time.perf_counter()
    posters.draw(CONFIG, an_event("另一个活动"), GATE, "pdf")
    assert time.perf_counter() - begun < 1


async def test_posters_and_screens_are_for_those_who_stand_for_the_event(client: httpx.AsyncClient) -> None:
    organizer, organization = await found_organization(client, WANG)
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    made = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    event = msgspec.json.decode(made.content, type=Event)
    gate = f"/v1/events/{event.id}/gates/{event.gates[1].id}"
    for form, media_type in posters.MEDIA_TYPES.items():
        answer = await client.get(f"{gate}/poster/{form}", headers=organizer)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, media_type)
        assert (await client.get(f"{gate}/poster/{form}", headers=keeper)).json()["code"] == "not_allowed"
        assert (await client.get(f"{gate}/poster/{form}", headers=stranger)).json()["code"] == "not_found"
    for headers in (organizer, keeper):
        screen = await client.get(f"{gate}/screen-code", headers=headers)
        assert screen.status_code == 200
        assert screen.headers["cache-control"] == "no-store"
        assert screen.json()["url"].endswith(f"/c/{screen.json()['code']}")
    assert (await client.get(f"{gate}/screen-code", headers=stranger)).json()["code"] == "not_found"
    assert (await client.get(f"{gate}/poster/gif", headers=organizer)).json()["code"] == "bad_input"
    for gate_id in (0, 2**31, 2**70):
        url = f"/v1/events/{event.id}/gates/{gate_id}/screen-code"
        assert (await client.get(url, headers=organizer)).json()["code"] == "not_found"
