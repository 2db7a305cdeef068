"""The columns of a table of activity data: what each is called, what it takes, and which refusals are its own."""

from __future__ import annotations

from typing import NamedTuple

from scenarios.labels import MEASURE_LABELS
from scenarios.meeting.items import items
from service.i18n import mark, translate

SHEET = mark("活动数据")


class Column(NamedTuple):
    """A column; `title` and `hint` are msgids."""

    key: str
    title: str
    hint: str


COLUMNS = (
    Column("item", mark("项目"), mark("必填，从列表中选")),
    Column("quantity", mark("数量"), mark("出行也可以改填人数和单程公里")),
    Column("unit", mark("单位"), mark("从列表中选，须与项目相符")),
    Column("people", mark("人数"), mark("只用于出行")),
    Column("distance_km", mark("单程公里"), mark("只用于出行")),
    Column("round_trip", mark("往返"), mark("是或否，不填为是")),
    Column("cabin", mark("舱位"), mark("只用于飞机")),
    Column("occupants", mark("同车人数"), mark("只用于乘小汽车、出租车、摩托车")),
    Column("starts_on", mark("开始日期"), mark("像 2026-11-21；不填为活动的日期")),
    Column("ends_on", mark("结束日期"), mark("像 2026-11-21")),
    Column("stage", mark("阶段"), mark("不填为该项目通常的阶段")),
    Column("rank", mark("数据来源"), mark("不填为申报值")),
    Column("label", mark("说明"), mark("200 字以内")),
    Column("file", mark("凭证文件"), mark("已上传的文件的名称")),
    Column("certificate", mark("绿证编号"), mark("只用于绿色电力")),
    Column("own_value", mark("自有因子"), mark("用自己的排放因子时填它的数值")),
    Column("own_unit", mark("因子单位"), mark("像 kgCO2/kWh")),
    Column("own_document", mark("因子依据"), mark("它的名称，须有文件作依据")),
    Column("own_publisher", mark("因子发布者"), mark("谁发布的依据")),
    Column("own_published_on", mark("因子发布日期"), mark("像 2026-11-21")),
    Column("own_clause", mark("因子条款"), mark("条款或页码，可不填")),
    Column("own_file", mark("因子文件"), mark("已上传的文件的名称")),
)
TITLES = {each.key: each.title for each in COLUMNS}
OF_A_FACTOR = ("own_value", "own_unit", "own_document", "own_publisher", "own_published_on", "own_file")
"""What has to be told of a factor of the organizer's own, if anything is."""
OWN_FACTOR = frozenset([*OF_A_FACTOR, "own_clause"])

STAGES = {"prepare": mark("筹备"), "hold": mark("举办"), "close": mark("收尾")}
RANKS = {"measured": mark("实测值"), "declared": mark("申报值"), "default": mark("缺省值")}
CABINS = {
    "economy": mark("经济舱"),
    "premium": mark("超级经济舱"),
    "business": mark("公务舱"),
    "first": mark("头等舱"),
}
TRUTHS = {"yes": mark("是"), "no": mark("否")}

OWN = {
    "unknown_item": "item",
    "unknown_mode": "item",
    "factor_not_in_force": "item",
    "unit_contradicts": "unit",
    "amount_missing": "quantity",
    "number_unreadable": "quantity",
    "people_absurd": "people",
    "distance_absurd": "distance_km",
    "distance_missing": "distance_km",
    "occupants_absurd": "occupants",
    "cabin_absurd": "cabin",
    "period_outside_event": "starts_on",
    "certificate_missing": "certificate",
    "file_not_of_event": "file",
    "factor_unsourced": "own_document",
}
"""The column whose cell a refusal speaks of."""


def readings(labels: dict[str, str]) -> dict[str, str]:
    """The keys of a choice by all that people may write for them."""
    written = {key: key for key in labels}
    written |= {label.casefold(): key for key, label in labels.items()}
    return written | {translate("en", label).casefold(): key for key, label in labels.items()}


def item_readings() -> dict[str, str]:
    """The items' keys by their keys and names."""
    found = {each.label_en.casefold(): each.key for each in items().values()}
    found |= {each.label_zh.casefold(): each.key for each in items().values()}
    return found | {key: key for key in items()}


def unit_names() -> list[str]:
    """Every unit that some item may be typed in."""
    return sorted({unit for each in items().values() for unit in each.units if unit in MEASURE_LABELS})


def heading_readings() -> dict[str, str]:
    """The columns' keys by their titles in both languages; the star of what is required is left out."""
    return readings(TITLES)
