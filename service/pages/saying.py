"""How a form says what is wrong with it: a sentence at the field, or above the form; and where a rule says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from service.errors import BadInput, Conflict, IdReused, Refusal
from service.i18n import Language


class SentBefore(Conflict):
    """这张表单已经提交过，内容不同。确实要再提交一次，请再按一次按钮。"""

    code = "form_sent_before"


class Unreadable(BadInput):
    """有几处没有看懂，请改正。"""

    status: ClassVar[int] = 422
    code = "form_unreadable"

    def __init__(self, refusals: dict[str, Refusal]) -> None:
        super().__init__()
        self.refusals = refusals


class FieldUnreadable(BadInput):
    """请检查这一项：不能留空，也不能太长。"""

    code = "field_unreadable"


def sentences(refusal: Refusal | None, fields: Mapping[str, str], language: Language) -> dict[str, str]:
    """What to say, by field; '' is the form itself. `fields` tells where a refusal's code, or an odd name, belongs."""
    if refusal is None:
        return {}
    if isinstance(refusal, Unreadable):
        return {fields.get(field, field): each.message(language) for field, each in refusal.refusals.items()}
    said = SentBefore() if isinstance(refusal, IdReused) else refusal
    sentence = " ".join([said.message(language), *([said.cited()["document"]] if said.cited() else [])])
    return {fields.get(refusal.code, ""): sentence}
