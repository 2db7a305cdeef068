"""An event's files: invoices, meter readings, proofs and plans, read by the event's parties only.

What a file is shows in its bytes, not in its name. The same bytes are kept once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from service import photos, workbooks
from service.access import Caller
from service.db import Connection, new_id
from service.errors import BadInput, NotFound, NotNow, Refusal
from service.line_inputs import FilePurpose
from service.tables import text_of

LARGEST_BYTES = 20 * 2**20
MOST_FILES = 2_000
PDF, XLSX, CSV = "application/pdf", workbooks.MEDIA_TYPE, "text/csv"
MEDIA_TYPES = (PDF, *photos.MEDIA_TYPES.values(), XLSX, CSV)
PURPOSES: tuple[FilePurpose, ...] = ("invoice", "meter", "proof", "plan", "factor", "other")
"""What people may upload a file for; imports keep theirs besides."""
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


class FileTooLarge(Refusal):
    """文件超过 {most_mb} MB，请缩小后再上传。"""

    status = 413
    code = "file_too_large"

    def __init__(self) -> None:
        super().__init__(most_mb=LARGEST_BYTES // 2**20)


class FileTypeUnknown(BadInput):
    """只接受 PDF、JPEG、PNG、WebP、XLSX 和 CSV 文件；这个文件的内容不是其中任何一种。"""

    code = "file_type_unknown"


class FileEmpty(BadInput):
    """文件是空的。"""

    code = "file_empty"


class TooManyFiles(NotNow):
    """这个活动已有 {most} 个文件，不能再上传。"""

    code = "too_many_files"


class Kept(NamedTuple):
    """Bytes to keep, and what they are."""

    media_type: str
    content: bytes


class EventFile(msgspec.Struct, frozen=True):
    """A file of an event; `digest` is the SHA-256 of its bytes as they are kept (hexadecimal)."""

    id: UUID
    event_id: UUID
    digest: str
    name: str
    media_type: str
    size_bytes: int
    purpose: FilePurpose
    uploaded_by: UUID
    uploaded_at: datetime


async def accepted(content: bytes) -> Kept:
    """The bytes, with a picture's pixels alone. Raises FileTooLarge, FileEmpty, FileTypeUnknown and as photos do."""
    if len(content) > LARGEST_BYTES:
        raise FileTooLarge
    if not content:
        raise FileEmpty
    if content.startswith(PICTURES):
        photo = await photos.clean(content)
        return Kept(photo.media_type, photo.content)
    return Kept(await asyncio.to_thread(type_of, content), content)


def type_of(content: bytes) -> str:
    """What the bytes are, by themselves. Raises FileTypeUnknown and what a workbook's bytes may raise."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"PK\x03\x04"):
        workbooks.parts(content)
        return XLSX
    if text_of(content) is None:
        raise FileTypeUnknown
    return CSV


async def add(
    connection: Connection,
    caller: Caller,
    event_id: UUID,
    name: str,
    purpose: FilePurpose,
    kept: Kept,
    now: datetime,
) -> EventFile:
    """Keep a file for an event. Raises TooManyFiles."""
    count = await connection.fetchval("SELECT count(*) FROM event_files WHERE event_id = $1", event_id)
    if count >= MOST_FILES:
        raise TooManyFiles(most=MOST_FILES)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(kept.content).digest())
    await connection.execute(
        "INSERT INTO files (digest, media_type, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        digest,
        kept.media_type,
        kept.content,
    )
    file_id, clean = new_id(), clean_name(name)
    await connection.execute(
        """
        INSERT INTO event_files (id, event_id, digest, name, purpose, uploaded_by, uploaded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        file_id,
        event_id,
        digest,
        clean,
        purpose,
        caller.member,
        now,
    )
    size = len(kept.content)
    return EventFile(file_id, event_id, digest.hex(), clean, kept.media_type, size, purpose, caller.member, now)


def clean_name(name: str) -> str:
    """A name to show and to save under: no folders, no controls, not empty, not long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(each for each in last if each.isprintable() and each not in '<>:"|?*').strip(" .")
    return plain[-120:] or "file"


async def of_event(connection: Connection, event_id: UUID) -> list[EventFile]:
    """An event's files, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, event_id, encode(digest, 'hex') AS digest, name, media_type, octet_length(content) AS size_bytes,
            purpose, uploaded_by, uploaded_at
        FROM event_files JOIN files USING (digest)
        WHERE event_id = $1 ORDER BY id DESC
        """,
        event_id,
    )
    return [EventFile(**row) for row in rows]


async def find(connection: Connection, event_id: UUID, file_id: UUID) -> tuple[EventFile, bytes]:
    """A file with its bytes. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT id, event_id, encode(digest, 'hex') AS digest, name, media_type, octet_length(content) AS size_bytes,
            purpose, uploaded_by, uploaded_at, content
        FROM event_files JOIN files USING (digest)
        WHERE event_id = $1 AND id = $2
        """,
        event_id,
        file_id,
    )
    if row is None:
        raise NotFound
    values = dict(row)
    content = values.pop("content")
    return EventFile(**values), content


async def known(connection: Connection, event_id: UUID, file_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of the files that are the event's."""
    if not file_ids:
        return frozenset()
    rows = await connection.fetch(
        "SELECT id FROM event_files WHERE event_id = $1 AND id = ANY ($2::uuid[])", event_id, list(file_ids)
    )
    return frozenset(row["id"] for row in rows)
