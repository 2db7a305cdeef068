"""What a citizen's low-carbon act saves, with the trace by which anyone can work it out again."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from scenarios.actions.terms import Action, Cap, Evidence, Methodology, Rule
from scenarios.citations import Certainty, Gas, PackUsed
from scenarios.quantities import BaseUnit, amount_text, size_of
from scenarios.refusals import QuantityAbsurd

__all__ = [
    "Capped",
    "Counted",
    "Evidence",
    "Reduction",
    "quantify_action",
    "reduction_of",
    "require_sane",
    "under_caps",
]

Period = Literal["per_act", "per_day", "per_month"]


class Capped(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which cap let less count. `limit` is `cap` or, by the rule `share_by`, a `share` of it, rounded down.

    `before` is what had counted in that period already. All in base units; `share` is a fraction as text: "1/2".
    """

    period: Period
    limit: int
    before: int
    cap: int
    rule: Rule
    share: str = "1"
    share_by: str | None = None


class Counted(NamedTuple):
    """What of a quantity counts, and the cap that let no more count, if one did."""

    quantity: int
    capped_by: Capped | None


class Reduction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an act saves. `quantity` is in `base_unit`; `baseline`, `project` and `saving` in `unit`.

    `counted` is what counts of it under the caps, all of it where it is missing; the grams are those of what counts.
    `reduction_g` is earned: `share` of `full_reduction_g`, each rounded down, or else by `tier_saving`, the source's
    own figure for acts of that evidence. `share_is_policy`: the operator set the share, no source did; `tier_rule`
    says where it stands. `project_g` is rounded up, `baseline_g` is what it and the full reduction add up to.
    """

    action: str
    quantity: int
    base_unit: BaseUnit
    evidence: Evidence
    share: Decimal | None
    share_is_policy: bool
    reduction_g: int
    full_reduction_g: int
    baseline: Decimal | None
    project: Decimal | None
    saving: Decimal
    unit: str
    baseline_g: int | None
    project_g: int | None
    gases: tuple[Gas, ...]
    certainty: Certainty
    citation: str
    methodology: PackUsed
    region: str
    counted: int | None = None
    capped_by: Capped | None = None
    tier_saving: Decimal | None = None
    tier_rule: Rule | None = None


def quantify_action(
    methodology: Methodology,
    action: str,
    quantity: int,
    evidence: Evidence,
    region: str,
    counted: int | None = None,
    capped_by: Capped | None = None,
) -> Reduction:
    """What that much of the action saves in the region. `quantity` is metres, watt-hours or a count.

    `counted` is what counts of it (all, where not given), and `capped_by` why no more. Raises UnknownAction, and
    QuantityAbsurd beyond what is believed of one act.
    """
    found = methodology.action(action)
    require_sane(found, quantity)
    counts = quantity if counted is None else counted
    return reduction_of(methodology, found, quantity, evidence, region, counts, capped_by)


def require_sane(action: Action, quantity: int) -> None:
    """Raise QuantityAbsurd unless one act may come to that much."""
    if not 0 <= quantity <= action.max_quantity:
        size = size_of(action.unit)
        raise QuantityAbsurd(
            action=action.key,
            action_label=action.label,
            quantity=amount_text(quantity, size),
            limit=amount_text(action.max_quantity, size),
            unit_label=action.unit_label,
        )


def under_caps(
    action: Action,
    quantity: int,
    day: int = 0,
    month: int = 0,
    share: Fraction = Fraction(1),
    share_by: str | None = None,
) -> Counted:
    """What of that quantity counts, when `day` and `month` of the act have counted in its day and month already.

    The caps of day and month are lessened to `share` of them, by the rule named. Of several caps that bind, the one
    that lets least count is told.
    """
    whole = Fraction(1)
    found = Counted(quantity, None)
    for period, before, lessened, by in (
        ("per_act", 0, whole, None),
        ("per_day", day, share, share_by),
        ("per_month", month, share, share_by),
    ):
        cap: Cap | None = getattr(action.caps, period)
        if cap is None:
            continue
        limit = int(cap.quantity * lessened)
        left = max(0, limit - before)
        if left < found.quantity:
            less = by if lessened < 1 else None
            capped = Capped(period, limit, before, cap.quantity, cap.rule, str(lessened), less)  # type: ignore[arg-type]
            found = Counted(left, capped)
    return found


def reduction_of(
    methodology: Methodology,
    action: Action,
    quantity: int,
    evidence: Evidence,
    region: str,
    counted: int | None = None,
    capped_by: Capped | None = None,
) -> Reduction:
    """The same for an action already found and a quantity already believed; all of it counts unless `counted` says."""
    rates = action.rates
    declared = evidence == "self_declared"
    tier = rates.self_declared if declared else rates.proven
    counts = quantity if counted is None else counted
    full_g = rates.saving.reduction_g(counts)
    project_g = None if rates.project is None else rates.project.emissions_g(counts)
    return Reduction(
        action=action.key,
        quantity=quantity,
        base_unit=action.base_unit,
        evidence=evidence,
        share=tier.share,
        share_is_policy=tier.is_policy,
        reduction_g=tier.rate.reduction_g(counts) if declared else full_g,
        full_reduction_g=full_g,
        baseline=action.baseline,
        project=action.project,
        saving=action.saving,
        unit=action.unit,
        baseline_g=None if project_g is None else project_g + full_g,
        project_g=project_g,
        gases=action.gases,
        certainty=action.certainty,
        citation=action.citation_text,
        methodology=methodology.used,
        region=region,
        counted=counted,
        capped_by=capped_by,
        tier_saving=tier.saving,
        tier_rule=tier.rule if declared else None,
    )
