"""The certificate of a retirement on paper."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import typst

from scenarios.regions import jurisdiction_name
from service import posters
from service.certificates import Basis, Certificate
from service.i18n import Language, mark, translate

TEMPLATE = Path(__file__).parent / "certificates.typ"
RETIRED_FOR_GOOD = mark("克二氧化碳当量的减排量，已永久注销，不能再用")
CAPTIONS = {"title": mark("注销证书"), "serials": mark("序列号"), "check": mark("扫码核对这张证书：")}


async def pdf(certificate: Certificate, address: str, language: Language) -> bytes:
    """An A4 page, or several where there are many classes; the same bytes for the same certificate. In a thread."""
    return await asyncio.to_thread(draw, words(certificate, address, language))


def words(certificate: Certificate, address: str, language: Language) -> dict[str, object]:
    """What the page says. What people wrote stays data all the way: the template never reads it as markup."""
    captions = {key: translate(language, text) for key, text in CAPTIONS.items()}
    return {
        "lang": language,
        "captions": captions | {"retired": translate(language, RETIRED_FOR_GOOD)},
        "amount": f"{certificate.grams:,}",
        "facts": [(translate(language, label), value) for label, value in facts(certificate, language)],
        "blocks": [
            (f"{jurisdiction_name(each.region, language)} · {each.vintage:%Y-%m}", each.serials, f"{each.grams:,} g")
            for each in certificate.blocks
        ],
        "address": address,
        "qr": posters.as_svg(address),
    }


def facts(certificate: Certificate, language: Language) -> list[tuple[str, str]]:
    """What it names, each under its label."""
    source = mark("大家捐给活动的减排量") if certificate.by_event else mark("本人的减排量")
    return [
        (mark("为"), certificate.beneficiary),
        (mark("用途"), certificate.purpose),
        *([(mark("活动"), certificate.event_name)] if certificate.event_name else []),
        (mark("来自"), translate(language, source)),
        *((mark("依据"), basis_text(each, language)) for each in certificate.basis),
        (mark("注销日期"), certificate.retired_on.isoformat()),
    ]


def basis_text(basis: Basis, language: Language) -> str:
    """What let a citizen retire, of which region: a clause, or the operator's policy, marked so."""
    said = basis.clause or f"{translate(language, mark('运营方政策'))} [policy] {basis.policy}"
    return f"{jurisdiction_name(basis.region, language)}{translate(language, mark('：'))}{said}"


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
