"""Versions of methodologies that authorities publish, beside those that ship.

A version is announced before it begins, never for a day that has begun: so whoever read the versions a moment ago
knows every rule of today, and what was done yesterday keeps yesterday's rule. Each process reads them anew every half
minute; one that cannot refuses acts of days whose rules it may not know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import asyncpg
import msgspec

from scenarios.actions.catalogue import combined, shipped, shipped_files
from scenarios.actions.methodologies import use_published, use_shipped
from scenarios.actions.methodology_files import read_methodology
from scenarios.actions.terms import Methodology
from scenarios.refusals import CarbonRefusal
from service.access import Caller
from service.carbon import carbon_refused
from service.db import AWAY, Connection
from service.errors import BadInput, Conflict, NotAllowed, NotFound, NotNow
from service.schedules import CHINA

READ_EVERY_S = 30.0
GOOD_FOR = timedelta(minutes=5)
"""For how long one who has read the versions knows all that begin; then acts of a new day wait until they are read."""
NOTICE = 2 * GOOD_FOR
"""How long before it begins a version is published at the latest: `GOOD_FOR`, and the time that publishing may take."""

log = logging.getLogger(__name__)


class NotYourRegion(NotAllowed):
    """您不是这些地区的主管部门：{regions}"""

    code = "region_not_yours"


class WrongRegion(BadInput):
    """这份方法学不适用于 {region}：请把它发布到它适用的地区。"""

    code = "methodology_wrong_region"


class VersionExists(Conflict):
    """方法学 {id} 的 {version} 版已经有了，不能改动；请用新的版本号。"""

    code = "methodology_version_exists"


class IdTaken(Conflict):
    """编号 {id} 是别的地区的方法学，请换一个编号。"""

    code = "methodology_id_taken"


class StartsTooEarly(NotNow):
    """新版本最早从 {earliest} 起适用，{valid_from} 太早了。"""

    code = "version_starts_too_early"


class NewVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A methodology as a TOML file, in the form of those that ship."""

    toml: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version in a region. `valid_to` is its own, or the day before the next version; `digest` is its file's."""

    id: str
    version: str
    digest: str
    title_zh: str
    title_en: str
    regions: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    origin: Literal["shipped", "published"]
    published_at: datetime | None


async def publish(connection: Connection, caller: Caller, region: str, new: NewVersion) -> Version:
    """Publish a version for the caller's regions. It ends the version that it follows, the day before it begins.

    Raises the refusal of an unreadable pack, WrongRegion, NotYourRegion, VersionExists, IdTaken, StartsTooEarly.
    """
    content = new.toml.encode()
    with carbon_refused():
        found = read_methodology(content, "methodology.toml")
    if region not in found.regions:
        raise WrongRegion(region=region)
    await require_authority(connection, caller, found.regions)
    await connection.execute("LOCK TABLE published_methodologies IN SHARE ROW EXCLUSIVE MODE")
    await require_start(connection, found.valid_from)
    there = (*shipped(), *await read_published(connection))
    require_new(found, there)
    with carbon_refused():
        combined((*there, found))
    await connection.execute(
        """
        INSERT INTO published_methodologies (id, version, regions, valid_from, content, digest, published_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        found.id,
        found.version,
        found.regions,
        found.valid_from,
        content,
        bytes.fromhex(found.digest),
        caller.member,
    )
    made = await versions_of(connection, region)
    return next(each for each in made if (each.id, each.version) == (found.id, found.version))


async def require_authority(connection: Connection, caller: Caller, regions: Sequence[str]) -> None:
    """Raise NotYourRegion unless the caller is of the authority of each region."""
    rows = await connection.fetch("SELECT region FROM authority_members WHERE member_id = $1", caller.member_id)
    if others := sorted(set(regions) - {row["region"] for row in rows}):
        raise NotYourRegion(regions=", ".join(others))


async def require_start(connection: Connection, valid_from: date) -> None:
    """Raise StartsTooEarly for a version that does not begin tomorrow or later, or so soon that not all would know."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    earliest = day_of(now + NOTICE) + timedelta(days=1)
    if valid_from < earliest:
        raise StartsTooEarly(earliest=str(earliest), valid_from=str(valid_from))


def require_new(found: Methodology, there: Sequence[Methodology]) -> None:
    """Raise VersionExists or IdTaken for an id or version that stands for something else already."""
    versions = [each for each in there if each.id == found.id]
    if any(each.version == found.version for each in versions):
        raise VersionExists(id=found.id, version=found.version)
    if versions and not set(found.regions) <= {region for each in versions for region in each.regions}:
        raise IdTaken(id=found.id)


def day_of(at: datetime) -> date:
    """The date in China."""
    return at.astimezone(CHINA).date()


async def read_published(connection: Connection) -> tuple[Methodology, ...]:
    """Every version published, the oldest first. Raises PackUnreadable where one can no longer be read."""
    rows = await connection.fetch(
        "SELECT id, version, content FROM published_methodologies ORDER BY published_at, id, version"
    )
    return tuple(read_cached(row["content"], f"{row['id']} {row['version']}") for row in rows)


@lru_cache(maxsize=1024)
def read_cached(content: bytes, name: str) -> Methodology:
    """A methodology from its file's bytes, read once."""
    return read_methodology(content, name)


async def versions_of(connection: Connection, region: str) -> list[Version]:
    """A region's methodologies in all their versions, those that begin last first."""
    rows = await connection.fetch("SELECT id, version, published_at FROM published_methodologies")
    published = {(row["id"], row["version"]): row["published_at"] for row in rows}
    found = combined((*shipped(), *await read_published(connection)))
    own = [version_from(each, published) for each in found if region in each.regions]
    return sorted(own, key=lambda each: (each.valid_from, each.id), reverse=True)


def version_from(each: Methodology, published: dict[tuple[str, str], datetime]) -> Version:
    """A version, and when it was published."""
    at = published.get((each.id, each.version))
    return Version(
        id=each.id,
        version=each.version,
        digest=each.digest,
        title_zh=each.title_zh,
        title_en=each.title_en,
        regions=each.regions,
        valid_from=each.valid_from,
        valid_to=each.valid_to,
        origin="published" if at else "shipped",
        published_at=at,
    )


async def file_of(connection: Connection, region: str, methodology: str, version: str) -> bytes:
    """The file of a region's version, byte for byte as it ships or was published. Raises NotFound."""
    content: bytes | None = await connection.fetchval(
        "SELECT content FROM published_methodologies WHERE id = $1 AND version = $2 AND $3 = ANY (regions)",
        methodology,
        version,
        region,
    )
    if content is not None:
        return content
    for found, shipped_content in zip(shipped(), shipped_files().values(), strict=True):
        if (found.id, found.version) == (methodology, version) and region in found.regions:
            return shipped_content
    raise NotFound


async def refresh(pool: asyncpg.Pool) -> None:
    """Read what is published, and decide by it from now on. Raises PackUnreadable, and what asyncpg raises."""
    async with pool.acquire() as connection:
        read_at: datetime = await connection.fetchval("SELECT clock_timestamp()")
        use_published(await read_published(connection), day_of(read_at + GOOD_FOR))


@asynccontextmanager
async def kept_fresh(pool: asyncpg.Pool, every_s: float = READ_EVERY_S) -> AsyncIterator[None]:
    """Decide by what is published for the length of the block, as it is read at its start and then again and again."""
    await refresh(pool)
    reading = asyncio.create_task(keep_reading(pool, every_s))
    try:
        yield
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        use_shipped()


async def keep_reading(pool: asyncpg.Pool, every_s: float) -> None:
    """Read every so often for ever, also when the database went away or a reading failed."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await refresh(pool)
        except AWAY as away:
            log.warning("the database does not answer: %r", away)
        except CarbonRefusal as refusal:
            log.error("a published methodology cannot be used: %s", refusal)
        except Exception:
            log.exception("methodologies were not read")
