"""Every text of the scenarios that a person may see, for the catalog to be complete."""

from __future__ import annotations

from scenarios.actions.fair_play import fair_play
from scenarios.actions.groups import group_texts
from scenarios.actions.methodologies import methodologies
from scenarios.labels import FACTOR_LABELS, MEASURE_LABELS, THIS_LEG, UNIT_LABELS
from scenarios.meeting.thresholds import SIZE_LABELS
from scenarios.meeting.uncertainty import RULE as UNCERTAINTY_RULE
from scenarios.policies.estimates import LABELS as ASSUMPTION_LABELS
from scenarios.refusals import ALL


def msgids() -> tuple[str, ...]:
    """The Chinese msgids, each once: modes, factors, units, actions with their examples, refusals."""
    actions = [action for each in methodologies() for action in each.actions.values()]
    texts = [
        *FACTOR_LABELS.values(),
        *UNIT_LABELS.values(),
        *MEASURE_LABELS.values(),
        *SIZE_LABELS.values(),
        THIS_LEG,
        *(action.label for action in actions),
        *(action.example for action in actions),
        *group_texts(),
        UNCERTAINTY_RULE,
        *ASSUMPTION_LABELS.values(),
        *(rule.text for rule in fair_play().rules),
        *(kind.__doc__ or "" for kind in ALL),
    ]
    return tuple(dict.fromkeys(texts))
