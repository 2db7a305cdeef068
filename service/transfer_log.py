"""The log of transfers: what was posted is sealed into a Merkle tree, whose signed roots are published.

Whoever posts leaves a row in `unsealed_transfers` in the same transaction (by trigger). Sealing deletes such rows and
appends their transfers to the log in one transaction: each is sealed exactly once, whatever is interrupted, repeated
or late. Positions have no gaps. Serials come from the log's order: within a class, the running sum of issuances.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from service import merkle
from service.access import READERS, Caller
from service.checkpoints import Checkpoint, public_key, sign
from service.config import Config
from service.db import Connection
from service.errors import NotFound, NotNow
from service.log_bundles import Bundle, Growth, LoggedTransfer, Place
from service.merkle import Node
from service.organizations import roles_at

LOCK = 0x7365616C
"""PostgreSQL's advisory lock that one sealer holds at a time."""
BATCH = 5_000
"""Transfers that one transaction seals, about."""


class NotSealedYet(NotNow):
    """这笔记录刚刚入账，还没有封存到公开日志，请几秒后再试。"""

    code = "not_sealed_yet"
    retry_after_s = 2


class NoCheckpoint(NotFound):
    """公开日志没有发布过这个长度的检查点。"""

    code = "no_checkpoint"


class Published(NamedTuple):
    """A checkpoint and its signed note."""

    checkpoint: Checkpoint
    note: str


async def seal(connection: Connection, config: Config, limit: int = BATCH) -> int:
    """Seal up to about `limit` of the transfers that wait, in the caller's transaction; return how many."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    size = await size_of(connection)
    leaves = await append(connection, size, limit)
    if not leaves:
        return 0
    edge = await digests(connection, merkle.whole_subtrees(merkle.Span(0, size)))
    grown = merkle.grow(size, list(edge.values()), leaves)
    await connection.copy_records_to_table("log_nodes", records=grown.nodes, columns=("level", "position", "digest"))
    checkpoint = Checkpoint(size + len(leaves), merkle.fold(grown.edge))
    await connection.execute(
        "INSERT INTO log_checkpoints (size, root, note) VALUES ($1, $2, $3)", *checkpoint, sign(config, checkpoint)
    )
    return len(leaves)


async def size_of(connection: Connection) -> int:
    """How many transfers are sealed."""
    return int(await connection.fetchval("SELECT coalesce(max(size), 0) FROM log_checkpoints"))


async def append(connection: Connection, size: int, limit: int) -> list[bytes]:
    """Move what waits to the end of a log of that size; return the leaves in order.

    Statements' rows are taken whole, the oldest first, and at least one. An id that several statements posted under
    is looked up each time; what is sealed stays where it is.
    """
    rows = await connection.fetch(
        """
        WITH waiting AS (
            SELECT number, sum(cardinality(transfers)) OVER (ORDER BY number) - cardinality(transfers) AS before
            FROM (SELECT number, transfers FROM unsealed_transfers ORDER BY number LIMIT $2) AS oldest
        ),
        taken AS (
            DELETE FROM unsealed_transfers WHERE number IN (SELECT number FROM waiting WHERE before < $2)
            RETURNING transfers
        ),
        named AS MATERIALIZED (SELECT DISTINCT unnest(transfers) AS id FROM taken),
        placed AS MATERIALIZED (
            SELECT $1 - 1 + row_number() OVER (ORDER BY made_at, id, ordinal) AS position, id, ordinal, leaf, class_id,
                   CASE reason WHEN 'issue' THEN grams END AS issued_g
            FROM named CROSS JOIN LATERAL (
                SELECT ordinal, made_at, leaf, class_id, reason, grams FROM transfer_leaves AS each
                WHERE each.id = named.id AND NOT EXISTS (
                    SELECT FROM sealed_transfers AS known
                    WHERE known.transfer_id = each.id AND known.ordinal = each.ordinal
                )
                OFFSET 0
            ) AS found
        ),
        given AS MATERIALIZED (
            SELECT class_id, coalesce((
                SELECT next_serial FROM sealed_transfers AS last WHERE last.class_id = placed.class_id
                ORDER BY first_serial DESC LIMIT 1
            ), 1) AS up_to
            FROM placed WHERE issued_g IS NOT NULL GROUP BY class_id
        ),
        numbered AS (
            SELECT position, class_id, (up_to + sum(issued_g) OVER (PARTITION BY class_id ORDER BY position))::bigint
                AS next_serial
            FROM placed JOIN given USING (class_id) WHERE issued_g IS NOT NULL
        )
        INSERT INTO sealed_transfers (position, transfer_id, ordinal, leaf, class_id, first_serial, next_serial)
        SELECT position, id, ordinal, leaf, numbered.class_id, next_serial - issued_g, next_serial
        FROM placed LEFT JOIN numbered USING (position)
        ORDER BY position
        RETURNING position, leaf
        """,
        size,
        limit,
    )
    return [leaf for _, leaf in sorted(map(tuple, rows))]


async def digests(connection: Connection, nodes: Sequence[Node]) -> dict[Node, bytes]:
    """The digests of whole subtrees, in the order asked. Raises KeyError for one that is not there."""
    rows = await connection.fetch(
        """
        SELECT level, position, coalesce(
            (SELECT digest FROM log_nodes AS kept WHERE kept.level = asked.level AND kept.position = asked.position),
            (SELECT leaf FROM sealed_transfers AS kept WHERE asked.level = 0 AND kept.position = asked.position)
        ) AS digest
        FROM unnest($1::integer[], $2::bigint[]) AS asked (level, position)
        """,
        [node.level for node in nodes],
        [node.position for node in nodes],
    )
    found = {Node(row["level"], row["position"]): row["digest"] for row in rows if row["digest"] is not None}
    return {node: found[node] for node in nodes}


# Published ------------------------------------------------------------------------------------------------------------


async def published(connection: Connection, size: int | None = None) -> Published:
    """The checkpoint of that size, or the latest. Raises NoCheckpoint."""
    row = await connection.fetchrow(
        """
        SELECT size, root, note FROM log_checkpoints
        WHERE $1::bigint IS NULL OR size = $1 ORDER BY size DESC LIMIT 1
        """,
        size,
    )
    if row is None:
        raise NoCheckpoint
    return Published(Checkpoint(row["size"], row["root"]), row["note"])


async def checkpoint(connection: Connection, config: Config) -> Bundle:
    """The latest signed checkpoint and the key to check it by. Raises NoCheckpoint while nothing is sealed."""
    latest = await published(connection)
    return Bundle(key=public_key(config), checkpoint=latest.note)


async def consistency(connection: Connection, config: Config, old: int, new: int | None = None) -> Bundle:
    """The checkpoint of size `new`, or the latest, with the proof that it grew from that of size `old`.

    Raises NoCheckpoint for a size that was not published.
    """
    before, after = await published(connection, old), await published(connection, new)
    if before.checkpoint.size > after.checkpoint.size:
        raise NoCheckpoint
    growth = await growth_of(connection, old, after.checkpoint.size)
    return Bundle(key=public_key(config), checkpoint=after.note, growth=growth)


async def growth_of(connection: Connection, old: int, new: int) -> Growth:
    """The proof that the log only grew between two sizes."""
    spans = merkle.consistency_spans(old, new)
    return Growth(since=old, proof=merkle.proof_of(spans, await digests(connection, merkle.needed(spans))))


async def inclusion(
    connection: Connection, config: Config, caller: Caller, transfer_id: UUID, since: int | None = None
) -> Bundle:
    """What a party of a transfer keeps: its rows, where they stand in the log, and the proofs.

    With `since`, the size of a checkpoint kept before, also the proof that the log only grew.
    Raises NotFound for who has no part in it, NotSealedYet, and NoCheckpoint.
    """
    await require_party(connection, caller, transfer_id)
    places = await places_of(connection, transfer_id)
    latest = await published(connection)
    size = latest.checkpoint.size
    spans = {each.position: merkle.inclusion_spans(each.position, size) for each in places}
    found = await digests(connection, list({node: None for each in spans.values() for node in merkle.needed(each)}))
    if since is not None:
        await published(connection, since)
    return Bundle(
        key=public_key(config),
        checkpoint=latest.note,
        growth=await growth_of(connection, since, size) if since is not None else None,
        rows=[each.proved(merkle.proof_of(spans[each.position], found)) for each in places],
    )


async def places_of(connection: Connection, transfer_id: UUID) -> list[Place]:
    """The rows of a transfer with their places in the log. Raises NotSealedYet when one has none yet."""
    rows = await connection.fetch(
        """
        SELECT position, transfers.id, transfers.ordinal, source, destination, region, methodology, version, vintage,
               credit_classes.event_id, grams, reason, refers_to, made_at
        FROM transfers
        JOIN credit_classes ON credit_classes.id = transfers.class_id
        LEFT JOIN sealed_transfers AS sealed
            ON sealed.transfer_id = transfers.id AND sealed.ordinal = transfers.ordinal
        WHERE transfers.id = $1
        ORDER BY transfers.ordinal
        """,
        transfer_id,
    )
    if any(row["position"] is None for row in rows):
        raise NotSealedYet
    return [Place(row["position"], LoggedTransfer(**dict(list(row.items())[1:]))) for row in rows]


async def require_party(connection: Connection, caller: Caller, transfer_id: UUID) -> None:
    """Go on for the member whose transfer it is, and for the organizers and the authority of an event it joins.

    Raises NotFound for anyone else, so that nothing is revealed.
    """
    rows = await connection.fetch(
        """
        SELECT DISTINCT accounts.id, accounts.kind
        FROM transfers AS own
        LEFT JOIN transfers AS ended ON ended.id = own.refers_to
        JOIN accounts ON accounts.id IN (own.source, own.destination, ended.source, ended.destination)
        WHERE own.id = $1 AND accounts.kind IN ('member', 'event')
        """,
        transfer_id,
    )
    for row in rows:
        if row["id"] == caller.member_id:
            return
        if row["kind"] == "event" and await roles_at(connection, caller, row["id"]) & set(READERS):
            return
    raise NotFound
