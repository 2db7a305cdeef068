"""Where a number stands: the document, its clause and publisher, and how surely we know it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from scenarios.quantities import LARGEST_EXPONENT, UNITS
from scenarios.refusals import PackUnreadable
from scenarios.regions import is_place_code

Certainty = Literal["verbatim", "agreed", "unverified", "derived"]
"""Read word for word; two sources or more agree; one secondary source only; by arithmetic from such a figure."""

Gas = Literal["CO2", "CH4", "N2O", "CO2e", "unstated"]
"""CO2e: a total whose gases the source does not list. unstated: the source names no gas."""

PUBLISHERS = ("gov.cn", "github.com/ConferenceCarbonTracker", "github.com/pledge4future")
"""The only hosts, or parts of them, that a citation may link to: official ones and the authors' own."""

_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_T = TypeVar("_T")


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published text. `published_on` is as exact as is known: a year, a month or a day; else the edition read."""

    title: str
    publisher: str
    published_on: str = ""
    edition: str = ""
    number: str = ""
    url: str = ""


class Citation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in a document."""

    document: str
    publisher: str
    published_on: str = ""
    edition: str = ""
    number: str = ""
    clause: str = ""
    url: str = ""

    @property
    def text(self) -> str:
        """One line for people: number, title, clause, publisher, date."""
        title = f"{self.number}《{self.document}》" if self.number else f"《{self.document}》"
        return f"{title}{self.clause and ' ' + self.clause}（{self.publisher}，{self.published_on or self.edition}）"


class Cited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a pack's entry names its source: a document of the same pack, and where in it."""

    document: str
    clause: str = ""


class PackUsed(msgspec.Struct, frozen=True):
    """Which data was used: enough to find the very file again. `digest` is the start of its sha256."""

    id: str
    version: str
    digest: str


def resolve(cited: Cited, documents: Mapping[str, Document], pack: str) -> Citation:
    """The full citation. Raises PackUnreadable when the document is not in the pack, or has no date or publisher."""
    document = documents.get(cited.document)
    if document is None:
        raise PackUnreadable(pack=pack, why=f"no document {cited.document!r}")
    require(bool(document.title and document.publisher), pack, f"{cited.document} lacks title or publisher")
    dated = _DAY.fullmatch(document.published_on) is not None if document.published_on else document.edition
    require(bool(dated), pack, f"{cited.document} lacks its date or edition")
    require(not document.url or is_publisher(document.url), pack, f"{document.url} is no publisher's host")
    return Citation(
        document=document.title,
        publisher=document.publisher,
        published_on=document.published_on,
        edition=document.edition,
        number=document.number,
        clause=cited.clause,
        url=document.url,
    )


def is_publisher(url: str) -> bool:
    """Does the address lie where a citation may link to?"""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(_within(own, host, parts.path) for own in PUBLISHERS)


def _within(own: str, host: str, path: str) -> bool:
    domain, _, folder = own.partition("/")
    return (host == domain or host.endswith(f".{domain}")) and (not folder or path.startswith(f"/{folder}/"))


def require(holds: bool, pack: str, why: str) -> None:
    """Raise PackUnreadable, naming the pack and what is wrong, unless it holds."""
    if not holds:
        raise PackUnreadable(pack=pack, why=why)


def require_number(value: Decimal | None, pack: str, where: str) -> None:
    """Raise PackUnreadable for a negative, NaN or infinite number, or one with an exponent beyond 15."""
    if value is None:
        return
    require(value.is_finite(), pack, f"{where} is not a finite number")
    exponents = (value.adjusted(), int(value.as_tuple().exponent))
    require(all(abs(each) <= LARGEST_EXPONENT for each in exponents), pack, f"{where} has an exponent beyond 15")
    require(value >= 0, pack, f"{where} is negative")


def require_unit(unit: str, gases: tuple[Gas, ...], pack: str, where: str) -> None:
    """Raise PackUnreadable for an unknown unit, or gases that the unit does not speak of."""
    require(unit in UNITS, pack, f"{where} has the unknown unit {unit!r}")
    require(bool(gases), pack, f"{where} does not say which gases it covers")
    co2_only = UNITS[unit].gas == "CO2"
    require(co2_only == (gases == ("CO2",)), pack, f"{where} is in {unit} but covers {', '.join(gases)}")


def require_force(places: tuple[str, ...], valid_from: date, valid_to: date | None, pack: str, where: str) -> None:
    """Raise PackUnreadable unless it is for known places and its period is not empty."""
    require(bool(places), pack, f"{where} is for no place")
    for place in places:
        require(is_place_code(place), pack, f"{where} is for the unknown place {place!r}")
    require(valid_to is None or valid_from <= valid_to, pack, f"{where} ends before it begins")


def overlap(a_from: date, a_to: date | None, b_from: date, b_to: date | None) -> bool:
    """Is there a day in both periods? Ends are included; None is open."""
    return (b_to is None or a_from <= b_to) and (a_to is None or b_from <= a_to)


def parse_toml(content: bytes, kind: type[_T], name: str) -> _T:
    """TOML text as that struct. Raises PackUnreadable."""
    try:
        table: dict[str, Any] = tomllib.loads(content.decode(), parse_float=Decimal)
        return msgspec.convert(table, kind)
    except (ValueError, ArithmeticError, RecursionError, msgspec.ValidationError) as error:
        raise PackUnreadable(pack=name, why=str(error)[:500] or type(error).__name__) from error
