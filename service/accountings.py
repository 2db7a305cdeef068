"""An event's accounting: opened once, it keeps the packs in force that day, and later numbers are computed by them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios import factors
from scenarios.factors import FactorBook, FactorSet, read_factor_set
from scenarios.meeting import boundaries, items
from scenarios.meeting.boundaries import Boundary, read_boundary
from service.access import Caller
from service.carbon import carbon_refused
from service.db import Connection, new_id
from service.errors import BadInput, NotFound
from service.events import Event, day_of
from service.inputs import LINE

PACKS = Path(factors.FOLDER).parent
Kind = Literal["factors", "boundary", "sources", "rule"]
Ambition = Literal["basic", "full"]
Because = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
AreaText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,8}(\.[0-9]{1,2})?$(?!\n)",
        max_length=11,
        description="Square metres of the venue in use, as a decimal number.",
    ),
]


class AreaImpossible(BadInput):
    """面积须大于 0。"""

    code = "area_impossible"


class BaselineUnexplained(BadInput):
    """基准线排放量和它的依据须一并填写。"""

    code = "baseline_unexplained"


class SourceUnknown(BadInput):
    """没有名为“{source}”的排放源。"""

    code = "source_unknown"


class Pack(msgspec.Struct, frozen=True):
    """A pinned file: `digest` is its whole sha256 in hexadecimal."""

    kind: Kind
    id: str
    version: str
    digest: str


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is accounted by: `factors` finds in all pinned sets, `gwp_set` is the one of their CO2e."""

    event_id: UUID
    gwp_set: str
    packs: tuple[Pack, ...]
    factors: FactorBook
    boundary: Boundary
    opened_by: UUID | None
    opened_at: datetime | None

    @property
    def opening(self) -> Opening:
        """The same as everyone of the event may see it."""
        return Opening(self.event_id, self.gwp_set, self.packs, self.opened_at)


class Opening(msgspec.Struct, frozen=True):
    """When an accounting opened, and by which packs; while it is not open, which it would open by."""

    event_id: UUID
    gwp_set: str
    packs: tuple[Pack, ...]
    opened_at: datetime | None


class NewSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What the organizer says of the whole. A baseline (grams) is the plan's, and says where it comes from."""

    ambition: Ambition = "basic"
    area_m2: AreaText | None = None
    baseline_g: Annotated[int, Meta(ge=1, le=10**15)] | None = None
    baseline_because: Because | None = None


class Settings(msgspec.Struct, frozen=True):
    """The settings in force; what was never said is None."""

    ambition: Ambition = "basic"
    area_m2: Decimal | None = None
    baseline_g: int | None = None
    baseline_because: str | None = None
    set_at: datetime | None = None


class NewAbsence(msgspec.Struct, forbid_unknown_fields=True):
    """That the event has no emissions of a source, and why; `absent` false takes it back."""

    source: Annotated[str, Meta(min_length=1, max_length=40)]
    because: Because
    absent: bool = True


async def opened(connection: Connection, event: Event, caller: Caller | None, now: datetime) -> Accounting:
    """The event's accounting, opened now where it was not: then the packs that ship now are pinned.

    Safe to ask at once from several transactions: one opens, the others wait for it. Raises CarbonRule where the
    packs for the event's place and first day are not known.
    """
    found = await find(connection, event.id)
    if found is not None:
        return found
    chosen = chosen_for(event)
    await pin(connection, chosen)
    await connection.execute(
        """
        INSERT INTO accountings (event_id, gwp_set, packs, opened_by, opened_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        event.id,
        gwp_of(sets_in([read(*each) for each in chosen])),
        [bytes.fromhex(pack.digest) for pack, _ in chosen],
        caller and caller.member_id,
        now,
    )
    made = await find(connection, event.id)
    assert made is not None
    return made


async def of_event(connection: Connection, event: Event) -> Accounting:
    """The event's accounting; while it is not open, as it would open now. Raises CarbonRule as `opened`."""
    found = await find(connection, event.id)
    if found is not None:
        return found
    chosen = chosen_for(event)
    contents = [read(*each) for each in chosen]
    return Accounting(
        event_id=event.id,
        gwp_set=gwp_of(sets_in(contents)),
        packs=tuple(pack for pack, _ in chosen),
        factors=book(tuple(sets_in(contents))),
        boundary=boundary_in(contents),
        opened_by=None,
        opened_at=None,
    )


def chosen_for(event: Event) -> list[tuple[Pack, bytes]]:
    """The packs to pin for an event. Raises CarbonRule."""
    with carbon_refused():
        return choose(event.factor_set, event.country, event.jurisdiction, day_of(event, event.hours[0].opens_at))


async def find(connection: Connection, event_id: UUID) -> Accounting | None:
    """The event's accounting, None while it is not open."""
    rows = await connection.fetch(
        """
        SELECT event_id, gwp_set, opened_by, opened_at, kind, id, version, digest, content
        FROM accountings
        CROSS JOIN LATERAL unnest(packs) WITH ORDINALITY AS pinned (digest, place)
        JOIN pinned_packs USING (digest)
        WHERE event_id = $1
        ORDER BY place
        """,
        event_id,
    )
    return as_accounting(rows) if rows else None


def as_accounting(rows: list[Any]) -> Accounting:
    """The rows of the query above, one a pack, as an Accounting."""
    first = rows[0]
    packs = tuple(Pack(each["kind"], each["id"], each["version"], each["digest"].hex()) for each in rows)
    contents = [read(pack, each["content"]) for pack, each in zip(packs, rows, strict=True)]
    return Accounting(
        event_id=first["event_id"],
        gwp_set=first["gwp_set"],
        packs=packs,
        factors=book(tuple(sets_in(contents))),
        boundary=boundary_in(contents),
        opened_by=first["opened_by"],
        opened_at=first["opened_at"],
    )


def choose(factor_set: str, country: str, place: str, on: date) -> list[tuple[Pack, bytes]]:
    """The packs to pin, with their files: the event's own factor set, the country's others, boundary and sources.

    The event's own set takes the place of those of the country that have a factor of the same key.
    """
    own = factors.factor_set(factor_set)
    keys = {each.key for each in own.factors}
    others = [each for each in factors.default_sets(country) if keys.isdisjoint(f.key for f in each.factors)]
    boundary = boundaries.boundary_of(place, on)
    sets = [file_of("factors", each.id, each.version, each.digest) for each in (own, *others)]
    used = items.source_pack().used
    return [
        *sets,
        file_of("boundary", boundary.id, boundary.version, boundary.digest),
        file_of("sources", used.id, used.version, used.digest),
    ]


def file_of(kind: Kind, pack_id: str, version: str, digest: str) -> tuple[Pack, bytes]:
    """A pack that ships, with its file; `digest` is its sha256 or the start of it."""
    whole = next(each for each in files() if each.startswith(digest))
    return Pack(kind, pack_id, version, whole), files()[whole]


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """Every pack that ships, by the sha256 of its file."""
    contents = [path.read_bytes() for path in sorted(PACKS.rglob("*.toml"))]
    return {hashlib.sha256(each).hexdigest(): each for each in contents}


@lru_cache(maxsize=256)
def read(pack: Pack, content: bytes) -> FactorSet | Boundary | None:
    """A pinned file, read and checked; None for sources, which are only kept."""
    name = f"{pack.id} {pack.version}"
    if pack.kind == "factors":
        return read_factor_set(content, name)
    return read_boundary(content, name) if pack.kind == "boundary" else None


@lru_cache(maxsize=64)
def book(sets: tuple[FactorSet, ...]) -> FactorBook:
    """Pinned sets as one."""
    return FactorBook(sets)


def sets_in(contents: Iterable[object]) -> list[FactorSet]:
    """The factor sets among what was read."""
    return [each for each in contents if isinstance(each, FactorSet)]


def boundary_in(contents: Iterable[object]) -> Boundary:
    """The boundary among what was read."""
    return next(each for each in contents if isinstance(each, Boundary))


def gwp_of(sets: list[FactorSet]) -> str:
    """The names of the GWP sets that the factor sets state; "unstated" where none does."""
    return ", ".join(sorted({each.gwp for each in sets if each.gwp})) or "unstated"


async def pin(connection: Connection, chosen: list[tuple[Pack, bytes]]) -> None:
    """Keep files, each once; in order of digest, so that two who pin the same wait and do not deadlock."""
    ordered = sorted(chosen, key=lambda each: each[0].digest)
    await connection.execute(
        """
        INSERT INTO pinned_packs (digest, kind, id, version, content)
        SELECT digest, kind, id, version, content
        FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[])
            AS pinned (digest, kind, id, version, content)
        ON CONFLICT DO NOTHING
        """,
        [bytes.fromhex(pack.digest) for pack, _ in ordered],
        [pack.kind for pack, _ in ordered],
        [pack.id for pack, _ in ordered],
        [pack.version for pack, _ in ordered],
        [content for _, content in ordered],
    )


async def require(connection: Connection, event_id: UUID) -> Accounting:
    """The event's open accounting. Raises NotFound."""
    found = await find(connection, event_id)
    if found is None:
        raise NotFound
    return found


async def settle(connection: Connection, caller: Caller, event: Event, new: NewSettings, now: datetime) -> Settings:
    """Put these settings in force, opening the accounting where it was not; those before are kept.

    Raises AreaImpossible, BaselineUnexplained, and what `opened` raises.
    """
    if new.area_m2 is not None and not Decimal(new.area_m2):
        raise AreaImpossible
    if (new.baseline_g is None) != (new.baseline_because is None):
        raise BaselineUnexplained
    await opened(connection, event, caller, now)
    await connection.execute(
        """
        INSERT INTO accounting_settings (
            id, event_id, ambition, area_m2, baseline_g, baseline_because, set_by, set_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        new_id(),
        event.id,
        new.ambition,
        None if new.area_m2 is None else Decimal(new.area_m2),
        new.baseline_g,
        new.baseline_because,
        caller.member,
        now,
    )
    return (await settings_of(connection, event.id))[0]


async def settings_of(connection: Connection, event_id: UUID) -> list[Settings]:
    """All settings that ever were, the ones in force first; the first are those of whom nobody said anything."""
    rows = await connection.fetch(
        """
        SELECT ambition, area_m2, baseline_g, baseline_because, set_at
        FROM accounting_settings WHERE event_id = $1 ORDER BY id DESC
        """,
        event_id,
    )
    return [Settings(**row) for row in rows] or [Settings()]


async def declare(connection: Connection, caller: Caller, event: Event, new: NewAbsence, now: datetime) -> None:
    """Keep that the event has nothing of a source, or that it has after all. Raises SourceUnknown."""
    if new.source not in items.sources():
        raise SourceUnknown(source=new.source)
    await opened(connection, event, caller, now)
    await connection.execute(
        """
        INSERT INTO absent_sources (id, event_id, source, absent, because, declared_by, declared_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        new_id(),
        event.id,
        new.source,
        new.absent,
        new.because,
        caller.member,
        now,
    )


async def absent_of(connection: Connection, event_id: UUID) -> dict[str, str]:
    """The sources that the organizer says the event does not have, with the reasons."""
    rows = await connection.fetch(
        """
        SELECT source, because FROM (
            SELECT DISTINCT ON (source) source, absent, because
            FROM absent_sources WHERE event_id = $1 ORDER BY source, id DESC
        ) AS newest
        WHERE absent
        """,
        event_id,
    )
    return {row["source"]: row["because"] for row in rows}
