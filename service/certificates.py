"""The certificate of a retirement: what everyone may read of it, and how serials are written and read.

A block of serials is written `CN-140000-sanjin-2022-2026-11-K7-0000123–0000456`: whose rules (ISO 3166, in China with
the GB/T 2260 code), methodology and its version, vintage (year and month), class (K and its number), first and last
serial, both of at least seven digits, joined by an en dash (U+2013). The class and a serial name one gram; the rest
says what the class is. Read it from its end: a methodology's id may hold hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from scenarios.regions import wider
from service.errors import BadInput

BeneficiaryKind = Literal["person", "organization"]

SERIALS = re.compile(
    r"(?P<place>[A-Z]{2}(?:-\d{6})?|world)-(?P<methodology>.+)-(?P<version>.+)"
    r"-(?P<vintage>\d{4}-\d{2})-K(?P<class_id>\d{1,10})-(?P<first>\d{7,19})–(?P<last>\d{7,19})",
    re.ASCII,
)
REVEALING = re.compile(r"(?:\+?\d[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}|\d{17}[\dXx]|[^\s@]+@[^\s@]+")
"""Mobile numbers, identity numbers and mail addresses, which nobody needs to publish in a purpose."""


class SerialsUnreadable(BadInput):
    """“{text}”不是序列号区间。"""

    code = "serials_unreadable"


class Serials(NamedTuple):
    """A block as read: the class's number, its first and its last serial."""

    class_id: int
    first: int
    last: int


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Serials of one class, from first to last; `serials` is how people write them."""

    class_id: int
    region: str
    methodology: str
    version: str
    vintage: date
    first_serial: int
    last_serial: int
    grams: int
    serials: str


class Basis(msgspec.Struct, frozen=True):
    """What lets a citizen retire credits of a region: the rule's clause, or else the operator's policy, by version."""

    region: str
    clause: str | None
    policy: str | None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a retirement certifies, for good. `whole` says whether a person's name and the purpose are shown in full.

    `by_event`: retired by an event's organizers, of what was donated to it; otherwise by a citizen, of their own.
    """

    retirement_id: UUID
    by_event: bool
    event_id: UUID | None
    event_name: str | None
    beneficiary: str
    beneficiary_kind: BeneficiaryKind
    purpose: str
    grams: int
    retired_on: date
    retired_at: datetime
    blocks: tuple[Block, ...]
    basis: tuple[Basis, ...]
    whole: bool


read_bases = msgspec.json.Decoder(tuple[Basis, ...]).decode


def as_certificate(row: Mapping[str, Any]) -> Certificate:
    """A certificate from its row; without a reader's claim to the whole, what names a person is masked."""
    blocks = tuple(block(*parts) for parts in row["blocks"] or ())
    flags = {"by_event": bool(row["by_event"]), "whole": bool(row["whole"])}
    found = Certificate(**{**row, **flags, "blocks": blocks, "basis": read_bases(row["basis"])})
    return found if found.whole else masked(found)


def block(class_id: int, region: str, methodology: str, version: str, vintage: date, first: int, beyond: int) -> Block:
    """A block with its written form; `beyond` is the serial after its last."""
    place = f"{wider(region)[-2]}-{region}" if len(wider(region)) > 2 else region
    label = f"{place}-{methodology}-{version}-{vintage:%Y-%m}-K{class_id}"
    return Block(
        class_id=class_id,
        region=region,
        methodology=methodology,
        version=version,
        vintage=vintage,
        first_serial=first,
        last_serial=beyond - 1,
        grams=beyond - first,
        serials=f"{label}-{first:07}–{beyond - 1:07}",
    )


def read_serials(text: str) -> Serials:
    """A block from its written form. Raises SerialsUnreadable."""
    found = SERIALS.fullmatch(text.strip())
    if found is None or not 0 < int(found["first"]) <= int(found["last"]):
        raise SerialsUnreadable(text=text[:200])
    return Serials(int(found["class_id"]), int(found["first"]), int(found["last"]))


def masked(certificate: Certificate) -> Certificate:
    """The certificate as everyone may see it: a person by the first character, also where the purpose names them."""
    name, purpose = certificate.beneficiary, certificate.purpose
    if certificate.beneficiary_kind == "person":
        purpose = purpose.replace(name, mask(name))
        name = mask(name)
    return msgspec.structs.replace(certificate, beneficiary=name, purpose=REVEALING.sub("***", purpose))


def mask(name: str) -> str:
    """A person's name by its first character: 张*. Of a name that is but one, nothing is left."""
    return f"{name[:1]}*" if len(name) > 1 else "*"
