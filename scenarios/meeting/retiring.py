"""The steps after units are retired: proof, report to the authority, publication; each as its class's rule says."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.meeting import readiness_texts as texts
from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.readiness_terms import EventRecord, Step, is_neutral, step
from scenarios.meeting.readiness_texts import filled, listed
from scenarios.meeting.rule_terms import Ground, OffsetClass, Retirement, RulePack, Text


def retirement_steps(rule: RulePack, record: EventRecord) -> Iterator[Step]:
    """Those that the rule asks of the classes that the event uses; nothing for what it does not use.

    Once it is neutral, what was planned and not retired is not used.
    """
    used = tuple(record.retired_g) if is_neutral(rule, record) else record.classes
    ruled = [(unit, said) for unit in used if (said := rule.retirement(unit))]
    if proven := [(unit, said) for unit, said in ruled if said.proof]:
        waiting = _labels([unit for unit, _ in proven if unit in record.unproven or not record.retired_g.get(unit)])
        todo = filled(texts.PROOF_TODO, missing=listed(waiting))
        yield _step("proof", texts.PROOF, not waiting, todo, _ground(rule, proven), waiting)
    if told := [(unit, said) for unit, said in ruled if said.report_to]:
        waiting = _labels([unit for unit, _ in told if unit not in record.reported])
        todo = filled(texts.REPORT_TODO, missing=listed(waiting), whom=told[0][1].report_to)
        yield _step("report", texts.REPORT, not waiting, todo, _ground(rule, told), waiting)
    if public := [(unit, said) for unit, said in ruled if said.publish]:
        done = record.retirements_published_on is not None
        yield _step(
            "publish_retirements", texts.PUBLISH_RETIRED, done, texts.PUBLISH_RETIRED_TODO, _ground(rule, public)
        )


def _step(key: str, title: Text, done: bool, todo: Text, ground: Ground, missing: tuple[Text, ...] = ()) -> Step:
    return step(key, title, "done" if done else "missing", todo, ground, missing=missing)


def _labels(units: list[OffsetClass]) -> tuple[Text, ...]:
    return tuple(CLASS_LABELS[unit] for unit in units)


def _ground(rule: RulePack, said: list[tuple[OffsetClass, Retirement]]) -> Ground:
    return rule.ground(said[0][1])
