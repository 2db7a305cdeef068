"""What an event has done, what it lacks, what is due when and under which clause, in an organizer's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from scenarios.meeting import readiness_texts as texts
from scenarios.meeting.confirming import confirmation_steps
from scenarios.meeting.deadlines import Deadline, deadlines, has_own_deadline
from scenarios.meeting.measures import reduction_ground
from scenarios.meeting.readiness_terms import (
    EventRecord,
    State,
    Step,
    is_neutral,
    label_of,
    lacking,
    needed_g,
    state_of,
    step,
)
from scenarios.meeting.readiness_texts import filled, listed, tonnes
from scenarios.meeting.retiring import retirement_steps
from scenarios.meeting.rule_changes import newly_asked
from scenarios.meeting.rule_terms import RulePack
from scenarios.meeting.thresholds import Standing, classify

__all__ = ["EventRecord", "Step", "readiness"]


def readiness(rule: RulePack, record: EventRecord, today: date, before: RulePack | None = None) -> list[Step]:
    """The whole checklist in the order of an event's life; `before` is the version that gave way, if one did.

    Raises EventFactsMissing and PeopleAbsurd, as classify does.
    """
    standing = classify(rule, record.facts)
    due = deadlines(rule, record.ends_on, record.classes)
    found = [_size(standing)]
    found += [_changed(before, rule)] if before else []
    found += [*_plan(rule, record, today), _measures(rule, record, today), _account(rule, record, due, today)]
    found += [_offset(rule, record, each, today) for each in due]
    found += [_order(rule, record)]
    found += [*retirement_steps(rule, record), *confirmation_steps(rule, record, standing)]
    return [*found, *_duties(rule, record)]


def _size(standing: Standing) -> Step:
    text = texts.VOLUNTARY_TODO if standing.voluntary else texts.SIZE_TODO
    todo = filled(text, label=standing.label, duty=standing.duty)
    note = standing.note
    if standing.unknown:
        note = filled(texts.UNKNOWN_TODO, unknown=standing.unknown)
    return Step("size", texts.SIZE, "done", None, todo, standing.ground, (), note)


def _changed(before: RulePack, rule: RulePack) -> Step:
    changes = newly_asked(before, rule)
    todo = filled(texts.CHANGED_TODO, changes=listed(changes)) if changes else texts.NOTHING
    return Step("rule_changed", texts.CHANGED, "done", None, todo, rule.ground(rule.switch), changes)


def _plan(rule: RulePack, record: EventRecord, today: date) -> Iterator[Step]:
    contents = rule.contents_of("plan")
    missing = lacking(contents, record.plan_fields)
    due_on = record.starts_on - timedelta(days=1)
    if contents:
        todo = filled(texts.PLAN_TODO, missing=listed(missing))
        state = state_of(not missing, due_on, today)
        ground = rule.ground(contents)
        yield step("plan", texts.PLAN, state, todo, ground, due_on=due_on, missing=missing, note=contents.note)
    said = rule.publication
    if not said.required:
        yield step("publish_plan", texts.PUBLISH_PLAN, "not_needed", texts.PLAN_STAYS, rule.ground(said))
        return
    state = state_of(record.plan_published_on is not None, due_on, today)
    todo = texts.PUBLISH_PLAN_TODO
    yield step("publish_plan", texts.PUBLISH_PLAN, state, todo, rule.ground(said), due_on=due_on, note=said.note)


def _measures(rule: RulePack, record: EventRecord, today: date) -> Step:
    state = state_of(record.measures_done > 0, record.ends_on, today)
    ground = reduction_ground(rule)
    return step("measures", texts.MEASURES, state, texts.MEASURES_TODO, ground, due_on=record.ends_on)


def _account(rule: RulePack, record: EventRecord, due: list[Deadline], today: date) -> Step:
    """Accounting is due when the neutrality is: the first day that the rule, or else the plan, names."""
    due_on = next((each.due_on for each in due if each.due_on), record.target_date)
    state = state_of(record.inventory_submitted_on is not None, due_on, today)
    todo = filled(texts.ACCOUNT_TODO, standard=rule.accounting.standard)
    return step("account", texts.ACCOUNT, state, todo, rule.ground(rule.accounting), due_on=due_on)


def _offset(rule: RulePack, record: EventRecord, each: Deadline, today: date) -> Step:
    """What is due by one deadline: of the general one all but what sinks with their own are planned to cover."""
    missing = None if each.classes else _missing_g(rule, record)
    done = is_neutral(rule, record) or each.key in record.milestones or missing == 0
    due_on = each.due_on or record.target_date
    what = filled(texts.ASK, what=each.what, ask=each.ask) if each.ask else each.what
    todo = filled(texts.SINK_TODO if each.classes else texts.OFFSET_FIRST, what=what, word=rule.word)
    if missing:
        todo = filled(texts.OFFSET_TODO, what=what, word=rule.word, missing=tonnes(missing))
    state = state_of(done, due_on, today)
    note = each.note if not done else filled(texts.OFFSET_DONE, label=label_of(rule, record).name)
    return step(f"offset_{each.key}", each.what, state, todo, each.ground, due_on=due_on, note=note)


def _missing_g(rule: RulePack, record: EventRecord) -> int | None:
    """What is still to be retired by the general deadline; null before the inventory is submitted."""
    need = needed_g(rule, record)
    if need is None or record.inventory_submitted_on is None:
        return None
    apart = {unit for unit in record.classes if has_own_deadline(rule, unit)}
    later = sum(max(record.planned_g.get(unit, 0), record.retired_g.get(unit, 0)) for unit in apart)
    now = sum(grams for unit, grams in record.retired_g.items() if unit not in apart)
    return max(0, need - later - now)


def _order(rule: RulePack, record: EventRecord) -> Step:
    title = filled(texts.ORDER, word=rule.word)
    ground = rule.ground(rule.order)
    if not (rule.order.recommended and record.left_order):
        return step("order", title, "not_needed", texts.NOTHING, ground)
    return step("order", title, "done" if record.order_reason else "missing", texts.ORDER_TODO, ground)


def _duties(rule: RulePack, record: EventRecord) -> Iterator[Step]:
    for each in rule.duties:
        if each.step:
            done = each.key in record.duties_done
            state: State = "done" if done else "missing"
            yield step(f"duty_{each.key}", each.text, state, texts.DUTY_TODO, rule.ground(each), note=each.note)
