"""Each line of a statement in a plain sentence: what it was, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from scenarios.actions.methodologies import methodologies
from scenarios.actions.reductions import Reduction
from scenarios.labels import UNIT_LABELS
from scenarios.quantities import UNITS, amount_text, size_of
from service.donation_uses import Use
from service.expiry import RuleTold
from service.i18n import Language, mark, translate
from service.schedules import CHINA
from service.statement_lines import Kind, Line

NAMED = 2
"""How many retirements of one donation a sentence names; more are summed up."""

KIND_LABELS: dict[Kind, str] = {
    "issue": mark("获得"),
    "donate": mark("捐赠"),
    "retire": mark("注销"),
    "expire": mark("失效"),
    "reverse": mark("冲正"),
    "refund": mark("退回捐赠"),
    "reserve": mark("预留"),
    "void": mark("退回预留"),
    "lapse": mark("预留到期"),
}
"""Kinds of lines, in the order in which a page offers them."""


def sentence(line: Line, language: Language, *, certificates: bool = True) -> str:
    """What a line was. `certificates`: with the numbers of those that used a donation up."""
    said = translate(language, TEMPLATES[line.kind](line)).format(
        event=line.event_name or line.event_id,
        act=act_text(line.act, language) if line.act else "",
        rules=rules_text(line.rules, language),
        purpose=line.purpose,
        beneficiary=line.beneficiary,
        until=day_of(line.reserved.lapses_at) if line.reserved else "",
        posted_g=line.reserved.posted_g if line.reserved else 0,
        rest_g=line.reserved.grams - line.reserved.posted_g if line.reserved else 0,
    )
    uses = uses_of(line.use, language, certificates) if line.use else []
    if not uses:
        return said
    template = mark("{said}：其中 {uses}") if len(uses) > 1 else mark("{said}：{uses}")
    return translate(language, template).format(said=said, uses=translate(language, mark("，")).join(uses))


def act_text(act: Reduction, language: Language) -> str:
    """What was done and how much of it: 骑行 12 公里."""
    label = next(
        (found.actions[act.action].label for found in methodologies() if act.action in found.actions), act.action
    )
    amount = amount_text(act.quantity, size_of(act.unit))
    unit = UNIT_LABELS[UNITS[act.unit].per]
    return f"{translate(language, label)} {amount} {translate(language, unit)}"


def rules_text(rules: Sequence[RuleTold], language: Language) -> str:
    """By what credits expired: clauses, or the operator's policy where no source says so."""
    own = translate(language, mark("平台政策 {id} {version}"))
    return "; ".join(each.citation or own.format(id=each.pack.id, version=each.pack.version) for each in rules)


def day_of(at: datetime) -> str:
    """The date in China."""
    return at.astimezone(CHINA).date().isoformat()


def uses_of(use: Use, language: Language, certificates: bool) -> list[str]:
    """What became of a donation: retired, gone back, still kept for the event."""
    phrases = retired_phrases(use, language, certificates)
    if use.given_back_g:
        phrases.append(translate(language, mark("{grams} 克已退回")).format(grams=use.given_back_g))
    if use.reserved_g:
        phrases.append(translate(language, mark("{grams} 克仍为该活动保留")).format(grams=use.reserved_g))
    return phrases


def retired_phrases(use: Use, language: Language, certificates: bool) -> list[str]:
    """The retirements that took part of a donation; more than two in one phrase."""
    if len(use.retirements) > NAMED:
        text = translate(language, mark("{grams} 克已分 {count} 次注销"))
        return [text.format(grams=use.retired_g, count=len(use.retirements))]
    named = mark("{grams} 克已于 {day} 注销（证书 {certificate}）")
    text = translate(language, named if certificates else mark("{grams} 克已于 {day} 注销"))
    return [
        text.format(grams=e.grams, day=e.retired_on.isoformat(), certificate=e.retirement_id) for e in use.retirements
    ]


def issued(line: Line) -> str:
    """Earned by an act or at a door."""
    if line.subject == "check_in":
        return mark("报到「{event}」获得")
    return mark("{act}获得") if line.act else mark("签发")


def reserved(line: Line) -> str:
    """Set aside, and what came of it."""
    if line.reserved is None or line.reserved.outcome is None:
        return mark("为「{event}」预留，{until} 前有效")
    if line.reserved.outcome == "lapse":
        return mark("为「{event}」预留，到期没有捐出，已全部退回")
    if line.reserved.outcome == "void":
        return mark("为「{event}」预留，后来取消，已全部退回")
    if line.reserved.posted_g == line.reserved.grams:
        return mark("为「{event}」预留，后来全部捐出")
    return mark("为「{event}」预留，后来捐出 {posted_g} 克，退回 {rest_g} 克")


def voided(line: Line) -> str:
    """Set aside and come back, in whole or what was not given."""
    if line.reserved and line.reserved.outcome == "post":
        return mark("为「{event}」预留的没有全部捐出，其余退回")
    return mark("取消为「{event}」的预留，退回")


def reversed_(line: Line) -> str:
    """Taken back, with what it undid."""
    if line.subject == "check_in":
        corrected = line.check_in_ended == "corrected"
        return mark("冲正：更正了报到「{event}」") if corrected else mark("冲正：撤销了报到「{event}」")
    if line.act:
        return mark("冲正：撤销了{act}")
    return mark("冲正：撤销了给「{event}」的捐赠") if line.grams > 0 else mark("冲正")


TEMPLATES: dict[Kind, Callable[[Line], str]] = {
    "issue": issued,
    "donate": lambda _: mark("捐给「{event}」"),
    "retire": lambda _: mark("注销，用于{purpose}（受益方：{beneficiary}）"),
    "expire": lambda line: mark("失效（依据：{rules}）") if line.rules else mark("失效"),
    "reverse": reversed_,
    "refund": lambda line: mark("「{event}」取消，捐赠退回") if line.event_cancelled else mark("「{event}」退回捐赠"),
    "reserve": reserved,
    "void": voided,
    "lapse": lambda _: mark("为「{event}」的预留到期，退回"),
}
"""By kind: the sentence that fits a line."""
