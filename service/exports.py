"""Everything that is kept about a member, as one ZIP that is written while it is read: a JSON file a subject, the
statement as CSV, photos as they are.

No connection is held while a slow reader takes its time: each piece is a reading of its own, so that what happens
meanwhile may be in a later file and not in an earlier one.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from service import balances, export_rows, retirements, statement_csv
from service.config import Config
from service.db import Connection
from service.i18n import Language, mark, translate
from service.members import read_me
from service.schedules import CHINA
from service.statements import EVERYTHING

AT_ONCE = 500
PIECE_BYTES = 64 * 1024
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
READ_ME = mark(
    """碳惠保存的关于您的全部信息，{at} 导出（北京时间）。

每个 .json 文件是一类信息，时间为 UTC，质量为克二氧化碳当量。
statement.csv 是收支明细，可以用表格软件打开。
evidence 文件夹里是您上传的照片，文件名与 actions.json 和 photos.json 中的摘要相同。
手机号、验证码和登录凭证只存加密摘要，因此不在其中。
"""
)

Rows = Callable[[Connection, UUID], Awaitable[Sequence[bytes]]]
Ids = Callable[[Connection, UUID], Awaitable[Sequence[UUID]]]
ById = Callable[[Connection, Sequence[UUID]], Awaitable[Sequence[bytes]]]


class Long(NamedTuple):
    """A subject that is read by ids, so many at a time."""

    ids: Ids
    rows: ById


async def roles(connection: Connection, member_id: UUID) -> list[bytes]:
    """Who somebody is to us, and what they may do. Raises SessionEnded where they are nobody."""
    me = await read_me(connection, member_id)
    return [*await export_rows.profile(connection, member_id), msgspec.json.encode({"roles": me.roles})]


async def balance(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody holds now."""
    return [msgspec.json.encode(await balances.read(connection, member_id))]


async def certificates(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody retired, as its certificates say, in full."""
    found, page = [], await retirements.of_account(connection, member_id, member_id)
    while page:
        found += [msgspec.json.encode(each) for each in page]
        page = await retirements.of_account(connection, member_id, member_id, page[-1].retirement_id)
    return found


SUBJECTS: dict[str, Rows | Long] = {
    "profile.json": roles,
    "sessions.json": export_rows.sessions,
    "codes_sent.json": export_rows.codes_sent,
    "devices.json": export_rows.devices,
    "requests.json": export_rows.requests,
    "actions.json": Long(export_rows.action_ids, export_rows.actions),
    "photos.json": export_rows.photos,
    "consents.json": export_rows.consents,
    "check_ins.json": Long(export_rows.check_in_ids, export_rows.check_ins),
    "balance.json": balance,
    "donations.json": Long(export_rows.donation_ids, export_rows.donations),
    "reservations.json": export_rows.reservations,
    "retirements.json": certificates,
    "expiry_notices.json": export_rows.expiry_notices,
    "offices.json": export_rows.offices,
    "event_work.json": export_rows.event_work,
}


class Sink(io.RawIOBase):
    """Where the ZIP is written to: bytes wait here until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        """What waits, which waits no more."""
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


async def stream(
    pool: asyncpg.Pool, config: Config, member_id: UUID, language: Language, now: datetime
) -> AsyncIterator[bytes]:
    """The export in pieces; each is made when the one before has been taken. Raises SessionEnded at once."""
    async with pool.acquire() as connection:
        await read_me(connection, member_id)
    return pieces(pool, config, member_id, language, now)


async def pieces(
    pool: asyncpg.Pool, config: Config, member_id: UUID, language: Language, now: datetime
) -> AsyncIterator[bytes]:
    """File after file, then the ZIP's own table of them."""
    sink, at = Sink(), now.astimezone(CHINA)
    with zipfile.ZipFile(sink, "w") as bundle:
        async for name, parts in files(pool, config, member_id, language, at):
            photo = name.startswith("evidence/")
            with bundle.open(entry(name, at, zipfile.ZIP_STORED if photo else zipfile.ZIP_DEFLATED), "w") as file:
                async for part in parts:
                    file.write(part)
                    if len(sink.waiting) >= PIECE_BYTES:
                        yield sink.take()
    yield sink.take()


def entry(name: str, at: datetime, compression: int) -> zipfile.ZipInfo:
    """A file's line in the ZIP."""
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.compress_type = compression
    info.external_attr = 0o644 << 16
    return info


async def files(
    pool: asyncpg.Pool, config: Config, member_id: UUID, language: Language, at: datetime
) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    """Each file's name, and what is in it."""
    yield "README.txt", once(translate(language, READ_ME).format(at=f"{at:%Y-%m-%d %H:%M}").encode())
    for name, subject in SUBJECTS.items():
        yield name, listed(rows_of(pool, member_id, subject))
    yield "statement.csv", encoded(await statement_csv.stream(pool, config, member_id, EVERYTHING, language))
    async with pool.acquire() as connection:
        found = [msgspec.json.decode(each) for each in await export_rows.photos(connection, member_id)]
    for media_type, digest in dict.fromkeys((each["media_type"], each["digest"]) for each in found):
        yield f"evidence/{digest}.{ENDINGS[media_type]}", photo_of(pool, bytes.fromhex(digest))


async def once(content: bytes) -> AsyncIterator[bytes]:
    """A file that is at hand."""
    yield content


async def encoded(texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """Texts as they are stored."""
    async for text in texts:
        yield text.encode()


async def photo_of(pool: asyncpg.Pool, digest: bytes) -> AsyncIterator[bytes]:
    """A photo, read when its turn comes."""
    async with pool.acquire() as connection:
        content = await export_rows.photo(connection, digest)
    yield content


async def rows_of(pool: asyncpg.Pool, member_id: UUID, subject: Rows | Long) -> AsyncIterator[bytes]:
    """The rows of a subject, as JSON."""
    if not isinstance(subject, Long):
        async with pool.acquire() as connection:
            rows = await subject(connection, member_id)
        for row in rows:
            yield row
        return
    async with pool.acquire() as connection:
        ids = await subject.ids(connection, member_id)
    for start in range(0, len(ids), AT_ONCE):
        async with pool.acquire() as connection:
            rows = await subject.rows(connection, ids[start : start + AT_ONCE])
        for row in rows:
            yield row


async def listed(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Rows as one JSON array, a row a line."""
    before = b"[\n"
    async for row in rows:
        yield before + row
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"
