"""The fields that a place demands of a declaration or certificate: filled from what is recorded, or said besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from msgspec import Meta

from scenarios.meeting.readiness_texts import listed
from scenarios.meeting.rule_terms import Confirmation as Way
from scenarios.meeting.rule_terms import Contents, ContentsKey, FieldKey, RulePack, Text
from scenarios.regions import jurisdiction_name
from service.amounts import mass
from service.certificates import REVEALING
from service.i18n import mark, translate
from service.inputs import LINE
from service.neutral_cases import Case, FieldsMissing
from service.neutrality_records import FieldSaid

SayableKey = Literal["organizer", "held_at", "place", "content", "size", "measures"]
"""What an organizer may say in own words; figures, days and labels come from the books."""
Words = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
Said = dict[SayableKey, Words]
WAYS_CONTENTS: Mapping[Way, tuple[ContentsKey, ...]] = {
    "self_declaration": ("declaration",),
    "third_party": ("certificate",),
    "certificate_applied": ("certificate", "disclosure"),
}
"""Which of a pack's documents say what a confirmation must hold: the first of them that the pack has."""


def contents_of(rule: RulePack, way: Way) -> Contents | None:
    """What the place demands of that confirmation, where its text says so."""
    return next((found for key in WAYS_CONTENTS[way] if (found := rule.contents_of(key))), None)


def fields_of(case: Case, way: Way, said: Said | None = None) -> tuple[FieldSaid, ...]:
    """The fields demanded, in their order, as far as they are known."""
    contents = contents_of(case.rule, way)
    own: dict[FieldKey, Text] = {key: both(clean(value)) for key, value in (said or {}).items()}
    found = []
    for each in contents.fields if contents else ():
        text = own.get(each.key) or FILLED.get(each.key, nothing)(case, way)
        if text is not None:
            found.append(FieldSaid(each.key, each.label, text))
    return tuple(found)


def clean(text: str) -> str:
    """Words to be published, without numbers and addresses that lead to a person."""
    return REVEALING.sub("***", text.strip())


def missing_of(case: Case, way: Way, fields: tuple[FieldSaid, ...]) -> tuple[Text, ...]:
    """The fields demanded that are not there, in the text's words."""
    contents = contents_of(case.rule, way)
    have = {each.key for each in fields}
    return tuple(each.label for each in contents.fields if each.key not in have) if contents else ()


def require_fields(case: Case, way: Way, fields: tuple[FieldSaid, ...]) -> None:
    """Go on only where nothing lacks. Raises FieldsMissing, naming what does and where it is demanded."""
    contents = contents_of(case.rule, way)
    if contents and (missing := missing_of(case, way, fields)):
        raise FieldsMissing(missing=listed(missing)).under(case.rule.ground(contents))


def nothing(_: Case, __: Way) -> Text | None:
    """Not recorded."""
    return None


def both(text: str) -> Text:
    """The same in both languages: a name, a number, a date."""
    return Text(text, text)


def of_books(words: str, **values: str) -> Text:
    """A text of the catalog in both languages."""
    return Text(translate("zh", words).format(**values), translate("en", words).format(**values))


def grams_text(grams: int) -> Text:
    """An amount as people read it, and to the gram."""
    return Text(f"{mass(grams, 'zh')}（{grams:,} gCO2e）", f"{mass(grams, 'en')} ({grams:,} gCO2e)")


def held_at(case: Case, _: Way) -> Text:
    """Its days."""
    first, last = case.first.isoformat(), case.last.isoformat()
    return both(first if first == last else f"{first} – {last}")


def place(case: Case, _: Way) -> Text:
    """Where it was held."""
    code, venue = case.facts.rule_place, case.event.venue
    return Text(f"{jurisdiction_name(code, 'zh')} {venue}", f"{jurisdiction_name(code, 'en')}, {venue}")


def size(case: Case, _: Way) -> Text | None:
    """The people counted, once somebody said them after the event began: what was expected is no size."""
    said_at = case.facts.said_at
    if said_at is None or said_at < case.event.hours[0].opens_at:
        return None
    return of_books(mark("{people} 人"), people=f"{case.standing.counted:,}")


def boundary(case: Case, _: Way) -> Text:
    """What was accounted for."""
    scope = mark("基本范围") if case.label and case.label.scope == "basic" else mark("全部范围（基本及拓展）")
    text = of_books(scope)
    return Text(f"{case.boundary.title_zh} · {text.zh}", f"{case.boundary.title_en} · {text.en}")


def emissions(case: Case, _: Way) -> Text | None:
    """What was emitted within the label's scope."""
    return grams_text(case.need_g) if case.version else None


def offset_method(case: Case, _: Way) -> Text | None:
    """What was retired, by class."""
    if not case.offsets:
        return NONE if case.version and not case.need_g else None
    texts = [(each.name, grams_text(each.grams)) for each in case.offsets]
    return listed([Text(f"{name.zh} {sum_.zh}", f"{name.en} {sum_.en}") for name, sum_ in texts])


NONE = Text("没有需要抵销的排放量", "Nothing had to be offset")


def measures(case: Case, _: Way) -> Text | None:
    """What was done to emit less."""
    return listed([each.words for each in case.measures]) if case.measures else None


def neutral_day(case: Case, _: Way) -> Text | None:
    """When it became neutral."""
    return both(on.isoformat()) if (on := case.neutral_on) else None


def label(case: Case, _: Way) -> Text | None:
    """The label, in the place's words."""
    return case.label.name if case.label else None


def confirmation(case: Case, way: Way) -> Text | None:
    """How it is confirmed, in the place's words."""
    return found.name if (found := case.way(way)) else None


FILLED: Mapping[FieldKey, Callable[[Case, Way], Text | None]] = {
    "name": lambda case, _: both(case.event.name),
    "organizer": lambda case, _: both(case.organizer),
    "held_at": held_at,
    "place": place,
    "size": size,
    "boundary": boundary,
    "measures": measures,
    "emissions_g": emissions,
    "to_offset_g": emissions,
    "offset_method": offset_method,
    "neutral_on": neutral_day,
    "label": label,
    "confirmation": confirmation,
}
