"""What the scenarios refuse: a stable code, the values concerned, and a Chinese message with room for them.

A docstring is the message and the msgid of its translation. Values whose name ends in `_label` are msgids too;
`place` and `region` are codes, shown by name. Nothing here knows HTTP: the edge decides the status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from scenarios import regions
from scenarios.regions import Language

if TYPE_CHECKING:
    from scenarios.gazetteer import Place


class CarbonRefusal(Exception):
    """无法核算。"""

    code: ClassVar[str] = "carbon_refused"

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        self.values = values

    @property
    def template(self) -> str:
        """The Chinese message before its values are put in."""
        assert self.__doc__
        return self.__doc__

    def message(self, language: Language, translate: Callable[[str], str]) -> str:
        """What was refused and why, in that language; `translate` looks a msgid up."""
        shown = {name: _shown(name, value, language, translate) for name, value in self.values.items()}
        return translate(self.template).format(**shown)

    def __str__(self) -> str:
        return self.message("zh", str)


def _shown(name: str, value: Any, language: Language, translate: Callable[[str], str]) -> Any:
    if name in {"place", "region"}:
        return regions.jurisdiction_name(value, language)
    return translate(value) if name.endswith("_label") else value


class NumberUnreadable(CarbonRefusal):
    """“{text}”不是可用的数字，请填写普通的数字，例如 12.5。"""

    code = "number_unreadable"


class UnitContradicts(CarbonRefusal):
    """单位“{unit}”不能用在这里：可用的单位有 {units}。"""

    code = "unit_contradicts"


class UnknownItem(CarbonRefusal):
    """没有“{item}”这一项活动数据。"""

    code = "unknown_item"


class CabinAbsurd(CarbonRefusal):
    """{mode_label}不分舱位：舱位只用于飞机。"""

    code = "cabin_absurd"


class DistanceAbsurd(CarbonRefusal):
    """{distance_km} 公里不合理：{mode_label}单程须在 0 到 {limit_km} 公里之间。"""

    code = "distance_absurd"


class DistanceMissing(CarbonRefusal):
    """不知道{mode_label}这一段有多远：请填写距离或出发地；出发地只能用于一段没有填写距离的行程。"""

    code = "distance_missing"


class LegsAbsurd(CarbonRefusal):
    """行程须有 1 到 {limit} 段，现在是 {count} 段。"""

    code = "legs_absurd"


class NightsAbsurd(CarbonRefusal):
    """住宿 {count} 晚不合理：须在 0 到 {limit} 晚之间。"""

    code = "nights_absurd"


class MealsAbsurd(CarbonRefusal):
    """用餐 {count} 份不合理：须在 0 到 {limit} 份之间。"""

    code = "meals_absurd"


class CompanionsAbsurd(CarbonRefusal):
    """同行 {count} 人不合理：须在 0 到 {limit} 人之间。"""

    code = "companions_absurd"


class OccupantsAbsurd(CarbonRefusal):
    """车上 {count} 人不合理：须在 1 到 {limit} 人之间。"""

    code = "occupants_absurd"


class PeopleAbsurd(CarbonRefusal):
    """{people} 人不合理：须在 0 到 {limit} 人之间。"""

    code = "people_absurd"


class QuantityAbsurd(CarbonRefusal):
    """{action_label} {quantity} {unit_label}不合理：每次须在 0 到 {limit} {unit_label}之间。"""

    code = "quantity_absurd"


class ActImplausible(CarbonRefusal):
    """没有记下：{reason_label}（规则 {rule}）"""

    code = "act_implausible"

    def message(self, language: Language, translate: Callable[[str], str]) -> str:
        """Which rule of fair play refused the act, with the rule's own sentence and limit."""
        reason = translate(self.values["reason_label"]).format(limit=self.values["limit"])
        return translate(self.template).format(rule=self.values["rule"], reason_label=reason)


class UnknownMode(CarbonRefusal):
    """没有“{mode}”这种出行方式。"""

    code = "unknown_mode"


class UnknownAction(CarbonRefusal):
    """没有“{action}”这种低碳行为。"""

    code = "unknown_action"


class UnknownFactorSet(CarbonRefusal):
    """没有“{factor_set}”这套排放因子。"""

    code = "unknown_factor_set"


class FactorNotInForce(CarbonRefusal):
    """{place}在 {date} 没有现行的“{key_label}”排放因子（{key}），需要补充一个有出处的。"""

    code = "factor_not_in_force"


class BoundaryNotInForce(CarbonRefusal):
    """{region}在 {date} 没有现行的核算边界。"""

    code = "boundary_not_in_force"


class NoMethodologyInForce(CarbonRefusal):
    """{region}在 {date} 没有适用于“{action_label}”的碳普惠方法学，不能获得减排量。"""

    code = "no_methodology"


class MethodologiesNotRead(CarbonRefusal):
    """{date} 的碳普惠方法学还没有读到最新的，没有办理，请稍后再试。"""

    code = "methodologies_not_read"


class PlaceUnknown(CarbonRefusal):
    """找不到“{name}”，请换个写法，或直接填写距离。"""

    code = "place_unknown"
    suggestions: tuple[Place, ...] = ()


class PlaceAmbiguous(CarbonRefusal):
    """叫“{name}”的地方不止一个，请选择是哪一个。"""

    code = "place_ambiguous"
    candidates: tuple[Place, ...] = ()


class EventFactsMissing(CarbonRefusal):
    """还不能判断活动的规模：{region}的规则要看{measure_label}，请先填写。"""

    code = "event_facts_missing"


class NoNeutralityRule(CarbonRefusal):
    """{region}在 {date} 没有大型活动碳中和的规则包。"""

    code = "no_neutrality_rule"


class PackUnreadable(CarbonRefusal):
    """数据包 {pack} 不能使用：{why}。"""

    code = "pack_unreadable"


class AmountMissing(CarbonRefusal):
    """{item_label}须填写数量和单位；出行也可以改填人数和单程距离，两者只填一种。"""

    code = "amount_missing"


class PeriodOutsideEvent(CarbonRefusal):
    """{starts_on} 至 {ends_on} 不在活动的筹备、举办和收尾期间内：须在 {earliest} 至 {latest} 之间，先起后止。"""

    code = "period_outside_event"


class FactorUnsourced(CarbonRefusal):
    """自带的排放因子须写明文件名称、发布者和日期，并附上文件。"""

    code = "factor_unsourced"


class CertificateMissing(CarbonRefusal):
    """绿色电力须填写绿色电力证书编号并附上证书文件。"""

    code = "certificate_missing"


class AssumptionAbsurd(CarbonRefusal):
    """“{name_label}”不合理：比例须在 0 到 1 之间、合计为 1（即 100 %），数量不能为负，也不能过大。"""

    code = "assumption_absurd"


ALL: tuple[type[CarbonRefusal], ...] = tuple(CarbonRefusal.__subclasses__())
