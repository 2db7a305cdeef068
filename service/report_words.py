"""What a report's keys are called, how its numbers are written, and the pieces that its document is made of."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from service.i18n import Language, mark

Align = Literal["left", "right"]
SHEETS = {
    "facts": mark("总表"),
    "lines": mark("活动数据"),
    "check_ins": mark("报到汇总"),
    "factors": mark("排放因子"),
    "versions": mark("版本"),
}
WORDS = {
    "basic": mark("基本范围"),
    "extended": mark("拓展范围"),
    "full": mark("基本范围和拓展范围"),
    "prepare": mark("筹备"),
    "hold": mark("举办"),
    "close": mark("收尾"),
    "measured": mark("实测值"),
    "declared": mark("申报值"),
    "default": mark("缺省值"),
    "extrapolated": mark("推算值"),
    "line": mark("活动数据"),
    "check_in": mark("报到"),
    "draft": mark("草稿"),
    "submitted": mark("已提交"),
    "restated": mark("已重述"),
    "verified": mark("已核查"),
    "verbatim": mark("照原文"),
    "agreed": mark("多处一致"),
    "unverified": mark("待核实"),
    "derived": mark("推算"),
    "other": mark("其他"),
    "economy": mark("经济舱"),
    "premium": mark("超级经济舱"),
    "business": mark("公务舱"),
    "first": mark("头等舱"),
    "invoice": mark("发票"),
    "meter": mark("计量记录"),
    "proof": mark("凭证"),
    "plan": mark("实施计划"),
    "factor": mark("排放因子依据"),
    "import": mark("导入的表格"),
    "default_value": mark("用了缺省值"),
    "placeholder_factor": mark("排放因子为暂代值"),
    "unverified_factor": mark("排放因子待核实"),
    "out_of_scale": mark("数量级异常"),
    "said_twice": mark("与报到所说可能重复"),
    "estimated": mark("已推算"),
    "complete": mark("全部作答"),
    "nobody_answered": mark("无人作答，未推算"),
    "too_few_answers": mark("作答太少，未推算"),
    "fewer_than_answered": mark("人数少于作答人数，未推算"),
    "not_counted": mark("没有人数，未推算"),
}
MISSING = {
    "source": mark("没有填写排放源：{key}"),
    "stage": mark("没有填写阶段：{key}"),
    "head_count": mark("没有填写实到人数"),
    "group": mark("未能推算：{key}"),
}


class Table(msgspec.Struct, tag="table", frozen=True, kw_only=True):
    """Columns and rows of texts and whole numbers; `widths` are shares of the line, right-aligned where it says so."""

    columns: list[str]
    rows: list[list[str | int]]
    widths: list[int]
    align: list[Align]
    sheet: str = ""


class Text(msgspec.Struct, tag="text", frozen=True):
    """A paragraph."""

    text: str


class Picture(msgspec.Struct, tag="picture", frozen=True):
    """A drawing as SVG; what it shows stands in a table too."""

    svg: str


class Section(msgspec.Struct, frozen=True):
    """A heading and what follows it; level 1 or 2."""

    level: int
    heading: str
    blocks: list[Table | Text | Picture]


class Document(msgspec.Struct, frozen=True):
    """The whole."""

    lang: Language
    title: str
    subtitle: str
    status: str
    page_of: str
    sections: list[Section]


def grams(amount: int) -> str:
    """Grams, and tonnes beside."""
    return f"{amount:,} g ({tonnes(amount)})"


def tonnes(amount: int) -> str:
    """Grams as tonnes with three decimals."""
    return f"{Decimal(amount).scaleb(-6).quantize(Decimal('0.001'), ROUND_HALF_UP):,} t"


def percent(permille: int) -> str:
    """Thousandths as a percentage."""
    return f"{Decimal(permille).scaleb(-1)} %"


def rate_text(rate: str | None) -> str:
    """An exact fraction as a percentage."""
    return "–" if rate is None else f"{Decimal(int(Fraction(rate) * 1000)).scaleb(-1)} %"


def count_or_dash(number: int | None) -> str:
    """A whole number; a dash where nobody said."""
    return "–" if number is None else f"{number:,}"
