"""Whether an event may use units: refused with the clause, and with everything that is lacking."""

from __future__ import annotations

from scenarios.meeting.offset_classes import NEED_LABELS, Admission, Code, OffsetUnit, admits
from scenarios.meeting.readiness_texts import listed
from scenarios.meeting.rule_terms import RulePack
from service.errors import NotNow


class ClassNotAdmitted(NotNow):
    """本地规则没有列入这一类减排量。列入的有：{listed}。"""

    code = "class_not_admitted"


class UnitNotOwnPlace(NotNow):
    """“{words}”须产生于本地。还缺：{lacking}。"""

    code = "own_place"


class UnitNotOfChina(NotNow):
    """“{words}”须是中国项目。还缺：{lacking}。"""

    code = "china"


class UnitNotRecognized(NotNow):
    """“{words}”须经主管部门或其平台备案、核证、认证或认可，并写明依据。还缺：{lacking}。"""

    code = "recognized"


class UnitNotDonated(NotNow):
    """“{words}”须是捐赠的。还缺：{lacking}。"""

    code = "donated"


class UnitUsedBefore(NotNow):
    """“{words}”不得用于其他活动，也不得在其他机制重复开发。还缺：{lacking}。"""

    code = "used_once"


REFUSALS: dict[Code, type[NotNow]] = {
    "class_not_admitted": ClassNotAdmitted,
    "own_place": UnitNotOwnPlace,
    "china": UnitNotOfChina,
    "recognized": UnitNotRecognized,
    "donated": UnitNotDonated,
    "used_once": UnitUsedBefore,
}


def require(rule: RulePack | None, unit: OffsetUnit) -> Admission | None:
    """How the rule takes the unit; None where no rule governs, and everything is taken. Raises one of REFUSALS."""
    if rule is None:
        return None
    found = admits(rule, unit)
    if found.code is None:
        return found
    if found.offset is None:
        raise ClassNotAdmitted(listed=listed(found.listed)).under(rule.ground(rule.order))
    lacking = listed(tuple(NEED_LABELS[each] for each in found.lacking))
    raise REFUSALS[found.code](words=found.offset.words, lacking=lacking).under(found.ground)
