"""The operator's assumptions for an estimate before the event, as read from estimates.toml: none has a source."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from scenarios.citations import PackUsed, require, require_number
from scenarios.meeting.items import items
from scenarios.refusals import PackUnreadable

FILE = Path(__file__).with_name("estimates.toml")
LABELS = {
    "kind": "活动类型",
    "local_share": "本地参与者的比例",
    "province_share": "省内其他城市参与者的比例",
    "local_km": "本地参与者单程公里数",
    "province_km": "省内参与者单程公里数",
    "far_km": "外省参与者单程公里数",
    "province_nights_per_day": "省内参与者每个活动日住几晚",
    "far_nights_per_day": "外省参与者每个活动日住几晚",
    "staff_per_100": "每百名参与者的工作人员",
    "meals_per_head_day": "每人每天几餐",
    "bottles_per_head_day": "每人每天几瓶水（500 毫升）",
    "sheets_per_head": "每人几张 A4 纸",
    "waste_kg_per_head_day": "每人每天几千克垃圾",
    "kwh_per_head_day": "每人每天几千瓦时电",
    "kwh_per_m2_day": "每平方米每天几千瓦时电",
    "local_modes": "本地参与者的出行方式",
    "province_modes": "省内参与者的出行方式",
    "far_modes": "外省参与者的出行方式",
    "meals": "餐的种类",
}
"""What people call the assumptions. Each text is a msgid."""
SHARES = ("local_share", "province_share")
MIXES = ("local_modes", "province_modes", "far_modes", "meals")


class Assumptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is assumed of one kind of event. Ways are one way; shares of people, of person-kilometres and of meals."""

    local_share: Decimal
    province_share: Decimal
    local_km: Decimal
    province_km: Decimal
    far_km: Decimal
    province_nights_per_day: Decimal
    far_nights_per_day: Decimal
    staff_per_100: Decimal
    meals_per_head_day: Decimal
    bottles_per_head_day: Decimal
    sheets_per_head: Decimal
    waste_kg_per_head_day: Decimal
    kwh_per_head_day: Decimal
    kwh_per_m2_day: Decimal
    local_modes: Mapping[str, Decimal]
    province_modes: Mapping[str, Decimal]
    far_modes: Mapping[str, Decimal]
    meals: Mapping[str, Decimal]

    @property
    def far_share(self) -> Decimal:
        """Who comes from neither the town nor the province."""
        return 1 - self.local_share - self.province_share


NUMBERS = tuple(field for field in Assumptions.__struct_fields__ if field not in MIXES)
"""The assumptions that are one number each."""


class EstimatePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file, with the assumptions of every kind of event made whole."""

    id: str
    version: str
    decided_on: date
    spread_percent: Decimal
    kinds: dict[str, Assumptions]
    used: PackUsed


@cache
def estimate_policy() -> EstimatePolicy:
    """The policy in force. Raises PackUnreadable."""
    return read_estimate_policy(FILE.read_bytes(), FILE.name)


def read_estimate_policy(content: bytes, name: str) -> EstimatePolicy:
    """A policy from its file's bytes, checked. Raises PackUnreadable."""
    try:
        table: dict[str, Any] = tomllib.loads(content.decode(), parse_float=Decimal)
        default = table.pop("default")
        table["kinds"] = {"meeting": default} | {key: default | own for key, own in table.pop("kinds").items()}
        digest = hashlib.sha256(content).hexdigest()[:16]
        used = PackUsed(id=table["id"], version=table["version"], digest=digest)
        found = msgspec.convert(table | {"used": used}, EstimatePolicy)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise PackUnreadable(pack=name, why=str(error)[:500]) from error
    require_number(found.spread_percent, name, "spread_percent")
    for kind, own in found.kinds.items():
        wrong = absurd(own)
        require(wrong is None, name, f"{kind}: {wrong} is absurd")
    return found


def absurd(own: Assumptions) -> str | None:
    """The name of an assumption that cannot be: a share above one, a mix that is no whole, a number out of range."""
    for field in NUMBERS:
        value = getattr(own, field)
        limit = 1 if field in SHARES else 40_000 if field.endswith("_km") else 1_000
        if not value.is_finite() or not 0 <= value <= limit or int(value.as_tuple().exponent) < -6:
            return field
    if own.far_share < 0:
        return "province_share"
    for mix in MIXES:
        shares = getattr(own, mix)
        if not is_whole(shares) or not shares.keys() <= keys_of(mix):
            return mix
    return None


def is_whole(shares: Mapping[str, Decimal]) -> bool:
    """Do the shares add to exactly one, and is none negative?"""
    sane = all(share.is_finite() and 0 <= share <= 1 for share in shares.values())
    return sane and sum(shares.values()) == 1


def keys_of(mix: str) -> set[str]:
    """What a mix may be of: modes of travel, or meals."""
    found = items().values()
    if mix == "meals":
        return {each.key for each in found if each.dimension == "meal"}
    return {each.key for each in found if each.source == "travel"}
