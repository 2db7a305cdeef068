"""What earns credits where, by which methodology."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import PathParameter, QueryParameter

from scenarios.actions.methodologies import Action, Methodology, methodologies
from scenarios.citations import Certainty, Citation, Gas
from service.api.problems import Texts, refuses
from service.i18n import translate
from service.schedules import CHINA

Region = Annotated[str, PathParameter(pattern=r"^[0-9]{6}$(?!\n)", description="A province by GB/T 2260.")]
On = Annotated[date | None, QueryParameter(description="The day of the act; today where not given.")]


class OfferedAction(msgspec.Struct, frozen=True, kw_only=True):
    """An act that earns: what it saves a `unit` against the baseline, and where that stands."""

    key: str
    label: Texts
    example: Texts
    base_unit: str
    unit: str
    unit_label: Texts
    max_quantity: int
    baseline: Decimal | None
    project: Decimal | None
    saving: Decimal
    gases: tuple[Gas, ...]
    certainty: Certainty
    checked_on: date
    citation: Citation


class OfferedMethodology(msgspec.Struct, frozen=True, kw_only=True):
    """A methodology in force in the region on that day. `digest` is that of its data."""

    id: str
    version: str
    digest: str
    title: Texts
    valid_from: date
    valid_to: date | None
    actions: list[OfferedAction]


@get("/methodologies/{region:str}", responses=refuses())
async def list_methodologies(region: Region, on: On = None) -> list[OfferedMethodology]:
    """Methodologies in force in a region on a day: none where none is, whatever the neighbours have."""
    day = on or datetime.now(UTC).astimezone(CHINA).date()
    return [offered(each) for each in methodologies() if each.in_force(region, day)]


def offered(methodology: Methodology) -> OfferedMethodology:
    """A methodology for people and programs."""
    return OfferedMethodology(
        id=methodology.id,
        version=methodology.version,
        digest=methodology.digest,
        title=Texts(zh=methodology.title_zh, en=methodology.title_en),
        valid_from=methodology.valid_from,
        valid_to=methodology.valid_to,
        actions=[offered_action(each) for each in methodology.actions.values()],
    )


def offered_action(action: Action) -> OfferedAction:
    """An act for people and programs."""
    return OfferedAction(
        key=action.key,
        label=in_both(action.label),
        example=in_both(action.example),
        base_unit=action.base_unit,
        unit=action.unit,
        unit_label=in_both(action.unit_label),
        max_quantity=action.max_quantity,
        baseline=action.baseline,
        project=action.project,
        saving=action.saving,
        gases=action.gases,
        certainty=action.certainty,
        checked_on=action.checked_on,
        citation=action.citation,
    )


def in_both(text: str) -> Texts:
    """A Chinese text with its translation."""
    return Texts(zh=text, en=translate("en", text))


routes = [list_methodologies]
