"""Which units an event may be offset with, by its place's rule; refused with the clause and what is lacking."""

from __future__ import annotations

from typing import Literal

import msgspec

from scenarios.meeting.rule_terms import Ground, Need, Offset, OffsetClass, RulePack, Text
from scenarios.regions import ELSEWHERE

CLASS_LABELS: dict[OffsetClass, Text] = {
    "citizen_credits": Text("公众的碳普惠减排量", "Citizens' carbon-inclusion credits"),
    "puhui_project": Text("碳普惠项目减排量", "Reductions of carbon-inclusion projects"),
    "new_forestry": Text("新建林业碳汇量", "Sinks of newly planted forest"),
    "marine_sink": Text("海洋碳汇量", "Marine sinks"),
    "ccer": Text("国家核证自愿减排量（CCER）", "China certified emission reductions (CCER)"),
    "local_voluntary": Text("地方温室气体自愿减排量", "A place's own voluntary reductions"),
    "national_allowance": Text("全国碳市场配额", "National allowances"),
    "local_allowance": Text("地方碳市场配额", "Allowances of a regional market"),
    "other_mechanism": Text("其他减排机制签发的减排量", "Reductions issued by other mechanisms"),
    "international": Text("国际自愿减排碳信用额", "International voluntary credits"),
}
"""What people call the classes, in the order in which a page offers them."""

NEED_LABELS: dict[Need, Text] = {
    "own_place": Text("须产生于本地", "It must be made in the place itself"),
    "china": Text("须是中国项目", "Its project must be in China"),
    "recognized": Text(
        "须经主管部门或其平台备案、核证、认证或认可", "It must be filed, certified or recognized by the authority"
    ),
    "donated": Text("须是捐赠的", "It must be donated"),
    "used_once": Text(
        "不得用于其他活动，也不得在其他机制重复开发", "It may not serve another event, nor be developed twice"
    ),
}
"""What is asked of a unit."""

NOT_LISTED = Text("本地规则没有列入这一类", "The place's rule does not list this class")

Code = Literal["class_not_admitted", "own_place", "china", "recognized", "donated", "used_once"]


class OffsetUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A unit that an event would use. `project_place`: where the reduction was made, a place code.

    `recognized`: shown to be filed, certified or recognized as the rule asks. `used_before`: it served another event
    or project, or is developed under another mechanism. `registry` and `vintage` name it; no text limits them.
    """

    unit: OffsetClass
    project_place: str
    registry: str = ""
    vintage: int | None = None
    recognized: bool = False
    donated: bool = False
    used_before: bool = False


class Admission(msgspec.Struct, frozen=True):
    """May it be used? `offset` is the pack's entry that takes it, or the nearest that does not.

    `code` says why not, `lacking` everything that the nearest entry asks beyond what the unit is. `ground` is null
    where the rule does not list the class; `listed` names what it does list.
    """

    admitted: bool
    code: Code | None
    why: Text | None
    lacking: tuple[Need, ...]
    offset: Offset | None
    rank: int | None
    ground: Ground | None
    listed: tuple[Text, ...] = ()


def admits(rule: RulePack, unit: OffsetUnit) -> Admission:
    """Whether the rule takes the unit, by the entry that places it best in the recommended order."""
    entries = [each for each in rule.offsets if unit.unit in each.classes]
    if not entries:
        listed = tuple(each.words for each in rule.offsets)
        return Admission(False, "class_not_admitted", NOT_LISTED, (), None, None, None, listed)
    nearest = min(entries, key=lambda each: (len(lacks(rule, each, unit)), each.rank or len(rule.offsets) + 1))
    lacking = lacks(rule, nearest, unit)
    if not lacking:
        return Admission(True, None, None, (), nearest, nearest.rank, rule.ground(nearest))
    why = NEED_LABELS[lacking[0]]
    return Admission(False, lacking[0], why, lacking, nearest, None, rule.ground(nearest))


def lacks(rule: RulePack, offset: Offset, unit: OffsetUnit) -> tuple[Need, ...]:
    """What the entry asks that the unit is not."""
    met: dict[Need, bool] = {
        "own_place": lies_in(unit.project_place, offset.place or rule.region),
        "china": is_in_china(unit.project_place),
        "recognized": unit.recognized,
        "donated": unit.donated,
        "used_once": not unit.used_before,
    }
    return tuple(need for need in offset.needs if not met[need])


def lies_in(place: str, region: str) -> bool:
    """Does a place lie in a province or city? Any GB/T 2260 code may be asked, a county's too."""
    if not (len(place) == 6 and place.isdecimal()):
        return False
    return place.startswith(region[:2] if region.endswith("0000") else region[:4])


def is_in_china(place: str) -> bool:
    """Has the place a GB/T 2260 code, or a code of China in GB/T 2659?"""
    return (len(place) == 6 and place.isdecimal()) or place in {"CN", *ELSEWHERE.values()}


def admitted_classes(rule: RulePack) -> tuple[OffsetClass, ...]:
    """The classes that the rule lists, on whatever conditions; for an event to tell its donors."""
    return tuple(each for each in CLASS_LABELS if any(each in offset.classes for offset in rule.offsets))
