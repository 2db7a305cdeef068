"""The audit of what is derived from transfers: serials, tallies' sums, and the sealed log."""

from __future__ import annotations

import asyncpg

from service.db import Connection

Rows = list[asyncpg.Record]


async def blocks_follow_one_another(connection: Connection) -> Rows:
    """13: what was retired, expired or taken back left by blocks of serials, from 1 without gap or overlap."""
    rows: Rows = await connection.fetch(
        """
        SELECT 13 AS invariant, format('class %s: a block begins at serial %s, expected %s', class_id, first_serial,
            expected) AS finding
        FROM (
            SELECT class_id, first_serial,
                lag(next_serial, 1, 1::bigint) OVER (PARTITION BY class_id ORDER BY first_serial) AS expected
            FROM serial_blocks
        ) AS block
        WHERE first_serial <> expected
        UNION ALL
        SELECT 13, format('transfer %s/%s: left circulation without serials', id, ordinal)
        FROM transfers
        WHERE (
            destination IN ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003')
            OR reason = 'reverse' AND destination = '00000000-0000-0000-0000-000000000001'
        ) AND NOT EXISTS (
            SELECT FROM serial_blocks
            WHERE (transfer_id, serial_blocks.ordinal) = (transfers.id, transfers.ordinal)
        )
        """
    )
    return rows


async def tallies_are_the_journals(connection: Connection) -> Rows:
    """13: an event's sum, with what is yet to be folded, is what it was given and did not give back."""
    rows: Rows = await connection.fetch(
        """
        WITH sums AS (
            SELECT event_id, donated_g AS grams FROM tallies
            UNION ALL
            SELECT event_id, sign * donated_g FROM tally_changes
        ),
        told AS (SELECT event_id, sum(grams) AS grams FROM sums GROUP BY event_id),
        sides AS (
            SELECT destination AS event_id, grams FROM transfers WHERE reason IN ('donate', 'post')
            UNION ALL
            SELECT source, -grams FROM transfers WHERE reason = 'refund'
            UNION ALL
            SELECT source, -grams FROM transfers
            WHERE reason = 'reverse' AND destination <> '00000000-0000-0000-0000-000000000001'
        ),
        journal AS (SELECT event_id, sum(grams) AS grams FROM sides GROUP BY event_id)
        SELECT 13 AS invariant, format('event %s: told that it was given %s g, it was given %s g', event_id,
            coalesce(told.grams, 0), coalesce(journal.grams, 0)) AS finding
        FROM told FULL JOIN journal USING (event_id)
        WHERE coalesce(told.grams, 0) <> coalesce(journal.grams, 0)
        """
    )
    return rows


async def holdings_are_the_journals(connection: Connection) -> Rows:
    """13: what an event was given of a class, with what is yet to be folded, is what the journal says."""
    rows: Rows = await connection.fetch(
        """
        WITH sums AS (
            SELECT event_id, class_id, grams FROM event_holdings
            UNION ALL
            SELECT event_id, class_id, CASE destination WHEN event_id THEN grams ELSE -grams END
            FROM tally_changes, unnest(tally_changes.transfers) AS moved JOIN transfers ON transfers.id = moved
            WHERE event_id IN (source, destination)
        ),
        told AS (SELECT event_id, class_id, sum(grams) AS grams FROM sums GROUP BY event_id, class_id),
        sides AS (
            SELECT destination AS event_id, class_id, grams FROM transfers WHERE reason IN ('donate', 'post')
            UNION ALL
            SELECT source, class_id, -grams FROM transfers WHERE reason = 'refund'
            UNION ALL
            SELECT source, class_id, -grams FROM transfers
            WHERE reason = 'reverse' AND destination <> '00000000-0000-0000-0000-000000000001'
        ),
        journal AS (SELECT event_id, class_id, sum(grams) AS grams FROM sides GROUP BY event_id, class_id)
        SELECT 13 AS invariant, format('event %s: holds %s g of class %s, by the journal %s g', event_id,
            coalesce(told.grams, 0), class_id, coalesce(journal.grams, 0)) AS finding
        FROM told FULL JOIN journal USING (event_id, class_id)
        WHERE coalesce(told.grams, 0) <> coalesce(journal.grams, 0)
        """
    )
    return rows


async def the_log_holds_every_transfer(connection: Connection) -> Rows:
    """2 and 3: what was sealed is still there, and as it was; what is not sealed waits to be; places have no gaps."""
    rows: Rows = await connection.fetch(
        """
        SELECT 2 AS invariant, format('transfer %s/%s: gone since it was sealed, at %s', transfer_id, ordinal, position)
            AS finding
        FROM sealed_transfers
        WHERE NOT EXISTS (SELECT FROM transfers WHERE (id, transfers.ordinal) = (transfer_id, sealed_transfers.ordinal))
        UNION ALL
        SELECT 3, format('transfer %s/%s: not as it was sealed, at %s', id, ordinal, position)
        FROM (
            SELECT id, sealed.ordinal, position, sealed.leaf AS sealed, written.leaf AS found
            FROM sealed_transfers AS sealed
            JOIN transfer_leaves AS written ON (id, written.ordinal) = (transfer_id, sealed.ordinal)
        ) AS leaf
        WHERE sealed <> found
        UNION ALL
        SELECT 3, format('transfer %s/%s: neither sealed nor waiting to be', id, ordinal)
        FROM transfers
        WHERE NOT EXISTS (
            SELECT FROM sealed_transfers WHERE (transfer_id, sealed_transfers.ordinal) = (id, transfers.ordinal)
        ) AND NOT EXISTS (
            SELECT FROM unsealed_transfers AS outbox CROSS JOIN unnest(outbox.transfers) AS waiting
            WHERE waiting = transfers.id
        )
        UNION ALL
        SELECT 3, format('log: %s transfers sealed, the last at %s, the last checkpoint of %s', count(*), max(position),
            (SELECT max(size) FROM log_checkpoints))
        FROM sealed_transfers
        HAVING (count(*), count(*)) IS DISTINCT FROM
            (coalesce(max(position) + 1, 0), (SELECT coalesce(max(size), 0) FROM log_checkpoints))
        """
    )
    return rows


async def the_tree_is_of_its_leaves(connection: Connection) -> Rows:
    """3: every node of the log's tree is made of the two below it."""
    rows: Rows = await connection.fetch(
        """
        WITH below AS (
            SELECT 0 AS level, position, leaf AS digest FROM sealed_transfers
            UNION ALL
            SELECT level, position, digest FROM log_nodes
        ),
        made AS (
            SELECT one.level + 1 AS level, one.position / 2 AS position,
                sha256(decode('01', 'hex') || one.digest || other.digest) AS digest
            FROM below AS one JOIN below AS other
                ON other.level = one.level AND other.position = one.position + 1 AND one.position % 2 = 0
        )
        SELECT 3 AS invariant, format('log node %s at level %s: is not made of those below it', position, level)
            AS finding
        FROM made FULL JOIN log_nodes USING (level, position)
        WHERE made.digest IS DISTINCT FROM log_nodes.digest
        """
    )
    return rows


async def the_root_is_the_trees(connection: Connection) -> Rows:
    """3: the last checkpoint's root is made of the tree's whole subtrees, from right to left (RFC 9162, 2.1.1)."""
    rows: Rows = await connection.fetch(
        """
        WITH RECURSIVE climb (size, root, level, digest) AS (
            (SELECT size, root, 0, NULL::bytea FROM log_checkpoints ORDER BY size DESC LIMIT 1)
            UNION ALL
            SELECT size, root, level + 1, CASE
                WHEN (size >> level) & 1 = 0 THEN digest
                WHEN digest IS NULL THEN whole
                ELSE sha256(decode('01', 'hex') || whole || digest)
            END
            FROM climb CROSS JOIN LATERAL (
                SELECT coalesce(
                    (SELECT kept.digest FROM log_nodes AS kept
                     WHERE kept.level = climb.level AND kept.position = (size >> climb.level) - 1),
                    (SELECT leaf FROM sealed_transfers WHERE climb.level = 0 AND position = size - 1)
                ) AS whole
            ) AS subtree
            WHERE size >> level > 0
        )
        SELECT 3 AS invariant, format('log of %s: the root signed is not the tree''s', size) AS finding
        FROM climb WHERE size >> level = 0 AND digest IS DISTINCT FROM root
        """
    )
    return rows


async def serials_follow_the_log(connection: Connection) -> Rows:
    """13 and 14: a class's serials are the running sum of its issuances in the log's order; there, times go forward."""
    rows: Rows = await connection.fetch(
        """
        WITH issued AS (
            SELECT position, transfer_id, sealed.class_id, first_serial, next_serial, own.class_id AS own_class, grams,
                lag(next_serial, 1, 1::bigint) OVER (PARTITION BY own.class_id ORDER BY position) AS expected
            FROM sealed_transfers AS sealed
            JOIN transfers AS own ON (own.id, own.ordinal) = (transfer_id, sealed.ordinal)
            WHERE reason = 'issue' OR sealed.class_id IS NOT NULL
        ),
        sides AS (
            SELECT source AS account_id, id, ordinal, made_at FROM transfers
            UNION ALL
            SELECT destination, id, ordinal, made_at FROM transfers
        ),
        in_log AS (
            SELECT account_id, sides.id, sides.ordinal, made_at,
                lag(made_at) OVER (PARTITION BY account_id ORDER BY position) AS before
            FROM sides JOIN accounts ON accounts.id = account_id AND kind = 'member'
            JOIN sealed_transfers AS sealed ON (transfer_id, sealed.ordinal) = (sides.id, sides.ordinal)
        )
        SELECT 13 AS invariant, format('issuance %s: serials from %s to before %s of class %s, expected %s g from %s',
            transfer_id, first_serial, next_serial, class_id, grams, expected) AS finding
        FROM issued
        WHERE (class_id, first_serial, next_serial) IS DISTINCT FROM (own_class, expected, expected + grams)
        UNION ALL
        SELECT 14, format('transfer %s/%s: in account %s made before the one that stands before it in the log', id,
            ordinal, account_id)
        FROM in_log WHERE made_at < before
        """
    )
    return rows
