"""What a citizen's low-carbon act saves, with the trace by which anyone can work it out again."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from scenarios.actions.methodologies import Action, Methodology
from scenarios.citations import Certainty, Gas, PackUsed
from scenarios.policies.operator import policy
from scenarios.quantities import BaseUnit, amount_text, size_of
from scenarios.refusals import QuantityAbsurd

Evidence = Literal["self_declared", "proven"]


class Reduction(msgspec.Struct, frozen=True):
    """What an act saves. `quantity` is in `base_unit`; `baseline`, `project` and `saving` in `unit`.

    `reduction_g` is earned: `share` of `full_reduction_g`, each rounded down. `share_is_policy`: the operator set
    the share, no source did. `project_g` is rounded up, `baseline_g` is what it and the full reduction add up to.
    """

    action: str
    quantity: int
    base_unit: BaseUnit
    evidence: Evidence
    share: Decimal
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


def quantify_action(methodology: Methodology, action: str, quantity: int, evidence: Evidence, region: str) -> Reduction:
    """What that much of the action saves in the region. `quantity` is metres, watt-hours or a count.

    Raises UnknownAction, and QuantityAbsurd beyond the policy's limit for one act.
    """
    found = methodology.action(action)
    require_sane(found, quantity)
    return reduction_of(methodology, found, quantity, evidence, region)


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


def reduction_of(methodology: Methodology, action: Action, quantity: int, evidence: Evidence, region: str) -> Reduction:
    """The same for an action already found and a quantity already believed."""
    rates = action.rates
    full_g = rates.saving.reduction_g(quantity)
    project_g = None if rates.project is None else rates.project.emissions_g(quantity)
    declared = evidence == "self_declared"
    return Reduction(
        action=action.key,
        quantity=quantity,
        base_unit=action.base_unit,
        evidence=evidence,
        share=policy().self_declared_share if declared else Decimal(1),
        share_is_policy=declared,
        reduction_g=rates.self_declared.reduction_g(quantity) if declared else full_g,
        full_reduction_g=full_g,
        baseline=action.baseline,
        project=action.project,
        saving=action.saving,
        unit=action.unit,
        baseline_g=None if project_g is None else project_g + full_g,
        project_g=project_g,
        gases=action.gases,
        certainty=action.certainty,
        citation=action.citation.text,
        methodology=methodology.used,
        region=region,
    )
