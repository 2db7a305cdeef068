"""Charts as SVG, for pages and for documents: one drawing, whose colours a page's stylesheet may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import east_asian_width

from markupsafe import Markup

from scenarios.meeting.accounting import SourceShare
from scenarios.meeting.items import sources
from service.amounts import mass, share
from service.i18n import Language, mark, translate

WIDTH, ROW, BAR, TEXT = 343, 44, 12, 15
INK, FILL, GROUND = "#20251e", "#3c4238", "#e4e7e0"
SANS = "system-ui, Noto Sans CJK SC, sans-serif"
"""What a browser has, or what a document is set in: it passes over names that it does not know."""


class Bar(NamedTuple):
    """One bar: what it is, how long, and what is written at its end."""

    label: str
    value: int
    shown: str


def by_source(told: Sequence[SourceShare], language: Language) -> Markup:
    """Emission sources in the order given: how much, and which share of the whole."""
    labels = source_names(language)
    rows = [
        Bar(
            labels.get(each.source, each.source),
            each.emissions_g,
            f"{mass(each.emissions_g, language)} · {share(each.share_permille, language)}",
        )
        for each in told
    ]
    return bars(rows, translate(language, mark("各排放源的排放量")))


def source_names(language: Language) -> dict[str, str]:
    """Sources by key, as people read them."""
    return {key: each.label_zh if language == "zh" else each.label_en for key, each in sources().items()}


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars, in the order given, the longest across the whole width. `title` is for who cannot see them.

    Classes `chart-ink`, `chart-fill` and `chart-ground` let a stylesheet recolour it. Whole numbers of any size.
    """
    most = max((each.value for each in rows), default=0)
    height = ROW * len(rows)
    drawn = Markup("").join(_row(each, most, ROW * index) for index, each in enumerate(rows))
    return Markup(
        '<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        'role="img" font-family="{font}" font-size="{text}"><title>{title}</title>{drawn}</svg>'
    ).format(w=WIDTH, h=max(height, 1), font=SANS, text=TEXT, title=title, drawn=drawn)


def _row(bar: Bar, most: int, top: int) -> Markup:
    """A row from `top` down: label and number above the bar, the label cut where it would meet the number."""
    length = bar.value * WIDTH // most if most else 0
    room = WIDTH - _width(bar.shown) - TEXT
    return Markup(
        '<text class="chart-ink" x="0" y="{y}" fill="{ink}">{label}</text>'
        '<text class="chart-ink" x="{w}" y="{y}" text-anchor="end" fill="{ink}">{shown}</text>'
        '<rect class="chart-ground" x="0" y="{under}" width="{w}" height="{bar}" rx="6" fill="{ground}"/>'
        '<rect class="chart-fill" x="0" y="{under}" width="{length}" height="{bar}" rx="6" fill="{fill}"/>'
    ).format(
        y=top + TEXT,
        under=top + TEXT + 7,
        w=WIDTH,
        bar=BAR,
        length=max(length, 3 if bar.value else 0),
        label=_cut(bar.label, room),
        shown=bar.shown,
        ink=INK,
        fill=FILL,
        ground=GROUND,
    )


def _width(text: str) -> int:
    """About how wide a text is: a Chinese character is as wide as it is high, any other a good half."""
    return sum(TEXT if east_asian_width(each) in "WF" else TEXT * 6 // 10 for each in text)


def _cut(text: str, room: int) -> str:
    """The text, or its beginning and an ellipsis where it is wider than the room."""
    if _width(text) <= room:
        return text
    while text and _width(text) + TEXT > room:
        text = text[:-1]
    return f"{text}…"
