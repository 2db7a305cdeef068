"""What was done to an event, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from scenarios.labels import MODE_LABELS
from scenarios.meeting.items import sources
from scenarios.meeting.offset_classes import CLASS_LABELS
from service import trail
from service.access import Caller
from service.amounts import mass
from service.api.given import Pool
from service.api.problems import language_of
from service.i18n import Language, mark, translate
from service.pages.event_files import LABELS as PURPOSES
from service.pages.figures import count, measure, plain, region
from service.pages.organize import seen_event
from service.pages.rendering import page
from service.trail import Entry

CLAIMS = {"neutral": mark("碳中和"), "basic": mark("基本碳中和"), "full": mark("全口径碳中和")}
WAYS = {
    "self_declaration": mark("自我声明"),
    "third_party": mark("技术服务机构认定"),
    "certificate_applied": mark("申请证书"),
}


def source(key: Any, language: Language) -> str:
    """An emission source."""
    found = sources().get(key)
    return str(key) if found is None else found.label_zh if language == "zh" else found.label_en


def offset_class(key: Any, language: Language) -> str:
    """A class of offsets."""
    named = CLASS_LABELS.get(key)
    return str(key) if named is None else named.said(language)


def one_of(labels: Mapping[Any, str]) -> Callable[[Any, Language], str]:
    """What says one of these labels."""
    return lambda key, language: translate(language, labels.get(key, str(key)))


def grams(number: Any, language: Language) -> str:
    """A mass."""
    return str(mass(number, language))


def area(square_metres: Any, language: Language) -> str:
    """An area."""
    return f"{plain(Decimal(str(square_metres)), language)} m²"


SAID: Mapping[str, Callable[[Any, Language], str]] = {
    "number": lambda number, language: translate(language, mark("第 %(number)s 版")) % {"number": number},
    "source": source,
    "class": offset_class,
    "from_mode": one_of(MODE_LABELS),
    "to_mode": one_of(MODE_LABELS),
    "use": one_of(PURPOSES),
    "way": one_of(WAYS),
    "claim": one_of(CLAIMS),
    "rule_place": region,
    "people": lambda number, language: translate(language, mark("%(count)s 人")) % {"count": count(number, language)},
    "lines": lambda number, language: translate(language, mark("%(count)s 行")) % {"count": count(number, language)},
    "count": lambda number, language: translate(language, mark("%(count)s 个")) % {"count": count(number, language)},
    "area_m2": area,
    **dict.fromkeys(("grams", "estimate_g", "reported_g", "retired_g", "baseline_g"), grams),
}
"""How a value is said, by its key."""
OWN_WORDS = (
    *("name", "label", "registry", "project", "reference", "purpose", "how", "before", "after", "what", "note"),
    "because",
)
"""What somebody wrote, shown as it stands."""


def values(entry: Entry, language: Language) -> list[str]:
    """What is said of an entry, value by value."""
    said = [say(entry.about[key], language) for key, say in SAID.items() if key in entry.about]
    if "quantity" in entry.about:
        number = plain(Decimal(str(entry.about["quantity"])), language)
        said.append(f"{number} {measure(entry.about['unit'], language)}")
    return said


def words(entry: Entry, language: Language) -> list[str]:
    """What somebody wrote of it; a system's words stand in both languages."""
    found = [entry.about[key] for key in OWN_WORDS if key in entry.about]
    return [str(each[language]) if isinstance(each, dict) else str(each) for each in found if each]


@get("/organize/events/{event_id:uuid}/trail")
async def show_trail(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, before: FromQuery[str] = ""
) -> Response[Any]:
    """Everything that anyone did to the event, the newest first."""
    language = language_of(request)
    async with pool.acquire() as connection:
        event, _ = await seen_event(connection, request.user, event_id)
        found = await trail.of_event(connection, event_id, before or None)
    return page(
        request,
        "trail",
        event=event,
        entries=[(each, values(each, language), words(each, language)) for each in found.entries],
        date_there=lambda at: at.astimezone(ZoneInfo(event.time_zone)).date(),
        more=found.more,
        earlier=bool(before),
        acts=trail.ACTS,
        parties=trail.PARTIES,
    )


routes = [show_trail]
