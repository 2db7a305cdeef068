"""The ledger's invariants as SQL: each statement finds what breaks one of them, and finds nothing while all is well.

Numbers are those of the fifteen invariants: 1 balanced, 2 append-only, 3 the sealed log, 7 value conserved, 8 balances
are the journal's sums, 10 whole grams as earned, 11 classes not mixed, 12 what ends a transfer fits it, 13 what is
derived can be rebuilt, 14 in order, account by account. The others are behaviours, and tests' to show. Each statement
reads one snapshot, so that writers need not stop.
"""

from __future__ import annotations

import asyncpg

from service import ledger_audit_log
from service.db import Connection

Rows = list[asyncpg.Record]


async def audit(connection: Connection) -> list[str]:
    """What is wrong with the books: nothing, one hopes. Each finding names invariant, fault and rows."""
    return [f"invariant {row['invariant']}: {row['finding']}" for check in CHECKS for row in await check(connection)]


async def both_ends_are_known(connection: Connection) -> Rows:
    """1: every transfer leaves one account and comes to another, of the kinds that its reason joins."""
    rows: Rows = await connection.fetch(
        """
        SELECT 1 AS invariant, format('transfer %s/%s: a %s from %s to %s of class %s', transfers.id, ordinal, reason,
            coalesce(source.kind, 'nowhere'), coalesce(destination.kind, 'nowhere'),
            coalesce(credit_classes.id::text, 'none')) AS finding
        FROM transfers
        LEFT JOIN accounts AS source ON source.id = source
        LEFT JOIN accounts AS destination ON destination.id = destination
        LEFT JOIN credit_classes ON credit_classes.id = class_id
        WHERE credit_classes.id IS NULL OR (reason, source.kind, destination.kind) NOT IN (
            ('issue', 'issuance', 'member'), ('donate', 'member', 'event'), ('retire', 'member', 'retired'),
            ('retire', 'event', 'retired'), ('expire', 'member', 'expired'), ('reverse', 'member', 'issuance'),
            ('reverse', 'event', 'member'), ('refund', 'event', 'member'), ('reserve', 'member', 'held'),
            ('post', 'held', 'event'), ('void', 'held', 'member'), ('lapse', 'held', 'member')
        ) IS NOT FALSE
        """
    )
    return rows


async def requests_are_whole(connection: Connection) -> Rows:
    """1: what was asked under one id and granted is what its transfers move, all of it."""
    rows: Rows = await connection.fetch(
        """
        WITH said AS (
            SELECT id, 'donation' AS what, CASE WHEN refusal IS NULL THEN grams ELSE 0 END AS grams FROM donations
            UNION ALL
            SELECT id, 'retirement', grams FROM retirements
            UNION ALL
            SELECT id, 'reservation', grams FROM reservations
            UNION ALL
            SELECT id, 'ending', posted_g FROM reservation_endings
        ),
        done AS (
            SELECT id, sum(grams) AS grams FROM transfers
            WHERE reason IN ('donate', 'retire', 'reserve', 'post') GROUP BY id
        )
        SELECT 1 AS invariant, format('%s %s: of %s g, %s g moved', coalesce(what, 'transfer'), id,
            coalesce(said.grams, 0), coalesce(done.grams, 0)) AS finding
        FROM said FULL JOIN done USING (id)
        WHERE coalesce(said.grams, 0) <> coalesce(done.grams, 0)
        """
    )
    return rows


async def nothing_can_be_rewritten(connection: Connection) -> Rows:
    """2: the triggers that refuse changes, and those that every transfer passes, are there and on."""
    rows: Rows = await connection.fetch(
        """
        WITH wanted (on_table, name, function, acts) AS (
            SELECT 'transfers', name, name, 4 FROM unnest(ARRAY['apply_transfers', 'apply_endings']) AS name
            UNION ALL
            SELECT on_table, 'append_only', 'refuse_change', 2 + 8 + 16 + 32
            FROM unnest(ARRAY[
                'accounts', 'account_closings', 'credit_classes', 'transfers', 'reservations', 'reservation_endings',
                'expiry_notices', 'serial_blocks', 'sealed_transfers', 'log_nodes', 'log_checkpoints'
            ]) AS on_table
            UNION ALL
            VALUES ('retirements', 'append_only', 'refuse_change', 2 + 8 + 32),
                ('retirements', 'guard', 'guard_retirements', 1 + 2 + 16)
        )
        SELECT 2 AS invariant, format('trigger %s of table %s is missing or off', name, on_table) AS finding
        FROM wanted
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = to_regclass(on_table) AND tgname = name AND proname = function
                AND tgtype & acts = acts AND tgenabled IN ('O', 'A')
        )
        """
    )
    return rows


async def value_is_conserved(connection: Connection) -> Rows:
    """7 and 8: balances are the journal's sums, none below zero; what was issued is where the books say, by class."""
    rows: Rows = await connection.fetch(
        """
        WITH sides AS (
            SELECT source AS account_id, class_id, -sum(grams) AS grams FROM transfers GROUP BY source, class_id
            UNION ALL
            SELECT destination, class_id, sum(grams) FROM transfers GROUP BY destination, class_id
        ),
        journal AS MATERIALIZED (
            SELECT account_id, class_id, kind, sum(grams) AS grams
            FROM sides JOIN accounts ON accounts.id = account_id GROUP BY account_id, class_id, kind
        ),
        places AS (
            SELECT class_id, kind, sum(grams) AS grams FROM journal WHERE kind <> 'member' GROUP BY class_id, kind
            UNION ALL
            SELECT class_id, 'member', sum(grams) FROM balances GROUP BY class_id
        )
        SELECT 7 AS invariant, format('class %s: does not add up: %s', class_id,
            string_agg(format('%s %s g', kind, grams), ', ' ORDER BY kind)) AS finding
        FROM places GROUP BY class_id HAVING sum(grams) <> 0
        UNION ALL
        SELECT 7, format('account %s: overdrawn by %s g of class %s', account_id, -grams, class_id)
        FROM journal WHERE kind <> 'issuance' AND grams < 0
        UNION ALL
        SELECT 8, format('account %s: %s g of class %s by its balance, %s g by the journal', account_id,
            coalesce(balances.grams, 0), class_id, coalesce(projected.grams, 0))
        FROM balances FULL JOIN (SELECT * FROM journal WHERE kind = 'member') AS projected USING (account_id, class_id)
        WHERE coalesce(balances.grams, 0) <> coalesce(projected.grams, 0)
        """
    )
    return rows


async def grams_are_whole(connection: Connection) -> Rows:
    """10: amounts are kept in whole grams."""
    rows: Rows = await connection.fetch(
        """
        SELECT 10 AS invariant,
            format('column %s.%s is %s', attrelid::regclass, attname, format_type(atttypid, atttypmod)) AS finding
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
            AND attname ~ '(^grams|_g|_serial)$' AND atttypid <> 'bigint'::regtype
        """
    )
    return rows


async def grams_are_those_earned(connection: Connection) -> Rows:
    """10: an act that earned something was issued that, to whom it is credited; what an act earned is issued once."""
    rows: Rows = await connection.fetch(
        """
        WITH act AS (
            SELECT id, credited_to AS member_id, credit_class, reduction_g FROM check_ins WHERE credited_to IS NOT NULL
            UNION ALL
            SELECT id, member_id, NULL, reduction_g FROM actions
            WHERE state = 'credited' AND reduction_g > 0
        ),
        issued AS (SELECT id, ordinal, destination, class_id, grams FROM transfers WHERE reason = 'issue')
        SELECT 10 AS invariant, format('act %s: earned %s g of class %s for %s, issued %s g of class %s to %s', id,
            reduction_g, coalesce(credit_class, class_id), member_id, grams, class_id, destination) AS finding
        FROM act LEFT JOIN issued USING (id)
        WHERE (member_id, coalesce(credit_class, class_id), reduction_g, 0) IS DISTINCT FROM
            (destination, class_id, grams, ordinal::integer)
        UNION ALL
        SELECT 12, format('act %s: taken back is %s, its issuance reversed is %s', check_ins.id,
            ended_at IS NOT NULL, reversal.id IS NOT NULL)
        FROM check_ins LEFT JOIN transfers AS reversal ON refers_to = check_ins.id AND reason = 'reverse'
        WHERE credited_to IS NOT NULL AND (ended_at IS NOT NULL) <> (reversal.id IS NOT NULL)
        """
    )
    return rows


async def issued_for_nothing(connection: Connection) -> list[str]:
    """10: issuances of which no act is known. Not part of `audit`, which may be asked before acts are recorded."""
    rows = await connection.fetch(
        """
        SELECT format('invariant 10: issuance %s/%s: %s g for no known act', id, ordinal, grams) AS finding
        FROM transfers
        WHERE reason = 'issue' AND NOT EXISTS (SELECT FROM check_ins WHERE check_ins.id = transfers.id)
            AND NOT EXISTS (SELECT FROM actions WHERE actions.id = transfers.id)
        """
    )
    return [row["finding"] for row in rows]


async def classes_are_not_mixed(connection: Connection) -> Rows:
    """11: what refers to a transfer has its class; no event is given what was earned by travelling to it."""
    rows: Rows = await connection.fetch(
        """
        SELECT 11 AS invariant, format('transfer %s/%s: of class %s, refers to %s of others', id, ordinal, class_id,
            refers_to) AS finding
        FROM transfers AS later
        WHERE refers_to IS NOT NULL AND NOT EXISTS (
            SELECT FROM transfers AS ended WHERE ended.id = later.refers_to AND ended.class_id = later.class_id
        )
        UNION ALL
        SELECT 11, format('block of transfer %s/%s: %s serials of class %s, for %s g of class %s', transfer_id,
            serial_blocks.ordinal, next_serial - first_serial, serial_blocks.class_id, grams, transfers.class_id)
        FROM serial_blocks LEFT JOIN transfers ON (id, transfers.ordinal) = (transfer_id, serial_blocks.ordinal)
        WHERE (serial_blocks.class_id, next_serial - first_serial) IS DISTINCT FROM (transfers.class_id, grams)
        UNION ALL
        SELECT 11, format('transfer %s/%s: class %s was earned by travelling to the event that it is for, %s',
            transfers.id, ordinal, class_id, events.id)
        FROM credit_classes JOIN events ON events.id = event_id AND same_event_clause IS NULL
        JOIN transfers ON class_id = credit_classes.id AND reason IN ('donate', 'post', 'retire')
        LEFT JOIN retirements ON retirements.id = transfers.id AND reason = 'retire'
        WHERE events.id IN (destination, retirements.event_id)
        """
    )
    return rows


async def endings_fit(connection: Connection) -> Rows:
    """12: a reversal is its transfer's opposite, a refund at most that; ended once, and later."""
    rows: Rows = await connection.fetch(
        """
        SELECT 12 AS invariant, format('transfer %s/%s: its %s %s does not fit it', added.refers_to, added.ordinal,
            added.reason, added.id) AS finding
        FROM transfers AS added
        LEFT JOIN transfers AS ended ON ended.id = added.refers_to AND ended.ordinal = added.ordinal
        LEFT JOIN reservations ON reservations.id = ended.refers_to AND ended.reason = 'post'
        WHERE added.reason IN ('reverse', 'refund') AND (
            added.source = ended.destination AND added.destination = coalesce(reservations.member_id, ended.source)
            AND CASE added.reason
                WHEN 'reverse' THEN ended.reason IN ('issue', 'donate') AND added.grams = ended.grams
                ELSE ended.reason IN ('donate', 'post') AND added.grams <= ended.grams
            END
        ) IS NOT TRUE
        UNION ALL
        SELECT 12, format('transfer %s/%s: ended %s times', refers_to, ordinal, count(*))
        FROM transfers WHERE refers_to IS NOT NULL GROUP BY refers_to, ordinal HAVING count(*) > 1
        UNION ALL
        SELECT 14, format('transfer %s/%s: made before %s, to which it refers', added.id, added.ordinal, ended.id)
        FROM transfers AS added JOIN transfers AS ended ON ended.id = added.refers_to
        WHERE added.made_at < ended.made_at
        """
    )
    return rows


async def reservations_are_emptied_once(connection: Connection) -> Rows:
    """12: an ended reservation is empty, class by class, by one ending; an open one is untouched."""
    rows: Rows = await connection.fetch(
        """
        WITH part AS (
            SELECT coalesce(refers_to, id) AS reservation_id, id, class_id, source, destination, reason, grams
            FROM transfers WHERE reason IN ('reserve', 'post', 'void', 'lapse')
        ),
        by_class AS (
            SELECT reservation_id, class_id,
                sum(CASE reason WHEN 'reserve' THEN part.grams ELSE -part.grams END) AS left_g,
                bool_or(reason <> 'reserve') AS touched,
                bool_and(CASE reason
                    WHEN 'reserve' THEN source = reservations.member_id
                    WHEN 'post' THEN destination = reservations.event_id AND part.id = ending.id
                    ELSE destination = reservations.member_id AND part.id = ending.id
                END) AS fits,
                ending.id AS ended_by
            FROM part LEFT JOIN reservations ON reservations.id = reservation_id
            LEFT JOIN reservation_endings AS ending USING (reservation_id)
            GROUP BY reservation_id, class_id, ending.id
        )
        SELECT 12 AS invariant, format('reservation %s: %s g of class %s are left, ended by %s', reservation_id,
            left_g, class_id, coalesce(ended_by::text, 'nothing')) AS finding
        FROM by_class
        WHERE (fits AND touched = (ended_by IS NOT NULL) AND (left_g = 0) = (ended_by IS NOT NULL)) IS NOT TRUE
        """
    )
    return rows


async def accounts_are_in_order(connection: Connection) -> Rows:
    """14: in the order in which transfers were made, no account gives what it has not yet got."""
    rows: Rows = await connection.fetch(
        """
        WITH sides AS (
            SELECT source AS account_id, class_id, id, ordinal, made_at, -grams AS grams FROM transfers
            WHERE reason <> 'issue'
            UNION ALL
            SELECT destination, class_id, id, ordinal, made_at, grams FROM transfers
        ),
        running AS (
            SELECT account_id, class_id, id, ordinal, grams,
                sum(grams) OVER (PARTITION BY account_id, class_id ORDER BY made_at) AS then_g,
                sum(grams) OVER (PARTITION BY account_id, class_id) AS now_g
            FROM sides WHERE account_id <> '00000000-0000-0000-0000-000000000001'
        )
        SELECT 14 AS invariant, format('transfer %s/%s: account %s gave %s g of class %s before it got them', id,
            ordinal, account_id, -grams, class_id) AS finding
        FROM running WHERE then_g < 0 AND grams < 0 AND now_g >= 0
        """
    )
    return rows


CHECKS = (
    both_ends_are_known,
    requests_are_whole,
    nothing_can_be_rewritten,
    value_is_conserved,
    grams_are_whole,
    grams_are_those_earned,
    classes_are_not_mixed,
    endings_fit,
    reservations_are_emptied_once,
    accounts_are_in_order,
    ledger_audit_log.blocks_follow_one_another,
    ledger_audit_log.tallies_are_the_journals,
    ledger_audit_log.holdings_are_the_journals,
    ledger_audit_log.the_log_holds_every_transfer,
    ledger_audit_log.the_tree_is_of_its_leaves,
    ledger_audit_log.the_root_is_the_trees,
    ledger_audit_log.serials_follow_the_log,
)
