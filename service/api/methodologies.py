"""What earns credits where, by which methodology."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, get_args

import msgspec
from litestar import get
from litestar.params import PathParameter, QueryParameter

from scenarios.actions.groups import GroupOffered, groups_citation, groups_of
from scenarios.actions.methodologies import Action, Methodology, methodologies
from scenarios.actions.terms import Cap, Evidence, Group, Limit, Rule, Source, Tier, Times
from scenarios.citations import Certainty, Citation, Gas
from service.api.problems import Texts, refuses
from service.i18n import translate
from service.schedules import CHINA

Region = Annotated[str, PathParameter(pattern=r"^[0-9]{6}$(?!\n)", description="A province or city by GB/T 2260.")]
On = Annotated[date | None, QueryParameter(description="The day of the act; today where not given.")]


class TierTold(msgspec.Struct, frozen=True):
    """What acts of that evidence earn: a `share` of the saving, or a `saving` of their own, and by which rule."""

    share: Decimal | None
    saving: Decimal | None
    rule: Rule


class LimitTold(msgspec.Struct, frozen=True):
    """So many base units, days or hours, and by which rule: a source's clause, or the operator's policy."""

    amount: int
    rule: Rule


class OfferedAction(msgspec.Struct, frozen=True, kw_only=True):
    """An act that earns: what it saves a `unit` against the baseline, and where that stands.

    `times`: how one says when: a date, one moment (the act then lasts `lasts_s`), start and end. Acts of one `family`
    by one person cannot overlap in time. Beyond `max_quantity` an act is refused, beyond a cap nothing more counts;
    both are in base units. `precedence`: whose word counts, the best first.
    """

    key: str
    label: Texts
    example: Texts
    group: Group
    base_unit: str
    unit: str
    unit_label: Texts
    max_quantity: int
    baseline: Decimal | None
    project: Decimal | None
    saving: Decimal
    gases: tuple[Gas, ...]
    certainty: Certainty
    derivation: str
    checked_on: date
    citation: Citation
    tiers: dict[Evidence, TierTold]
    caps: dict[str, LimitTold | None]
    claim_days: LimitTold
    reports_within_h: LimitTold | None
    times: Times
    lasts_s: int
    family: str | None
    reviewed: bool
    precedence: tuple[Source, ...]


class OfferedMethodology(msgspec.Struct, frozen=True, kw_only=True):
    """A methodology in force in the region on that day. `digest` is that of its data."""

    id: str
    version: str
    digest: str
    title: Texts
    valid_from: date
    valid_to: date | None
    actions: list[OfferedAction]


class OfferedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of acts: the keys of those that earn there, or why there are none."""

    group: Group
    label: Texts
    actions: list[str]
    note: Texts | None


class OfferedGroups(msgspec.Struct, frozen=True, kw_only=True):
    """All groups in their order, and where they stand."""

    groups: list[OfferedGroup]
    citation: Citation


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
        derivation=action.derivation,
        checked_on=action.checked_on,
        citation=action.citation,
        group=action.group,
        tiers={each: tier_told(action.rates.tier(each)) for each in get_args(Evidence)},
        caps={name: limit_told(cap) for name, cap in action.caps._asdict().items()},
        claim_days=LimitTold(*action.claim_days),
        reports_within_h=limit_told(action.reports_within_h),
        times=action.times,
        lasts_s=action.lasts_s,
        family=action.family,
        reviewed=action.reviewed,
        precedence=action.precedence,
    )


def tier_told(tier: Tier) -> TierTold:
    """What a tier earns, for people and programs."""
    return TierTold(tier.share, tier.saving, tier.rule)


def limit_told(limit: Limit | Cap | None) -> LimitTold | None:
    """A limit and its rule."""
    return None if limit is None else LimitTold(*limit)


@get("/methodologies/{region:str}/groups", responses=refuses())
async def list_groups(region: Region, on: On = None) -> OfferedGroups:
    """The seven groups of T/ACEF 031-2022: what a region offers in each on a day, or that no figure has a source."""
    day = on or datetime.now(UTC).astimezone(CHINA).date()
    return OfferedGroups(groups=[offered_group(each) for each in groups_of(region, day)], citation=groups_citation())


def offered_group(found: GroupOffered) -> OfferedGroup:
    """A group for people and programs."""
    return OfferedGroup(
        group=found.group,
        label=in_both(found.group),
        actions=[act.key for act in found.actions],
        note=in_both(found.note) if found.note else None,
    )


def in_both(text: str) -> Texts:
    """A Chinese text with its translation."""
    return Texts(zh=text, en=translate("en", text))


routes = [list_methodologies, list_groups]
