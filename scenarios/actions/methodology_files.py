"""Methodologies as their files have them, read with every check."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from scenarios.actions.act_terms import TermsEntry, terms_of
from scenarios.actions.terms import Action, ActionRates, Evidence, Group, Methodology, Rule, Tier
from scenarios.citations import (
    Certainty,
    Cited,
    Document,
    Gas,
    PackUsed,
    parse_toml,
    require,
    require_force,
    require_number,
    require_unit,
    resolve,
)
from scenarios.labels import MODE_LABELS, UNIT_LABELS
from scenarios.policies.operator import policy
from scenarios.quantities import UNITS, exact, rate, size_of
from scenarios.refusals import PackUnreadable

MOST_G = 1_000_000_000
"""What no one act of a person saves: a thousand tonnes."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TierEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a self-declared act earns, where the source says so: a share of the saving, or a figure of its own."""

    citation: Cited
    share: Decimal | None = None
    saving: Decimal | None = None


class ActionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action as the file has it: `baseline` and `project`, or `saving`; `modes` are the trips that count as it."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    label: Text
    example: Text
    group: Group
    unit: str
    gases: tuple[Gas, ...]
    citation: Cited
    certainty: Certainty
    checked_on: date
    modes: tuple[str, ...] = ()
    baseline: Decimal | None = None
    project: Decimal | None = None
    saving: Decimal | None = None
    derivation: str = ""
    self_declared: TierEntry | None = None
    terms: TermsEntry = TermsEntry()


class ExampleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A worked example: so much of an action, in its unit, by that evidence, earns so many grams, and how."""

    action: str
    quantity: Decimal
    tier: Evidence
    grams: int
    how: Text


class MethodologyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/methodologies. Every action has a worked example at least."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,19}\Z")]
    title_zh: Text
    title_en: Text
    regions: tuple[str, ...]
    valid_from: date
    documents: dict[str, Document]
    actions: tuple[ActionEntry, ...]
    examples: tuple[ExampleEntry, ...]
    valid_to: date | None = None


def read_methodology(content: bytes, name: str) -> Methodology:
    """A methodology from its file's bytes, with every check. Raises PackUnreadable."""
    file = parse_toml(content, MethodologyFile, name)
    require_force(file.regions, file.valid_from, file.valid_to, name, file.id)
    require(len(file.regions) == len(set(file.regions)), name, "a region stands twice")
    require(b"\\u00" not in msgspec.json.encode(file), name, "a text holds a control character")
    actions = {entry.key: _action(entry, file.documents, name) for entry in file.actions}
    require(len(actions) == len(file.actions) > 0, name, "an action stands twice, or there is none")
    modes = [mode for action in actions.values() for mode in action.modes]
    require(len(modes) == len(set(modes)), name, "a mode counts as two actions")
    digest = hashlib.sha256(content).hexdigest()
    found = Methodology(
        id=file.id,
        version=file.version,
        title_zh=file.title_zh,
        title_en=file.title_en,
        regions=file.regions,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        digest=digest,
        actions=actions,
        used=PackUsed(id=file.id, version=file.version, digest=digest[:16]),
    )
    _work_out(file, found, name)
    return found


def _work_out(file: MethodologyFile, found: Methodology, pack: str) -> None:
    """Raise PackUnreadable for an example that does not come out, or an action without one."""
    for example in file.examples:
        action = found.actions.get(example.action)
        if action is None:
            raise PackUnreadable(pack=pack, why=f"there is an example of {example.action}, which is no action here")
        require_number(example.quantity, pack, f"an example of {example.action}")
        quantity = exact(example.quantity) * size_of(action.unit)
        grams = action.rates.tier(example.tier).rate.reduction_g(int(quantity))
        wrong = f"an example of {example.action} says {example.grams} g, but it comes to {grams} g"
        require(quantity.denominator == 1 and quantity <= action.max_quantity, pack, f"{example.quantity} is too odd")
        require(grams == example.grams, pack, wrong)
    missing = sorted(set(found.actions) - {example.action for example in file.examples})
    require(not missing, pack, f"no worked example of {', '.join(missing)}")


def _action(entry: ActionEntry, documents: Mapping[str, Document], pack: str) -> Action:
    _check(entry, pack)
    unit = UNITS[entry.unit]
    saving = entry.saving if entry.saving is not None else _less(entry)
    require(saving >= 0, pack, f"{entry.key} emits more than its baseline")
    citation = resolve(entry.citation, documents, pack)
    terms = terms_of(entry.key, entry.terms, documents, size_of(entry.unit), pack)
    most_g = rate(saving, entry.unit).reduction_g(terms.max_quantity)
    require(most_g <= MOST_G, pack, f"one act of {entry.key} could save {most_g} g: its limit or its unit is wrong")
    return Action(
        key=entry.key,
        label=entry.label,
        example=entry.example,
        group=entry.group,
        unit=entry.unit,
        unit_label=UNIT_LABELS[unit.per],
        base_unit=unit.base,
        gases=entry.gases,
        modes=entry.modes,
        baseline=entry.baseline,
        project=entry.project,
        saving=saving,
        citation=citation,
        citation_text=citation.text,
        certainty=entry.certainty,
        checked_on=entry.checked_on,
        derivation=entry.derivation,
        rates=_rates(entry, saving, Rule(citation=citation.text), documents, pack),
        **terms._asdict(),
    )


def _rates(
    entry: ActionEntry, saving: Decimal, rule: Rule, documents: Mapping[str, Document], pack: str
) -> ActionRates:
    in_full = rate(saving, entry.unit)
    proven = Tier(in_full, Decimal(1), None, rule, is_policy=False)
    emitted = None if entry.project is None else rate(entry.project, entry.unit)
    return ActionRates(in_full, proven, _self_declared(entry, saving, documents, pack), emitted)


def _self_declared(entry: ActionEntry, saving: Decimal, documents: Mapping[str, Document], pack: str) -> Tier:
    """What the source says of self-declared acts, else the operator's share."""
    said, own = entry.self_declared, policy()
    if said is None:
        rule = Rule(policy=f"{own.id} {own.version}")
        return Tier(
            rate(saving, entry.unit).times(own.self_declared), own.self_declared_share, None, rule, is_policy=True
        )
    rule = Rule(citation=resolve(said.citation, documents, pack).text)
    if said.saving is not None:
        whole = said.share is None and said.saving <= saving
        require(whole, pack, f"a self-declared {entry.key} earns a share or a saving, and no more than a proven one")
        return Tier(rate(said.saving, entry.unit), None, said.saving, rule, is_policy=False)
    require(said.share is not None and said.share <= 1, pack, f"a self-declared {entry.key} earns no share up to one")
    assert said.share is not None
    return Tier(rate(saving, entry.unit).times(exact(said.share)), said.share, None, rule, is_policy=False)


def _less(entry: ActionEntry) -> Decimal:
    assert entry.baseline is not None
    assert entry.project is not None
    return entry.baseline - entry.project


def _check(entry: ActionEntry, pack: str) -> None:
    for value in _values(entry):
        require_number(value, pack, entry.key)
    require_unit(entry.unit, entry.gases, pack, entry.key)
    require(UNITS[entry.unit].per in UNIT_LABELS, pack, f"{entry.key} is in {entry.unit}, which no text names")
    known = tuple(value is not None for value in (entry.baseline, entry.project, entry.saving))
    whole = known in ((True, True, False), (False, False, True))
    require(whole, pack, f"{entry.key} needs a baseline and a project value, or a saving")
    require(set(entry.modes) <= set(MODE_LABELS), pack, f"{entry.key} counts an unknown mode")
    require((entry.certainty == "derived") <= bool(entry.derivation), pack, f"{entry.key} is derived, but not how")


def _values(entry: ActionEntry) -> Iterator[Decimal]:
    said = [entry.baseline, entry.project, entry.saving]
    if entry.self_declared is not None:
        said += [entry.self_declared.share, entry.self_declared.saving]
    yield from (value for value in said if value is not None)
