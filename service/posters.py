"""What hangs at a gate or station: its code as a QR picture, and the poster around it, ready to print."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import noto_cjk_sans_otc
import qrcode
import typst

from service.codes import in_groups, poster_code, screen_code, screen_code_expires_at, url
from service.config import Config
from service.events import Event, Gate
from service.i18n import LANGUAGES, mark, translate

TEMPLATE = Path(__file__).parent / "posters.typ"
PIXELS_A_MODULE = 24

Form = Literal["png", "svg", "pdf"]
MEDIA_TYPES: dict[Form, str] = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
CAPTIONS = {
    "title": mark("扫码报到"),
    "promise": mark("不用注册，不用下载。说说您怎么来的，看看这趟的碳排放。"),
    "gate": mark("入口"),
    "torn": mark("扫不出来？打开下面的网址，输入短码"),
}


class ScreenCode(msgspec.Struct, frozen=True):
    """A screen's code of this minute. Show the next from `next_at` on; this one is good until `expires_at`."""

    code: str
    url: str
    svg: str
    next_at: datetime
    expires_at: datetime


def screen(config: Config, gate: Gate, now: datetime) -> ScreenCode:
    """What a screen at the gate shows now."""
    code = screen_code(config, gate.short_code, now)
    return shown(code, url(config, code), now)


def shown(code: str, leads_to: str, now: datetime) -> ScreenCode:
    """A code of this minute as a picture, with its times."""
    next_at = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return ScreenCode(code, leads_to, as_svg(leads_to), next_at, screen_code_expires_at(now))


async def poster(config: Config, event: Event, gate: Gate, form: Form) -> bytes:
    """The gate's code for paper, alone ('png', 'svg') or on an A4 page ('pdf'). Drawn in a thread."""
    return await asyncio.to_thread(draw, config, event, gate, form)


def draw(config: Config, event: Event, gate: Gate, form: Form) -> bytes:
    """The poster's bytes: the same for the same event, gate and address."""
    return as_form(url(config, poster_code(config, gate.short_code)), words(config, event, gate), form)


def as_form(leads_to: str, said: dict[str, object], form: Form) -> bytes:
    """A code as a picture, or on a page with what is said around it."""
    if form == "png":
        return as_png(leads_to)
    if form == "svg":
        return as_svg(leads_to).encode()
    return as_pdf(said | {"qr": as_svg(leads_to), "leads_to": leads_to})


def modules(text: str) -> list[list[bool]]:
    """A QR code's dark and light modules, with its quiet zone. A quarter may be torn or dirty."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q)
    code.add_data(text)
    matrix: list[list[bool]] = code.get_matrix()
    return matrix


def as_svg(text: str) -> str:
    """A QR code as one black path on white, sized by whoever places it. It has no style of its own."""
    rows = modules(text)
    path = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            path += [f"M{x} {y}h{length}v1h-{length}z"] if dark else []
            x += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(rows)} {len(rows)}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{len(rows)}v{len(rows)}h-{len(rows)}z"/><path d="{"".join(path)}"/></svg>'
    )


def as_png(text: str) -> bytes:
    """A QR code in black and white, some 1 000 pixels wide."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, box_size=PIXELS_A_MODULE)
    code.add_data(text)
    target = io.BytesIO()
    code.make_image().save(target, "PNG")
    return target.getvalue()


def words(config: Config, event: Event, gate: Gate) -> dict[str, object]:
    """What the poster says. What people wrote stays data all the way: the template never reads it as markup."""
    return {
        "event": event.name,
        "place": event.venue,
        "days": days(event),
        "gate": gate.name,
        "short_code": in_groups(gate.short_code),
        "address": f"{config.base_url}/c".removeprefix("https://"),
        "captions": in_both(CAPTIONS),
    }


def in_both(captions: dict[str, str]) -> dict[str, list[str]]:
    """Texts in both languages, by what they are for."""
    return {key: [translate(language, text) for language in LANGUAGES] for key, text in captions.items()}


def days(event: Event) -> str:
    """The first and last day of opening, local: `2026-11-21 – 2026-11-23`."""
    zone = ZoneInfo(event.time_zone)
    first, last = (at.astimezone(zone).date() for at in (event.hours[0].opens_at, event.hours[-1].closes_at))
    return f"{first}" if first == last else f"{first} – {last}"


@cache
def fonts() -> typst.Fonts:
    """Noto Sans CJK, and those that typst carries within it: nothing depends on the machine's own."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(noto_cjk_sans_otc.FONT_PATH.parent)])


def as_pdf(content: dict[str, object]) -> bytes:
    """An A4 page by the template, the same bytes for the same content."""
    page: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=fonts(),
        sys_inputs={"content": msgspec.json.encode(content).decode()},
        format="pdf",
        timestamp=0,
    )
    return page
