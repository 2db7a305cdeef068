"""Units as people type them: a registry by its key, and serials as one text or as fields."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta

from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.rule_terms import OffsetClass
from scenarios.meeting.serial_texts import Serials, read_serials, run, series_of
from scenarios.policies.registries import Registry, registries
from service.errors import BadInput
from service.inputs import LINE

MOST_G = 10**15
SerialText = Annotated[str, Meta(min_length=1, max_length=250, pattern=LINE)]


class RegistryUnknown(BadInput):
    """不认识登记系统“{registry}”。认识的有：{known}。"""

    code = "registry_unknown"


class RegistryNotOfClass(BadInput):
    """{registry}不登记“{unit}”。登记它的有：{known}。"""

    code = "registry_not_of_class"


class SerialsUnreadable(BadInput):
    """看不懂这段序列号。请写成“前缀 起始号–终止号”，例如 CCER 000123–000456；或分别填写前缀、起始号和终止号。"""

    code = "unit_serials_unreadable"


class SerialsTooMany(BadInput):
    """这段序列号太长：一次最多登记 {most_t} 吨。"""

    code = "serials_too_many"


class Typed(NamedTuple):
    """What was typed, understood."""

    registry: Registry
    serials: Serials


def read(
    unit: OffsetClass, registry: str, text: str | None, series: str | None, first: int | None, last: int | None
) -> Typed:
    """Raises RegistryUnknown, RegistryNotOfClass, SerialsUnreadable and SerialsTooMany."""
    known = registries()
    found = known.find(registry.strip().upper())
    if found is None:
        raise RegistryUnknown(registry=registry, known="、".join(each.key for each in known.registries))
    if unit not in found.classes:
        names = "、".join(each.key for each in known.of(unit))
        raise RegistryNotOfClass(registry=found.name, unit=CLASS_LABELS[unit], known=names)
    serials = serials_of(text, series, first, last)
    if serials.amount * found.unit_g > MOST_G:
        raise SerialsTooMany(most_t=MOST_G // 10**6)
    return Typed(found, serials)


def serials_of(text: str | None, series: str | None, first: int | None, last: int | None) -> Serials:
    """The block, told one way or the other. Raises SerialsUnreadable."""
    if text is not None and (series, first, last) == (None, None, None):
        found = read_serials(text)
    elif text is None and first is not None:
        found = run(series_of(series or ""), first, first if last is None else last)
    else:
        found = None
    if found is None:
        raise SerialsUnreadable
    return found
