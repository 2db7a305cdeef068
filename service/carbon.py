"""What the scenarios refuse, as refusals of ours: same code, same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scenarios.refusals import ALL, CarbonRefusal
from service.errors import NotNow


class CarbonRule(NotNow):
    """碳核算规则不允许。"""

    code = "carbon_rule"


CLASSES: dict[type[CarbonRefusal], type[CarbonRule]] = {
    kind: type(kind.__name__, (CarbonRule,), {"code": kind.code, "__doc__": kind.__doc__}) for kind in ALL
}
"""A refusal for each kind that the scenarios raise."""


def carbon_refusal(refusal: CarbonRefusal) -> CarbonRule:
    """The same refusal with an HTTP status."""
    return CLASSES[type(refusal)](**refusal.values)


@contextmanager
def carbon_refused() -> Iterator[None]:
    """Within the block, what the scenarios refuse is raised as a refusal of ours."""
    try:
        yield
    except CarbonRefusal as refusal:
        raise carbon_refusal(refusal) from None
