-- The loop: members, organizations, credits, events, check-ins, tallies.
-- Amounts are whole grams of CO2e (grams, …_g), lengths metres (…_m); `…_at` is an instant, `day` a date of the event's own.

-- Members and how they sign in -------------------------------------------------------------------------------------

CREATE TABLE members (
    id uuid PRIMARY KEY,
    phone_digest bytea NOT NULL UNIQUE CHECK (octet_length(phone_digest) = 32),
    phone_hint text NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT now()
);

-- One live code a number: the number is the key.
CREATE TABLE sign_in_codes (
    phone_digest bytea PRIMARY KEY CHECK (octet_length(phone_digest) = 32),
    code_digest bytea NOT NULL CHECK (octet_length(code_digest) = 32),
    tries_left smallint NOT NULL CHECK (tries_left >= 0),
    expires_at timestamptz NOT NULL,
    sent_for text NOT NULL, -- the Idempotency-Key that asked for it: its repeat sends nothing again
    session_id uuid -- the session that this code opened; it opens no other
);

CREATE TABLE sign_in_sends (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone_digest bytea NOT NULL,
    address_digest bytea NOT NULL,
    sent_at timestamptz NOT NULL
);
CREATE INDEX ON sign_in_sends (phone_digest, sent_at);
CREATE INDEX ON sign_in_sends (address_digest, sent_at);

-- A family of refresh tokens ('app', rotated at every use) or a browser's cookie ('browser').
-- Tokens are derived from (id, generation) by a keyed digest, so none is stored.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members,
    kind text NOT NULL CHECK (kind IN ('app', 'browser')),
    generation integer NOT NULL DEFAULT 0 CHECK (generation >= 0),
    rotation_key text, -- the Idempotency-Key of the last rotation: its repeat gets the same successor
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text CHECK (ended_because IN ('signed_out', 'reused')),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX ON sessions (member_id);

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    founded_by uuid NOT NULL REFERENCES members,
    founded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations,
    member_id uuid NOT NULL REFERENCES members,
    role text NOT NULL CHECK (role IN ('organizer', 'gate')),
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, member_id)
);
CREATE INDEX ON organization_members (member_id);

-- Officers of a competent authority (主管部门); region is a GB/T 2260 code. Appointed by the operator's command.
CREATE TABLE authority_members (
    member_id uuid NOT NULL REFERENCES members,
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    PRIMARY KEY (member_id, region)
);

-- What a POST answered, so that its repeat answers the same (hot writes keep this in their own rows).
CREATE TABLE idempotent_requests (
    caller text NOT NULL, -- 'member:<id>', or 'anonymous'
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    status smallint, -- null only within the transaction that is answering
    answer bytea,
    media_type text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);

-- The ledger -------------------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    id uuid PRIMARY KEY, -- a member's or an event's own id; the system's are fixed, below
    kind text NOT NULL CHECK (kind IN ('issuance', 'member', 'event', 'retired', 'expired')),
    opened_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO accounts (id, kind) VALUES
    ('00000000-0000-0000-0000-000000000001', 'issuance'),
    ('00000000-0000-0000-0000-000000000002', 'retired'),
    ('00000000-0000-0000-0000-000000000003', 'expired');

-- Credits are alike only within a class.
CREATE TABLE credit_classes (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region text NOT NULL,
    methodology text NOT NULL,
    version text NOT NULL,
    vintage date NOT NULL CHECK (extract(day FROM vintage) = 1), -- the month in which the reduction happened
    UNIQUE (region, methodology, version, vintage)
);

CREATE TABLE transfers (
    id uuid NOT NULL, -- the caller's; a check-in's or an action's issuance carries that one's id
    ordinal smallint NOT NULL DEFAULT 0 CHECK (ordinal >= 0),
    source uuid NOT NULL,
    destination uuid NOT NULL,
    class_id integer NOT NULL,
    grams bigint NOT NULL CHECK (grams > 0),
    reason text NOT NULL CHECK (reason IN ('issue', 'donate', 'reverse')),
    refers_to uuid, -- the transfer that a reversal undoes
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, ordinal),
    CHECK (source <> destination),
    CHECK ((reason = 'reverse') = (refers_to IS NOT NULL))
);
CREATE UNIQUE INDEX one_reversal_a_transfer ON transfers (refers_to, ordinal) WHERE reason = 'reverse';
CREATE INDEX ON transfers (source, made_at);
CREATE INDEX ON transfers (destination, made_at);

-- What each member holds: moved only by the trigger below. Events' sums are folded by workers, never guarded here.
CREATE TABLE balances (
    account_id uuid NOT NULL REFERENCES accounts,
    class_id integer NOT NULL REFERENCES credit_classes,
    grams bigint NOT NULL CONSTRAINT no_overdraft CHECK (grams >= 0),
    PRIMARY KEY (account_id, class_id)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_classes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Accounts and classes are append-only, so that looking them up here needs no lock on them (a foreign key's
-- would make a row that thousands share, the event's, a queue).
CREATE FUNCTION apply_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added
        LEFT JOIN accounts AS source ON source.id = added.source
        LEFT JOIN accounts AS destination ON destination.id = added.destination
        LEFT JOIN credit_classes ON credit_classes.id = added.class_id
        WHERE credit_classes.id IS NULL OR (added.reason, source.kind, destination.kind) NOT IN (
            ('issue', 'issuance', 'member'), ('donate', 'member', 'event'),
            ('reverse', 'member', 'issuance'), ('reverse', 'event', 'member')
        ) IS NOT FALSE
    ) THEN
        RAISE EXCEPTION 'a transfer between accounts of these kinds is not provided for'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO balances AS held (account_id, class_id, grams)
    SELECT moved.account_id, moved.class_id, 0
    FROM (
        SELECT destination AS account_id, class_id FROM added
        UNION
        SELECT source, class_id FROM added
    ) AS moved
    JOIN accounts ON accounts.id = moved.account_id AND accounts.kind = 'member'
    ORDER BY moved.account_id, moved.class_id
    ON CONFLICT DO NOTHING;
    UPDATE balances SET grams = balances.grams + moved.grams
    FROM (
        SELECT account_id, class_id, sum(grams) AS grams
        FROM (
            SELECT source AS account_id, class_id, -grams AS grams FROM added
            UNION ALL
            SELECT destination, class_id, grams FROM added
        ) AS sides
        GROUP BY account_id, class_id
    ) AS moved
    WHERE balances.account_id = moved.account_id AND balances.class_id = moved.class_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER apply_transfers AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apply_transfers();

-- A donation and its verdict: the record of the id its caller gave it. Its transfers carry the same id.
CREATE TABLE donations (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members,
    event_id uuid NOT NULL,
    grams bigint NOT NULL CHECK (grams > 0),
    refusal text, -- the code, where it was refused
    held_g bigint, -- what the member held when it was refused
    decided_at timestamptz NOT NULL,
    CHECK ((refusal IS NULL) = (held_g IS NULL))
);
CREATE INDEX ON donations (member_id, decided_at);

-- Citizens' actions ------------------------------------------------------------------------------------------------

CREATE TABLE actions (
    id uuid PRIMARY KEY, -- the caller's; also that of the issuance
    member_id uuid NOT NULL REFERENCES members,
    region text NOT NULL,
    action text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0), -- in the methodology's base unit
    occurred_on date NOT NULL,
    reduction_g bigint NOT NULL CHECK (reduction_g >= 0),
    trace jsonb NOT NULL, -- the values used, with pack, version and digest
    request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    logged_at timestamptz NOT NULL
);
CREATE INDEX ON actions (member_id, logged_at);

-- Events -----------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind text NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    region text CHECK (region ~ '^[0-9]{6}$'), -- the province by GB/T 2260; null outside China
    place text NOT NULL, -- the id of a named place
    venue text NOT NULL CHECK (length(venue) BETWEEN 1 AND 200),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    time_zone text NOT NULL,
    expected_people integer NOT NULL CHECK (expected_people BETWEEN 1 AND 10000000),
    factor_set text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON events (organization_id);
CREATE INDEX ON events (region);

CREATE TABLE opening_hours (
    event_id uuid NOT NULL REFERENCES events,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, opens_at),
    CHECK (opens_at < closes_at)
);

CREATE TABLE gates (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    short_code text NOT NULL UNIQUE CHECK (short_code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'),
    UNIQUE (event_id, name)
);

-- An event with its hours in order of time and its gates in the order given.
CREATE VIEW whole_events AS
SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
    expected_people, factor_set,
    ARRAY(SELECT opens_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS opens_at,
    ARRAY(SELECT closes_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS closes_at,
    ARRAY(SELECT gates.id FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_ids,
    ARRAY(SELECT gates.name FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_names,
    ARRAY(SELECT short_code FROM gates WHERE event_id = events.id ORDER BY gates.id) AS short_codes
FROM events;

-- Codes on badges, for attendees without a phone. Only a digest is kept.
CREATE TABLE personal_codes (
    event_id uuid NOT NULL REFERENCES events,
    attendee uuid NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, attendee)
);

-- Check-ins --------------------------------------------------------------------------------------------------------

-- What was said is never changed: an undone or corrected check-in is ended, a corrected one is followed by a new row.
CREATE TABLE check_ins (
    id uuid PRIMARY KEY, -- as served in the form
    event_id uuid NOT NULL REFERENCES events,
    gate_id integer NOT NULL REFERENCES gates,
    day date NOT NULL,
    attendee uuid NOT NULL, -- a member's id, or a keyed digest of a personal code or a device's token
    attendee_kind text NOT NULL CHECK (attendee_kind IN ('member', 'personal', 'device')),
    fresh boolean NOT NULL, -- scanned from a screen's code of that minute, not from a poster
    part text NOT NULL CHECK (part IN ('journey', 'local')), -- from home, once an event; or that day's local trip
    people integer NOT NULL CHECK (people BETWEEN 1 AND 100), -- the attendee and who came along
    travel_emissions_g bigint NOT NULL CHECK (travel_emissions_g >= 0),
    lodging_emissions_g bigint NOT NULL CHECK (lodging_emissions_g >= 0),
    trip jsonb NOT NULL, -- legs, nights, the values used, with pack, version and digest
    credit_class integer, -- that a reduction belongs to; null where no methodology is in force or nothing was saved
    reduction_g bigint CHECK (reduction_g > 0), -- what it earns or may earn
    credited_to uuid REFERENCES members,
    request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    checked_in_at timestamptz NOT NULL,
    replaces uuid UNIQUE REFERENCES check_ins,
    ended_at timestamptz,
    ended_because text CHECK (ended_because IN ('undone', 'corrected')),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL)),
    CHECK ((credit_class IS NULL) = (reduction_g IS NULL))
);
CREATE UNIQUE INDEX one_check_in_a_day ON check_ins (event_id, attendee, day) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX one_journey_an_event ON check_ins (event_id, attendee) WHERE part = 'journey' AND ended_at IS NULL;
CREATE UNIQUE INDEX one_credit_a_day ON check_ins (event_id, credited_to, day)
    WHERE credited_to IS NOT NULL AND ended_at IS NULL;

-- Up to a cap per event and hour: the slot is the place under the cap.
CREATE TABLE refused_scans (
    event_id uuid NOT NULL REFERENCES events,
    hour timestamptz NOT NULL,
    slot integer NOT NULL CHECK (slot BETWEEN 1 AND 500),
    gate_id integer,
    scanned text NOT NULL CHECK (length(scanned) <= 200),
    refusal text NOT NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, hour, slot)
);

-- Travel entered by the organizer, line by line, for people who did not check in.
CREATE TABLE activity_data (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    label text NOT NULL CHECK (length(label) <= 200),
    mode text NOT NULL,
    people numeric NOT NULL CHECK (people > 0),
    distance_m bigint NOT NULL CHECK (distance_m >= 0),
    round_trip boolean NOT NULL,
    emissions_g bigint NOT NULL CHECK (emissions_g >= 0),
    trace jsonb NOT NULL,
    entered_by uuid NOT NULL REFERENCES members,
    entered_at timestamptz NOT NULL
);
CREATE INDEX ON activity_data (event_id);

-- The tally --------------------------------------------------------------------------------------------------------

-- What is not yet folded. A row is deleted in the transaction that folds it: each change counts exactly once.
CREATE TABLE tally_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    sign smallint NOT NULL CHECK (sign IN (-1, 1)),
    check_ins uuid[] NOT NULL DEFAULT '{}',
    donations integer NOT NULL DEFAULT 0 CHECK (donations >= 0),
    donated_g bigint NOT NULL DEFAULT 0 CHECK (donated_g >= 0),
    changed_at timestamptz NOT NULL
);
CREATE INDEX ON tally_changes (event_id, id);

CREATE TABLE tallies (
    event_id uuid PRIMARY KEY REFERENCES events,
    sequence bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0), -- one more at every fold
    folded_at timestamptz,
    check_ins bigint NOT NULL DEFAULT 0 CHECK (check_ins >= 0),
    people bigint NOT NULL DEFAULT 0 CHECK (people >= 0), -- distinct
    nights bigint NOT NULL DEFAULT 0 CHECK (nights >= 0),
    journey_emissions_g bigint NOT NULL DEFAULT 0 CHECK (journey_emissions_g >= 0),
    local_emissions_g bigint NOT NULL DEFAULT 0 CHECK (local_emissions_g >= 0),
    lodging_emissions_g bigint NOT NULL DEFAULT 0 CHECK (lodging_emissions_g >= 0),
    donations bigint NOT NULL DEFAULT 0 CHECK (donations >= 0),
    donated_g bigint NOT NULL DEFAULT 0 CHECK (donated_g >= 0)
);

CREATE TABLE tally_cells (
    event_id uuid NOT NULL REFERENCES events,
    dimension text NOT NULL CHECK (dimension IN ('journey_mode', 'local_mode', 'gate', 'hour')),
    key text NOT NULL, -- a mode, a gate's id, or the hour's start (ISO 8601, UTC)
    check_ins bigint NOT NULL CHECK (check_ins >= 0),
    people bigint NOT NULL CHECK (people >= 0), -- check-ins by people, not distinct
    trips bigint NOT NULL CHECK (trips >= 0),
    person_m numeric NOT NULL CHECK (person_m >= 0),
    emissions_g bigint NOT NULL CHECK (emissions_g >= 0),
    PRIMARY KEY (event_id, dimension, key)
);

-- How many people stand behind an attendee, as last folded: the most that came along on any day.
CREATE TABLE counted_attendees (
    event_id uuid NOT NULL REFERENCES events,
    attendee uuid NOT NULL,
    people integer NOT NULL CHECK (people >= 0),
    PRIMARY KEY (event_id, attendee)
);
