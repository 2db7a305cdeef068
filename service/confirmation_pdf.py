"""A confirmation on paper: an A4 page or several, with a QR code that leads to its public page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import typst

from scenarios.meeting.rule_terms import FieldKey
from scenarios.regions import jurisdiction_name
from service import posters
from service.i18n import Language, mark, translate
from service.neutrality_records import OffsetSaid, Record

TEMPLATE = Path(__file__).parent / "confirmation.typ"
CAPTIONS = {
    "offsets": mark("已注销，每个序列号只用一次"),
    "fields": mark("声明的内容"),
    "measures": mark("减排措施"),
    "check": mark("扫码核对是否仍然有效："),
    "voluntary": mark("自愿开展"),
}


async def pdf(record: Record, address: str, key: str, language: Language) -> bytes:
    """The same bytes for the same record; drawn in a thread. `key` is the signer's, in hexadecimal."""
    return await asyncio.to_thread(draw, words(record, address, key, language))


def words(record: Record, address: str, key: str, language: Language) -> dict[str, object]:
    """What the page says. What people wrote stays data all the way: the template never reads it as markup."""
    captions = {name: translate(language, text) for name, text in CAPTIONS.items()}
    return {
        "lang": language,
        "captions": captions,
        "title": record.way_name.said(language),
        "label": record.label_name.said(language),
        "voluntary": record.rule.voluntary,
        "event": record.event.name,
        "facts": [(translate(language, label), value) for label, value, _ in facts(record, language)],
        "offsets": [(each.name.said(language), f"{each.grams:,} g", serials(each)) for each in record.offsets],
        "fields": [(each.label.said(language), each.said.said(language)) for each in record.fields],
        "measures": [(each.words.said(language), each.done_on.isoformat()) for each in record.measures],
        "address": address,
        "key": f"Ed25519 {key}",
        "qr": posters.as_svg(address),
    }


def facts(record: Record, language: Language) -> list[tuple[str, str, FieldKey | None]]:
    """What it names, each under its label; what a field declares already is left out."""
    event, inventory = record.event, record.inventory
    place = f"{jurisdiction_name(event.place, language)} · {event.venue}"
    rows: list[tuple[str, str, FieldKey | None]] = [
        (mark("组织者"), event.organizer, "organizer"),
        (mark("举办时间"), f"{event.first} – {event.last}", "held_at"),
        (mark("地点"), place, "place"),
        (mark("规则"), f"{record.rule.title.said(language)} {record.rule.version}", None),
        (mark("规模"), record.rule.standing.said(language), None),
        (mark("依据"), record.rule.ground, None),
        (mark("确认者"), record.issuer.name.said(language), None),
        (mark("确认日期"), record.confirmed_on.isoformat(), None),
        (mark("实现碳中和日期"), record.neutral_on.isoformat(), "neutral_on"),
        (mark("需抵销"), f"{record.need_g:,} gCO2e", None),
        (mark("已注销"), f"{record.retired_g:,} gCO2e", None),
        (mark("排放清单"), f"{inventory.number} · sha256 {inventory.digest}", None),
    ]
    declared = {each.key for each in record.fields}
    return [row for row in rows if row[2] not in declared]


def serials(offset: OffsetSaid) -> list[str]:
    """Its serials, block by block."""
    own = [each.serials for each in offset.blocks]
    units = [f"{u.registry} {u.serials} · {u.vintage} · {u.reference}" for u in offset.units]
    return own + units


def draw(content: dict[str, object]) -> bytes:
    """The page by its template."""
    page: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=posters.fonts(),
        sys_inputs={"content": msgspec.json.encode(content).decode()},
        format="pdf",
        timestamp=0,
    )
    return page
