"""Evidence: photos and screenshots, kept once under the digest of their bytes, each good for one act only.

Who changes what is known of a photo locks its row first, in order of digest, and after the members' accounts.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from service.db import Connection
from service.errors import NotFound, NotNow
from service.photos import Photo
from service.reviewers import regions_reviewed

MOST_UNATTACHED = 20
ENDED_AT_ONCE = 1_000

Owned = tuple[UUID, bytes]
"""A member and a photo's digest."""


class TooManyUploads(NotNow):
    """已有 {most} 张照片没有用于任何行为，请先使用它们，或明天再来。"""

    code = "too_many_uploads"


class Uploaded(msgspec.Struct, frozen=True):
    """A photo as it is kept: the SHA-256 of its bytes (hexadecimal), and how many there are."""

    digest: str
    media_type: str
    size_bytes: int


async def keep(connection: Connection, member_id: UUID, photo: Photo, now: datetime) -> Uploaded:
    """Keep a photo for its member to use within a day; again, for another day. Raises TooManyUploads."""
    waiting = await connection.fetchval(
        "SELECT count(*) FROM evidence_uploads WHERE member_id = $1 AND digest <> $2", member_id, photo.digest
    )
    if waiting >= MOST_UNATTACHED:
        raise TooManyUploads(most=MOST_UNATTACHED)
    await connection.execute(
        """
        INSERT INTO evidence (digest, media_type, content, stored_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (digest) DO UPDATE SET stored_at = excluded.stored_at
        """,
        photo.digest,
        photo.media_type,
        photo.content,
        now,
    )
    await connection.execute(
        """
        INSERT INTO evidence_uploads (digest, member_id, uploaded_at) VALUES ($1, $2, $3)
        ON CONFLICT (digest, member_id) DO UPDATE SET uploaded_at = excluded.uploaded_at
        """,
        photo.digest,
        member_id,
        now,
    )
    return Uploaded(photo.digest.hex(), photo.media_type, len(photo.content))


async def find(connection: Connection, caller_id: UUID, digest: bytes) -> Photo:
    """A photo of the caller's own, or of an act that is or was the caller's to review. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT media_type, content FROM evidence
        WHERE digest = $1 AND (
            EXISTS (SELECT FROM evidence_uploads WHERE digest = $1 AND member_id = $2)
            OR EXISTS (
                SELECT FROM action_evidence JOIN actions ON actions.id = action_id
                WHERE digest = $1 AND (
                    member_id = $2
                    OR region LIKE ANY ($3::text[]) AND (
                        state = 'in_review' OR EXISTS (SELECT FROM action_reviews WHERE action_id = actions.id)
                    )
                )
            )
        )
        """,
        digest,
        caller_id,
        await regions_reviewed(connection, caller_id),
    )
    if row is None:
        raise NotFound
    return Photo(digest, row["media_type"], row["content"])


async def usable(connection: Connection, pairs: Collection[Owned]) -> set[Owned]:
    """Those that the member uploaded and no act has taken: locked, so that they stay so until the transaction ends.

    Accounts must be locked before.
    """
    if not pairs:
        return set()
    await lock(connection, {digest for _, digest in pairs})
    rows = await connection.fetch(
        """
        SELECT member_id, digest
        FROM unnest($1::uuid[], $2::bytea[]) AS asked (member_id, digest)
        JOIN evidence_uploads USING (member_id, digest)
        WHERE NOT EXISTS (SELECT FROM action_evidence WHERE action_evidence.digest = asked.digest)
        """,
        [member_id for member_id, _ in pairs],
        [digest for _, digest in pairs],
    )
    return {(row["member_id"], row["digest"]) for row in rows}


async def lock(connection: Connection, digests: Collection[bytes]) -> None:
    """Hold photos until the transaction ends."""
    await connection.execute(
        "SELECT digest FROM evidence WHERE digest = ANY ($1::bytea[]) ORDER BY digest FOR NO KEY UPDATE", list(digests)
    )


async def attach(connection: Connection, pairs: Collection[tuple[UUID, bytes]]) -> None:
    """Give acts their photos, which must be usable. Raises asyncpg's UniqueViolationError (one_act_a_photo)."""
    if not pairs:
        return
    await connection.execute(
        """
        WITH attached AS (
            INSERT INTO action_evidence (action_id, digest)
            SELECT action_id, digest FROM unnest($1::uuid[], $2::bytea[]) AS said (action_id, digest)
            ORDER BY digest
            RETURNING action_id, digest
        )
        DELETE FROM evidence_uploads USING attached JOIN actions ON actions.id = attached.action_id
        WHERE (evidence_uploads.digest, evidence_uploads.member_id) = (attached.digest, actions.member_id)
        """,
        [action_id for action_id, _ in pairs],
        [digest for _, digest in pairs],
    )


async def of_actions(connection: Connection, action_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The photos of acts, as hexadecimal digests; every act asked for is there."""
    rows = await connection.fetch(
        "SELECT action_id, digest FROM action_evidence WHERE action_id = ANY ($1::uuid[]) ORDER BY digest",
        list(action_ids),
    )
    photos: dict[UUID, list[str]] = {each: [] for each in action_ids}
    for row in rows:
        photos[row["action_id"]].append(row["digest"].hex())
    return photos


async def forget_unattached(connection: Connection, before: datetime) -> int:
    """Forget uploads from before then that no act took, and photos that are nobody's any more; how many uploads.

    Photos that somebody is just using are left for the next time.
    """
    held: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT digest FROM evidence WHERE digest IN (
            SELECT digest FROM evidence_uploads WHERE uploaded_at < $1 ORDER BY uploaded_at LIMIT $2
        )
        ORDER BY digest FOR UPDATE SKIP LOCKED
        """,
        before,
        ENDED_AT_ONCE,
    )
    digests = [row["digest"] for row in held]
    ended = await connection.fetch(
        "DELETE FROM evidence_uploads WHERE digest = ANY ($1::bytea[]) AND uploaded_at < $2 RETURNING digest",
        digests,
        before,
    )
    await drop_orphans(connection, digests)
    return len(ended)


async def drop_orphans(connection: Connection, digests: Collection[bytes]) -> None:
    """Drop those of these photos, locked by the caller, that neither an upload nor an act has."""
    await connection.execute(
        """
        DELETE FROM evidence WHERE digest = ANY ($1::bytea[])
            AND NOT EXISTS (SELECT FROM evidence_uploads AS upload WHERE upload.digest = evidence.digest)
            AND NOT EXISTS (SELECT FROM action_evidence AS used WHERE used.digest = evidence.digest)
        """,
        list(digests),
    )
