"""Personal codes: printed on badges, so that people without a phone are known from one day to the next.

Eight characters of Crockford's base 32, `B7K2-9QXW`. The database holds keyed digests, and of each batch the numbers
that its codes are derived from: the codes themselves nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from itertools import count, islice
from uuid import UUID

import msgspec

from service.codes import SHORT, as_typed, in_groups, mark
from service.config import Config
from service.db import Connection, new_id

MOST_AT_ONCE = 5_000


class Batch(msgspec.Struct, frozen=True):
    """Codes issued together: each is derived from the batch's id and a number."""

    id: UUID
    numbers: list[int]


def attendee_of_personal_code(config: Config, event_id: UUID, code: str) -> UUID:
    """The attendee's id within an event, whether the code was issued or not. Raises CodeForged for what is no code."""
    meant = event_id.bytes + as_typed(code).encode()
    return UUID(bytes=hmac.digest(config.key("personal code"), meant, hashlib.sha256)[:16])


async def known_among(connection: Connection, pairs: Sequence[tuple[UUID, UUID]]) -> frozenset[tuple[UUID, UUID]]:
    """Those pairs of event and attendee whose code was issued for that event."""
    if not pairs:
        return frozenset()
    rows = await connection.fetch(
        """
        SELECT DISTINCT event_id, attendee
        FROM unnest($1::uuid[], $2::uuid[]) AS asked (event_id, attendee)
        JOIN personal_codes USING (event_id, attendee)
        """,
        *map(list, zip(*pairs, strict=True)),
    )
    return frozenset((row["event_id"], row["attendee"]) for row in rows)


async def known(connection: Connection, event_id: UUID, attendee: UUID) -> bool:
    """Whether the attendee's code was issued for that event."""
    return bool(await known_among(connection, [(event_id, attendee)]))


async def issue(connection: Connection, config: Config, event_id: UUID, wanted: int) -> Batch:
    """So many new codes for an event's badges, none of them issued for it before."""
    batch_id, numbers, done = new_id(), count(), list[int]()
    while len(done) < wanted:
        tried = {derived(config, event_id, batch_id, n): n for n in islice(numbers, wanted - len(done))}
        attendees = {attendee_of_personal_code(config, event_id, code): n for code, n in tried.items()}
        added = await add(connection, event_id, attendees)
        done += (attendees[each] for each in added)
    return Batch(batch_id, sorted(done))


async def add(connection: Connection, event_id: UUID, attendees: Iterable[UUID]) -> list[UUID]:
    """Make attendees known; returns those that were not."""
    rows = await connection.fetch(
        """
        INSERT INTO personal_codes (event_id, attendee)
        SELECT $1, attendee FROM unnest($2::uuid[]) AS made (attendee) ORDER BY attendee
        ON CONFLICT DO NOTHING RETURNING attendee
        """,
        event_id,
        list(attendees),
    )
    return [row["attendee"] for row in rows]


def codes_of(config: Config, event_id: UUID, batch: Batch) -> list[str]:
    """A batch's codes, as they are printed."""
    return [in_groups(derived(config, event_id, batch.id, number)) for number in batch.numbers]


def derived(config: Config, event_id: UUID, batch_id: UUID, number: int) -> str:
    """The code of a number within a batch."""
    return mark(config, "personal", f"{event_id.hex}/{batch_id.hex}/{number}", SHORT)
