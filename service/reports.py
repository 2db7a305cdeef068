"""An event's report (实施报告): of the draft of this moment or of a submitted version, in full or for everyone."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from scenarios.citations import PackUsed
from scenarios.meeting.accounting import Facts
from scenarios.meeting.report_building import Accounted, build
from scenarios.meeting.reports import Annex, EventSaid, Form, Measure, PackSaid, Report, VersionSaid, encode
from service import (
    accountings,
    event_files,
    event_measures,
    events,
    governing_rules,
    inventories,
    jobs,
    report_docx,
    report_pdf,
    report_xlsx,
)
from service.access import READERS, Caller
from service.accountings import Accounting
from service.carbon import carbon_refused
from service.db import Connection
from service.errors import NotFound, NotNow
from service.events import Event, day_of
from service.i18n import Language
from service.inventories import Inventory, Version
from service.jobs import Work
from service.organizations import roles_at

Format = Literal["json", "pdf", "xlsx", "docx"]
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
FORMS: tuple[Form, ...] = ("full", "public")
JOB = "report"
OWN_MEASURE = "自行采取的措施"
"""The name of a measure that is in no catalogue; what it is, is what was said of it."""


class NothingToReport(NotNow):
    """还没有任何活动数据或报到，不能生成报告。"""

    code = "nothing_to_report"


class Wanted(NamedTuple):
    """Which file: of a version's number, or of the draft (None)."""

    event_id: UUID
    number: int | None
    form: Form
    kind: Format
    language: Language


class Prepared(msgspec.Struct, forbid_unknown_fields=True):
    """Which version's files a job makes, and in which language."""

    number: int
    language: Language


async def require(connection: Connection, caller: Caller, event_id: UUID, number: int | None, form: Form) -> None:
    """Go on only for the event's parties; for everyone where it is the public form of a submitted version.

    Raises NotFound.
    """
    if form == "public" and number is not None:
        return
    if not caller.member_id or not await roles_at(connection, caller, event_id) & set(READERS):
        raise NotFound


async def accounted(connection: Connection, event_id: UUID, number: int | None, now: datetime) -> Accounted:
    """What a report is made of: of a version, else of the draft. Raises NotFound, CarbonRule, NothingToReport."""
    event = await events.find(connection, event_id)
    if number is None:
        inventory, version = await inventories.compute(connection, event_id, now), None
    else:
        whole = await inventories.find(connection, event_id, number)
        inventory, version = whole.inventory, whole.version
    if not inventory.lines and not inventory.cells:
        raise NothingToReport
    accounting = await accountings.of_event(connection, event)
    files = [each for each in await event_files.of_event(connection, event_id) if is_before(each.uploaded_at, version)]
    used = next(each for each in accounting.packs if each.id == event.factor_set)
    return Accounted(
        event=said(event, inventory, await organizer_of(connection, event)),
        version=version_said(version, now),
        boundary=accounting.boundary,
        packs=packs_said(accounting),
        check_in_set=PackUsed(used.id, used.version, used.digest[:16]),
        facts=facts_of(inventory),
        lines=inventory.lines,
        cells=inventory.cells,
        groups=inventory.groups,
        result=inventory.result,
        annexes=[Annex(each.id, each.purpose, each.digest, each.name) for each in reversed(files)],
        measures=await measures_done(connection, event, version, now),
    )


async def measures_done(connection: Connection, event: Event, version: Version | None, now: datetime) -> list[Measure]:
    """The reduction measures that were taken, in the words of the place's text, as they stood at the version."""
    rule = (await governing_rules.of_event(connection, event, now)).rule
    taken = await event_measures.of_event(connection, event.id, rule, version.made_at if version else None)
    digests = {each.id: each.digest for each in await event_files.of_event(connection, event.id)}
    return [
        Measure(
            name=each.words.zh if each.stage else OWN_MEASURE,
            said=f"{each.done_on} {each.what}",
            files=(digests[each.file_id],) if each.file_id else (),
        )
        for each in taken
        if each.state == "done"
    ]


def is_before(uploaded_at: datetime, version: Version | None) -> bool:
    """Whether a file was there when the version was made: a version's report never changes."""
    return version is None or uploaded_at <= version.made_at


async def organizer_of(connection: Connection, event: Event) -> str:
    """The name of the organization that holds it."""
    name: str = await connection.fetchval("SELECT name FROM organizations WHERE id = $1", event.organization_id)
    return name


def said(event: Event, inventory: Inventory, organizer: str) -> EventSaid:
    """The event as a report names it."""
    return EventSaid(
        id=event.id,
        name=inventory.event_name,
        kind=event.kind,
        organizer=organizer,
        place=event.jurisdiction,
        venue=event.venue,
        time_zone=event.time_zone,
        first=day_of(event, event.hours[0].opens_at),
        last=day_of(event, event.hours[-1].opens_at),
        expected_people=event.expected_people,
    )


def version_said(version: Version | None, now: datetime) -> VersionSaid:
    """The version, or a draft of now. Its state stands in it as it was made: that it was verified is said elsewhere."""
    if version is None:
        return VersionSaid(number=None, state="draft", made_at=now)
    state = "submitted" if version.replaces is None else "restated"
    return VersionSaid(number=version.number, state=state, made_at=version.made_at, because=version.because or "")


def packs_said(accounting: Accounting) -> tuple[PackSaid, ...]:
    """The pinned files."""
    return tuple(PackSaid(each.kind, each.id, each.version, each.digest) for each in accounting.packs)


def facts_of(inventory: Inventory) -> Facts:
    """What an inventory's sums were divided by and compared with."""
    own = inventory.settings
    return Facts(
        days=inventory.result.days,
        people=inventory.result.people,
        ambition=own.ambition,
        area_m2=own.area_m2,
        baseline_g=own.baseline_g,
        baseline_because=own.baseline_because,
        absent=inventory.result.absent,
        gwp_set=inventory.result.gwp_set,
    )


async def file_of(pool: asyncpg.Pool, wanted: Wanted, now: datetime) -> bytes:
    """A report as a file; a version's is made once, then kept. Raises NotFound, CarbonRule, NothingToReport."""
    async with pool.acquire() as connection:
        if (content := await kept(connection, wanted)) is not None:
            return content
        found = await accounted(connection, wanted.event_id, wanted.number, now)
    content = await made(found, wanted)
    if wanted.number is not None:
        async with pool.acquire() as connection:
            await keep(connection, wanted, content)
    return content


async def kept(connection: Connection, wanted: Wanted) -> bytes | None:
    """The file that was made before, None where none was."""
    content: bytes | None = await connection.fetchval(
        """
        SELECT content FROM report_files
        WHERE event_id = $1 AND number = $2 AND form = $3 AND kind = $4 AND language = $5
        """,
        *wanted,
    )
    return content


async def keep(connection: Connection, wanted: Wanted, content: bytes) -> None:
    """Keep a version's file for who comes next; another may have been quicker."""
    await connection.execute(
        """
        INSERT INTO report_files (event_id, number, form, kind, language, content) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING
        """,
        *wanted,
        content,
    )


async def made(found: Accounted, wanted: Wanted) -> bytes:
    """The file, made in a thread. Raises CarbonRule."""
    with carbon_refused():
        return await asyncio.to_thread(make, found, wanted)


def make(found: Accounted, wanted: Wanted) -> bytes:
    """The file."""
    return as_file(build(found, wanted.form), wanted.kind, wanted.language)


def as_file(report: Report, kind: Format, language: Language) -> bytes:
    """A report in that format."""
    if kind == "json":
        return encode(report)
    if kind == "pdf":
        return report_pdf.draw(report, language)
    return report_xlsx.write(report, language) if kind == "xlsx" else report_docx.write(report, language)


@jobs.handles(JOB)
async def prepare(work: Work) -> int:
    """Make all files of a version; how many there are."""
    asked = msgspec.json.decode(work.payload, type=Prepared)
    found = await accounted(work.connection, work.job.event_id, asked.number, work.job.made_at)
    all_of_it = [
        Wanted(work.job.event_id, asked.number, form, kind, asked.language) for form in FORMS for kind in MEDIA_TYPES
    ]
    for done, wanted in enumerate(all_of_it):
        await work.progress(done, len(all_of_it))
        if await kept(work.connection, wanted) is None:
            await keep(work.connection, wanted, await made(found, wanted))
    return len(all_of_it)
