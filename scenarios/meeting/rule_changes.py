"""What a new version of a rule asks that the one before did not."""

from __future__ import annotations

from scenarios.meeting.rule_terms import ContentsKey, RulePack, Text


def newly_asked(before: RulePack, now: RulePack) -> tuple[Text, ...]:
    """In words: further fields, other deadlines, further duties, confirmations and offsets that are gone."""
    return (*_fields(before, now), *_deadlines(before, now), *_duties(before, now), *_gone(before, now))


def _fields(before: RulePack, now: RulePack) -> list[Text]:
    keys: tuple[ContentsKey, ...] = ("plan", "declaration", "certificate", "disclosure", "report")
    found = []
    for key in keys:
        old, new = before.contents_of(key), now.contents_of(key)
        had = {each.key for each in old.fields} if old else set()
        found += [each.label for each in new.fields if each.key not in had] if new else []
    return found


def _deadlines(before: RulePack, now: RulePack) -> list[Text]:
    had = {(each.key, each.months, each.classes) for each in before.deadlines}
    return [each.what for each in now.deadlines if (each.key, each.months, each.classes) not in had]


def _duties(before: RulePack, now: RulePack) -> list[Text]:
    had = {each.key for each in before.duties}
    return [each.text for each in now.duties if each.step and each.key not in had]


def _gone(before: RulePack, now: RulePack) -> list[Text]:
    """What is open no longer: ways to confirm, and units by the words of the entry that took them."""
    ways = [each.name for each in before.ways if now.way(each.key) is None]
    taken = {unit for each in now.offsets for unit in each.classes}
    units = [each.words for each in before.offsets if not set(each.classes) <= taken]
    return [Text(f"不再接受：{each.zh}", f"no longer accepted: {each.en}") for each in (*ways, *units)]
