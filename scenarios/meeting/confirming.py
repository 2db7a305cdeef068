"""The steps that confirm an event's neutrality and tell the public of it."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.meeting import readiness_texts as texts
from scenarios.meeting.readiness_terms import EventRecord, Step, is_neutral, lacking, step
from scenarios.meeting.readiness_texts import filled, listed
from scenarios.meeting.rule_terms import RulePack, Text
from scenarios.meeting.thresholds import OpenWay, Standing


def confirmation_steps(rule: RulePack, record: EventRecord, standing: Standing) -> Iterator[Step]:
    """The confirmation by the way chosen, then what the rule has disclosed."""
    chosen = next((each for each in standing.confirmations if each.key == record.confirmation), None)
    if chosen is None:
        yield _choose(rule, record, standing)
    elif chosen.key == "self_declaration":
        yield _declare(rule, record, chosen)
    else:
        yield _certify(rule, record, chosen)
    yield from _disclose(rule, record)


def _choose(rule: RulePack, record: EventRecord, standing: Standing) -> Step:
    ways = listed([each.name for each in standing.confirmations])
    todo = filled(texts.CONFIRM_CHOOSE, ways=ways)
    if record.confirmation:
        named = rule.way(record.confirmation)
        way = named.name if named else Text(record.confirmation, record.confirmation)
        todo = filled(texts.CONFIRM_CLOSED, way=way, ways=ways)
    return step("confirm", texts.CONFIRM, "missing", todo, standing.ground)


def _declare(rule: RulePack, record: EventRecord, way: OpenWay) -> Step:
    contents = rule.contents_of("declaration")
    missing = lacking(contents, record.declaration_fields)
    hindered = _hindered(rule, record, way)
    done = record.declared_on is not None and not missing and hindered is None
    todo = filled(texts.DECLARE_NOW, way=way.name)
    if hindered:
        todo = hindered
    elif missing:
        todo = filled(texts.DECLARE_TODO, way=way.name, missing=listed(missing))
    ground = rule.ground(contents) if contents and not contents.policy else way.ground
    note = contents.note if contents and contents.note else way.note
    return step("confirm", texts.CONFIRM, "done" if done else "missing", todo, ground, missing=missing, note=note)


def _certify(rule: RulePack, record: EventRecord, way: OpenWay) -> Step:
    hindered = _hindered(rule, record, way)
    done = record.certificate_granted_on is not None and hindered is None
    applied = texts.CERTIFY_WAIT if record.certificate_applied_on else texts.CERTIFY_TODO
    todo = hindered or filled(applied, issuer=way.issuer or way.name, way=way.name)
    return step("confirm", texts.CONFIRM, "done" if done else "missing", todo, way.ground, note=way.note)


def _hindered(rule: RulePack, record: EventRecord, way: OpenWay) -> Text | None:
    """What stands in the way of any confirmation, if something does."""
    if record.withdrawn_on:
        return texts.WITHDRAWN
    if not is_neutral(rule, record):
        return texts.NEUTRAL_FIRST
    return texts.MEASURES_FIRST if way.after_measures and not record.measures_done else None


def _disclose(rule: RulePack, record: EventRecord) -> Iterator[Step]:
    contents = rule.contents_of("disclosure")
    if contents is None:
        return
    missing = lacking(contents, record.disclosed_fields)
    done = record.disclosed_on is not None and not missing
    where = contents.where or Text("公开的地方由组织者选定", "where the organizer chooses")
    todo = filled(texts.DISCLOSE_TODO, missing=listed(missing)) if missing else where
    ground = rule.ground(contents)
    yield step(
        "disclose", texts.DISCLOSE, "done" if done else "missing", todo, ground, missing=missing, note=contents.note
    )
