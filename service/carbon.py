"""What the scenarios refuse, as refusals of ours: same code, same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

from scenarios.refusals import ALL, CarbonRefusal, MethodologiesNotRead
from service.errors import NotNow, NotReady
from service.i18n import Language, translate


class CarbonRule(NotNow):
    """碳核算规则不允许。"""

    code = "carbon_rule"
    kind: ClassVar[type[CarbonRefusal]] = CarbonRefusal

    def message(self, language: Language) -> str:
        """What the scenarios say, with places and modes by their names in that language."""
        return self.kind(**self.values).message(language, partial(translate, language))


PASSING = {"status": NotReady.status, "retry_after_s": 30}
"""Of what is no fault of the request, and passes."""

CLASSES: dict[type[CarbonRefusal], type[CarbonRule]] = {
    kind: type(
        kind.__name__,
        (CarbonRule,),
        {"code": kind.code, "kind": kind, "__doc__": kind.__doc__, **(PASSING if kind is MethodologiesNotRead else {})},
    )
    for kind in ALL
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
