-- The registry: transfers of every kind, reservations, retirements with serials, and the sealed log of transfers.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Check-ins --------------------------------------------------------------------------------------------------------

-- A check-in's gate is its event's, which one foreign key says for two.
ALTER TABLE gates ADD UNIQUE (event_id, id);
ALTER TABLE check_ins DROP CONSTRAINT check_ins_event_id_fkey;
ALTER TABLE check_ins DROP CONSTRAINT check_ins_gate_id_fkey;
ALTER TABLE check_ins ADD FOREIGN KEY (event_id, gate_id) REFERENCES gates (event_id, id);
-- Counted from check-ins and counted again from them: what it refers to needs no second check.
ALTER TABLE counted_attendees DROP CONSTRAINT counted_attendees_event_id_fkey;

-- Accounts and classes ---------------------------------------------------------------------------------------------

ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_kind_check
    CHECK (kind IN ('issuance', 'member', 'event', 'retired', 'expired', 'held'));
INSERT INTO accounts (id, kind) VALUES ('00000000-0000-0000-0000-000000000004', 'held');

-- A closed account takes nothing more and gives nothing of its own accord; what was given to it can go back.
CREATE TABLE account_closings (
    account_id uuid PRIMARY KEY REFERENCES accounts,
    because text NOT NULL CHECK (because IN ('cancelled', 'settled', 'left')),
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_closings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was earned by travelling to an event is a class of its own, so that it is known wherever it goes.
ALTER TABLE credit_classes ADD COLUMN event_id uuid REFERENCES events;
ALTER TABLE credit_classes DROP CONSTRAINT credit_classes_region_methodology_version_vintage_key;
ALTER TABLE credit_classes ADD UNIQUE NULLS NOT DISTINCT (region, methodology, version, vintage, event_id);

-- The clause that lets an event use reductions made by travelling to it, where its place's rule has one.
ALTER TABLE events ADD COLUMN same_event_clause text;

-- Only transfers move balances, and their trigger knows accounts and classes: to look both up again for each new
-- balance, and lock a row that thousands share, took a seventh of the time to post in bulk.
ALTER TABLE balances DROP CONSTRAINT balances_account_id_fkey;
ALTER TABLE balances DROP CONSTRAINT balances_class_id_fkey;

-- What members hold, with what decides where it may go.
CREATE VIEW holdings AS
SELECT account_id, class_id, vintage, credit_classes.event_id AS earned_at, grams
FROM balances JOIN credit_classes ON credit_classes.id = class_id
WHERE grams > 0;

CREATE VIEW donation_targets AS
SELECT accounts.id AS event_id, closing.account_id IS NOT NULL AS closed, same_event_clause IS NOT NULL AS takes_own
FROM accounts
LEFT JOIN account_closings AS closing ON closing.account_id = accounts.id
LEFT JOIN events ON events.id = accounts.id
WHERE accounts.kind = 'event';

-- Transfers --------------------------------------------------------------------------------------------------------

ALTER TABLE transfers DROP CONSTRAINT transfers_reason_check;
ALTER TABLE transfers DROP CONSTRAINT transfers_check1;
ALTER TABLE transfers ALTER made_at SET DEFAULT clock_timestamp(); -- after the locks: in order, account by account
ALTER TABLE transfers ADD CONSTRAINT kinds_of_the_reason CHECK (
    CASE reason
        WHEN 'issue' THEN source = '00000000-0000-0000-0000-000000000001'
        WHEN 'donate' THEN true -- from a member to an event
        WHEN 'retire' THEN destination = '00000000-0000-0000-0000-000000000002' -- from a member or an event
        WHEN 'expire' THEN destination = '00000000-0000-0000-0000-000000000003' -- from a member
        WHEN 'reverse' THEN true -- what was issued or donated goes back
        WHEN 'refund' THEN true -- what is left of a donation goes back
        WHEN 'reserve' THEN destination = '00000000-0000-0000-0000-000000000004' -- from a member
        WHEN 'post' THEN source = '00000000-0000-0000-0000-000000000004' -- to the event it was reserved for
        WHEN 'void' THEN source = '00000000-0000-0000-0000-000000000004' -- to the member
        WHEN 'lapse' THEN source = '00000000-0000-0000-0000-000000000004' -- to the member
        ELSE false
    END
);
ALTER TABLE transfers ADD CONSTRAINT refers_to_what_it_ends
    CHECK ((reason IN ('reverse', 'refund', 'post', 'void', 'lapse')) = (refers_to IS NOT NULL));
DROP INDEX one_reversal_a_transfer;
-- What refers to a transfer ends it; it carries the ordinal of the row it ends, or those of all after a reservation's.
CREATE UNIQUE INDEX one_ending_a_transfer ON transfers (refers_to, ordinal) WHERE refers_to IS NOT NULL;

-- Grams set aside for an event, to be posted in whole or part, voided, or left to lapse: once.
CREATE TABLE reservations (
    id uuid PRIMARY KEY, -- also that of its transfers
    member_id uuid NOT NULL REFERENCES members,
    event_id uuid NOT NULL REFERENCES events,
    grams bigint NOT NULL CHECK (grams > 0),
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lapses_at timestamptz NOT NULL,
    CHECK (lapses_at > reserved_at)
);
CREATE INDEX ON reservations (member_id, reserved_at);
CREATE TABLE reservation_endings (
    reservation_id uuid PRIMARY KEY REFERENCES reservations,
    id uuid NOT NULL UNIQUE, -- also that of its transfers
    outcome text NOT NULL CHECK (outcome IN ('post', 'void', 'lapse')),
    posted_g bigint NOT NULL CHECK (posted_g >= 0),
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((outcome = 'post') = (posted_g > 0))
);
-- Those not ended, for whoever looks for what lapses: deleted in the transaction that ends them.
CREATE TABLE open_reservations (
    reservation_id uuid PRIMARY KEY REFERENCES reservations,
    event_id uuid NOT NULL,
    lapses_at timestamptz NOT NULL
);
CREATE INDEX ON open_reservations (lapses_at);
CREATE INDEX ON open_reservations (event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reservations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reservation_endings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE event_cancellations (
    event_id uuid PRIMARY KEY REFERENCES events,
    because text NOT NULL CHECK (length(because) BETWEEN 1 AND 500),
    cancelled_by uuid NOT NULL REFERENCES members,
    cancelled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    known_from xid8, -- transactions from this one on know of it; older ones may still give
    refunded_at timestamptz -- when all had gone back, and nothing more could come
);
CREATE INDEX ON event_cancellations (event_id) WHERE refunded_at IS NULL;

CREATE OR REPLACE VIEW whole_events AS
SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
    expected_people, factor_set,
    ARRAY(SELECT opens_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS opens_at,
    ARRAY(SELECT closes_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS closes_at,
    ARRAY(SELECT gates.id FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_ids,
    ARRAY(SELECT gates.name FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_names,
    ARRAY(SELECT short_code FROM gates WHERE event_id = events.id ORDER BY gates.id) AS short_codes,
    EXISTS (SELECT FROM event_cancellations WHERE event_id = events.id) AS cancelled
FROM events;

-- That a member was told when what they hold of a class expires, by which rule.
CREATE TABLE expiry_notices (
    account_id uuid NOT NULL REFERENCES accounts,
    class_id integer NOT NULL REFERENCES credit_classes,
    expires_on date NOT NULL, -- the first day on which it is no longer held
    told_on date NOT NULL,
    rule jsonb NOT NULL, -- as it stood then, with its citation or as the operator's policy
    PRIMARY KEY (class_id, expires_on, account_id)
);
CREATE INDEX ON expiry_notices (account_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON expiry_notices
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The sealed log ---------------------------------------------------------------------------------------------------

-- What is not yet sealed: one row a statement that posted transfers. Deleted in the transaction that seals it.
CREATE TABLE unsealed_transfers (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfers uuid[] NOT NULL
);

-- A transfer's leaf in the Merkle tree (RFC 6962), and the serials that an issuance gave.
CREATE TABLE sealed_transfers (
    position bigint PRIMARY KEY CHECK (position >= 0), -- in the log, from 0, without gaps
    transfer_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    class_id integer, -- of an issuance; otherwise null
    first_serial bigint CHECK (first_serial >= 1),
    next_serial bigint,
    UNIQUE (transfer_id, ordinal), -- no foreign key: transfers are append-only, and it would lock and so rewrite each
    CHECK (num_nulls(class_id, first_serial, next_serial) IN (0, 3)),
    CHECK (next_serial > first_serial)
);
CREATE UNIQUE INDEX serials_once ON sealed_transfers (class_id, first_serial) WHERE class_id IS NOT NULL;
-- Whole subtrees above the leaves: at level 1 each stands for two leaves, at level 2 for four.
CREATE TABLE log_nodes (
    level smallint NOT NULL CHECK (level >= 1),
    position bigint NOT NULL CHECK (position >= 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (level, position)
);
-- Signed roots, as published.
CREATE TABLE log_checkpoints (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL, -- signed
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a leaf is made of: one line, its parts set apart by tabs. An empty part is null; `made_at` is microseconds since
-- 1970. It holds opaque ids only. Whoever has a transfer's facts can write the line again and take its digest.
ALTER TABLE credit_classes ADD CONSTRAINT on_one_line
    CHECK (concat(region, methodology, version) !~ '[\x01-\x1f\x7f]');
CREATE VIEW transfer_leaves AS
SELECT id, ordinal, made_at, class_id, grams, reason, line, sha256('\x00'::bytea || convert_to(line, 'UTF8')) AS leaf
FROM (
    SELECT transfers.id, ordinal, made_at, class_id, grams, reason,
        format(
            E'tanhui transfer 1\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s',
            transfers.id, ordinal, source, destination, region, methodology, version, to_char(vintage, 'YYYY-MM-DD'),
            credit_classes.event_id, grams, reason, refers_to, (extract(epoch FROM made_at) * 1000000)::bigint
        ) AS line
    FROM transfers JOIN credit_classes ON credit_classes.id = class_id
) AS written;

-- What was posted before the log began.
INSERT INTO unsealed_transfers (transfers)
SELECT array_agg(id) FROM (
    SELECT id, (row_number() OVER (ORDER BY min(made_at), id) - 1) / 1000 AS part FROM transfers GROUP BY id
) AS earlier
GROUP BY part ORDER BY part;

-- Retirements ------------------------------------------------------------------------------------------------------

CREATE TABLE retirements (
    id uuid PRIMARY KEY, -- also that of its transfers
    account_id uuid NOT NULL REFERENCES accounts, -- a member's or an event's
    event_id uuid REFERENCES events, -- that it is for
    beneficiary text NOT NULL CHECK (length(beneficiary) BETWEEN 1 AND 200),
    beneficiary_kind text NOT NULL CHECK (beneficiary_kind IN ('person', 'organization')), -- a person's name is masked
    purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 500),
    grams bigint NOT NULL CHECK (grams > 0),
    retired_on date NOT NULL,
    basis jsonb NOT NULL DEFAULT '[]', -- the clauses or the policy that let a member retire them
    retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON retirements (account_id, retired_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retirements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Serials that left circulation: of what is retired or expired, or of an issuance reversed. Each class's blocks follow
-- one another from 1 without gap (the foreign key) or overlap (the exclusion).
CREATE TABLE serial_blocks (
    transfer_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    class_id integer NOT NULL REFERENCES credit_classes,
    first_serial bigint NOT NULL CHECK (first_serial >= 1),
    next_serial bigint NOT NULL,
    serials int8range NOT NULL GENERATED ALWAYS AS (int8range(first_serial, next_serial)) STORED,
    follows bigint GENERATED ALWAYS AS (nullif(first_serial, 1)) STORED,
    PRIMARY KEY (transfer_id, ordinal),
    FOREIGN KEY (transfer_id, ordinal) REFERENCES transfers,
    UNIQUE (class_id, next_serial),
    FOREIGN KEY (class_id, follows) REFERENCES serial_blocks (class_id, next_serial),
    CONSTRAINT not_empty CHECK (next_serial > first_serial AND NOT isempty(serials)),
    CONSTRAINT no_overlap EXCLUDE USING gist (class_id WITH =, serials WITH &&)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON serial_blocks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What became of serials that left: of retirements, which are public, also which and when.
CREATE VIEW left_blocks AS
SELECT block.class_id, serials, first_serial, next_serial,
    CASE reason WHEN 'retire' THEN 'retired' WHEN 'expire' THEN 'expired' ELSE 'reversed' END AS outcome,
    retirements.id AS retirement_id, retired_on
FROM serial_blocks AS block
JOIN transfers ON transfers.id = transfer_id AND transfers.ordinal = block.ordinal
LEFT JOIN retirements ON retirements.id = transfer_id;

-- What every transfer must satisfy ---------------------------------------------------------------------------------

-- Who may receive, members' balances, and what is yet to be sealed. That the source of a donation is a member is known
-- by their balance, without a look at any other table. The settings stand because plans are kept: one made while the
-- tables were small would read all of them when they are large.
CREATE OR REPLACE FUNCTION apply_transfers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    reasons text[] := ARRAY(SELECT reason FROM added GROUP BY reason);
    expected bigint;
    found bigint;
BEGIN
    IF reasons = '{}' THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT reason, destination FROM added) AS given
        LEFT JOIN accounts ON accounts.id = given.destination
        WHERE CASE
            WHEN reason IN ('donate', 'post') THEN kind = 'event'
            WHEN reason = 'reverse' THEN kind IN ('member', 'issuance')
            WHEN reason IN ('issue', 'refund', 'void', 'lapse') THEN kind = 'member'
            ELSE true
        END IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'kinds_of_the_reason: a transfer to an account of this kind is not provided for'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'kinds_of_the_reason';
    END IF;
    IF EXISTS (
        SELECT FROM (
            SELECT DISTINCT reason, destination AS account_id FROM added WHERE reason IN ('issue', 'donate', 'post')
            UNION
            SELECT DISTINCT reason, source FROM added WHERE reason IN ('donate', 'reserve', 'retire')
        ) AS party JOIN account_closings USING (account_id)
        WHERE because <> 'settled' OR reason <> 'retire' -- an event that has settled may still retire
    ) THEN
        RAISE EXCEPTION 'open_accounts: an account is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'open_accounts';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT class_id, destination FROM added WHERE reason IN ('donate', 'post')) AS given
        JOIN credit_classes ON credit_classes.id = given.class_id AND credit_classes.event_id = given.destination
        JOIN events ON events.id = given.destination AND same_event_clause IS NULL
    ) THEN
        RAISE EXCEPTION 'same_event_reduction: what was earned by travelling to an event is given to it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'same_event_reduction';
    END IF;
    IF reasons && '{issue}' AND EXISTS (
        SELECT FROM (SELECT class_id AS id FROM added GROUP BY class_id) AS named
        LEFT JOIN credit_classes USING (id) WHERE region IS NULL
    ) THEN
        RAISE EXCEPTION 'known_class: there is no such class'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'known_class';
    END IF;
    IF reasons && '{issue, reverse, refund, void, lapse}' THEN
        INSERT INTO balances AS held (account_id, class_id, grams)
        SELECT destination, class_id, sum(grams) FROM added
        WHERE reason IN ('issue', 'refund', 'void', 'lapse')
            OR reason = 'reverse' AND destination <> '00000000-0000-0000-0000-000000000001'
        GROUP BY destination, class_id ORDER BY destination, class_id
        ON CONFLICT (account_id, class_id) DO UPDATE SET grams = held.grams + excluded.grams;
    END IF;
    IF reasons && '{donate, reserve, retire, expire, reverse}' THEN
        WITH given AS (
            SELECT source AS account_id, class_id, sum(grams) AS grams FROM added
            WHERE reason IN ('donate', 'reserve', 'expire') OR reason IN ('retire', 'reverse')
                AND NOT EXISTS (SELECT FROM accounts WHERE accounts.id = added.source AND kind = 'event')
            GROUP BY source, class_id
        ),
        moved AS (
            UPDATE balances SET grams = balances.grams - given.grams FROM given
            WHERE balances.account_id = given.account_id AND balances.class_id = given.class_id
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM given), (SELECT count(*) FROM moved) INTO expected, found;
        IF found < expected THEN
            RAISE EXCEPTION 'no_overdraft: an account does not hold what it gives'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'no_overdraft';
        END IF;
    END IF;
    INSERT INTO unsealed_transfers (transfers) SELECT array_agg(id) FROM added; -- an id as often as it has rows
    RETURN NULL;
END
$$;

-- What ends another transfer must fit it; events give no more than they were given; serials leave by blocks.
CREATE FUNCTION apply_endings() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    reasons text[] := ARRAY(SELECT reason FROM added WHERE reason NOT IN ('issue', 'donate') GROUP BY reason);
BEGIN
    IF reasons = '{}' THEN
        RETURN NULL;
    END IF;
    IF reasons && '{reverse, refund}' AND EXISTS (
        SELECT FROM added
        LEFT JOIN transfers AS ended ON ended.id = added.refers_to AND ended.ordinal = added.ordinal
        LEFT JOIN reservations ON reservations.id = ended.refers_to AND ended.reason = 'post'
        WHERE added.reason IN ('reverse', 'refund') AND (
            added.class_id = ended.class_id AND added.source = ended.destination
            AND added.destination = coalesce(reservations.member_id, ended.source)
            AND CASE added.reason
                WHEN 'reverse' THEN ended.reason IN ('issue', 'donate') AND added.grams = ended.grams
                ELSE ended.reason IN ('donate', 'post') AND added.grams <= ended.grams
            END
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'fits_what_it_ends: a reversal or refund does not fit what it refers to'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fits_what_it_ends';
    END IF;
    IF reasons && '{reserve, post, void, lapse}' AND EXISTS (
        SELECT FROM (SELECT DISTINCT coalesce(refers_to, id) AS id FROM added
                     WHERE reason IN ('reserve', 'post', 'void', 'lapse')) AS touched
        LEFT JOIN reservations ON reservations.id = touched.id
        LEFT JOIN reservation_endings AS ending ON ending.reservation_id = touched.id
        CROSS JOIN LATERAL (
            SELECT
                coalesce(sum(part.grams) FILTER (WHERE part.reason = 'reserve'), 0) AS reserved_g,
                coalesce(sum(part.grams) FILTER (WHERE part.reason = 'post'), 0) AS posted_g,
                bool_and(CASE part.reason
                    WHEN 'reserve' THEN part.source = reservations.member_id
                    WHEN 'post' THEN part.destination = reservations.event_id AND part.id = ending.id
                    ELSE part.destination = reservations.member_id AND part.id = ending.id
                END) AS fits
            FROM transfers AS part WHERE part.id = touched.id OR part.refers_to = touched.id
        ) AS all_parts
        CROSS JOIN LATERAL (
            SELECT bool_and(left_g = CASE WHEN ending.id IS NULL THEN in_g ELSE 0 END) AS fits FROM (
                SELECT sum(part.grams) FILTER (WHERE part.reason = 'reserve') AS in_g,
                    sum(CASE part.reason WHEN 'reserve' THEN part.grams ELSE -part.grams END) AS left_g
                FROM transfers AS part WHERE part.id = touched.id OR part.refers_to = touched.id
                GROUP BY part.class_id
            ) AS by_class
        ) AS classes
        WHERE (
            all_parts.fits AND classes.fits AND all_parts.reserved_g = reservations.grams
            AND all_parts.posted_g = coalesce(ending.posted_g, 0)
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'fits_the_reservation: a reservation''s transfers do not fit it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fits_the_reservation';
    END IF;
    IF reasons && '{retire}' AND EXISTS (
        SELECT FROM (SELECT DISTINCT id, source FROM added WHERE reason = 'retire') AS retired
        LEFT JOIN retirements USING (id)
        WHERE (
            account_id = source AND grams = (SELECT sum(part.grams) FROM transfers AS part WHERE part.id = retired.id)
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'named_retirement: transfers that retire are not those that a certificate names'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'named_retirement';
    END IF;
    IF reasons && '{retire}' AND EXISTS (
        SELECT FROM added JOIN retirements USING (id)
        JOIN credit_classes ON credit_classes.id = class_id AND credit_classes.event_id = retirements.event_id
        JOIN events ON events.id = retirements.event_id AND same_event_clause IS NULL
        WHERE reason = 'retire'
    ) THEN
        RAISE EXCEPTION 'same_event_reduction: what was earned by travelling to an event is retired for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'same_event_reduction';
    END IF;
    IF reasons && '{retire, refund, reverse}' THEN
        PERFORM FROM accounts
        WHERE kind = 'event' AND id IN (SELECT source FROM added WHERE reason IN ('retire', 'refund', 'reverse'))
        ORDER BY id FOR NO KEY UPDATE;
        IF EXISTS (
            SELECT FROM (SELECT DISTINCT source AS id FROM added WHERE reason IN ('retire', 'refund', 'reverse')) AS drawn
            JOIN accounts USING (id)
            JOIN transfers ON drawn.id IN (transfers.source, transfers.destination)
            WHERE kind = 'event'
            GROUP BY drawn.id, transfers.class_id
            HAVING sum(CASE drawn.id WHEN transfers.destination THEN grams ELSE -grams END) < 0
        ) THEN
            RAISE EXCEPTION 'no_overdraft: an event gives more than it was given'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'no_overdraft';
        END IF;
    END IF;
    IF reasons && '{retire, expire, reverse}' THEN
        PERFORM FROM credit_classes WHERE id IN (SELECT class_id FROM added) ORDER BY id FOR NO KEY UPDATE;
        INSERT INTO serial_blocks (transfer_id, ordinal, class_id, first_serial, next_serial)
        SELECT id, ordinal, class_id, taken + up_to - grams, taken + up_to
        FROM (
            SELECT id, ordinal, class_id, grams,
                sum(grams) OVER (PARTITION BY class_id ORDER BY id, ordinal) AS up_to,
                (SELECT coalesce(max(next_serial), 1) FROM serial_blocks AS b WHERE b.class_id = added.class_id) AS taken
            FROM added
            WHERE reason IN ('retire', 'expire')
                OR reason = 'reverse' AND destination = '00000000-0000-0000-0000-000000000001'
        ) AS leaving;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER apply_endings AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apply_endings();
