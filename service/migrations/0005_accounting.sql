-- Event accounting: the packs that an event's numbers are computed from, its settings, and its inventories.

-- A pack's very file. Whatever is computed for an event after its accounting opened reads these, not what ships now.
CREATE TABLE pinned_packs (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    kind text NOT NULL CHECK (kind IN ('factors', 'boundary', 'sources')),
    id text NOT NULL CHECK (length(id) BETWEEN 1 AND 100),
    version text NOT NULL CHECK (length(version) BETWEEN 1 AND 60),
    content bytea NOT NULL CHECK (sha256(content) = digest),
    pinned_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pinned_packs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One an event, opened by a member or by the first thing that needs it.
CREATE TABLE accountings (
    event_id uuid PRIMARY KEY REFERENCES events (id),
    gwp_set text NOT NULL CHECK (length(gwp_set) BETWEEN 1 AND 40),
    packs bytea[] NOT NULL CHECK (cardinality(packs) > 0),
    opened_by uuid REFERENCES members (id),
    opened_at timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accountings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the organizer says of the whole, the newest row of an event being in force.
CREATE TABLE accounting_settings (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES accountings (event_id),
    ambition text NOT NULL CHECK (ambition IN ('basic', 'full')),
    area_m2 numeric CHECK (area_m2 > 0 AND area_m2 <= 100000000),
    baseline_g bigint CHECK (baseline_g BETWEEN 1 AND 1000000000000000),
    baseline_because text CHECK (length(baseline_because) BETWEEN 1 AND 500),
    set_by uuid NOT NULL REFERENCES members (id),
    set_at timestamptz NOT NULL,
    CHECK ((baseline_g IS NULL) = (baseline_because IS NULL))
);
CREATE INDEX accounting_settings_event_id_id_idx ON accounting_settings (event_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting_settings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A source that the organizer says the event does not have, with the reason; the newest row of a source is in force.
CREATE TABLE absent_sources (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES accountings (event_id),
    source text NOT NULL CHECK (source ~ '^[a-z_]{1,40}$'),
    absent boolean NOT NULL,
    because text NOT NULL CHECK (length(because) BETWEEN 1 AND 500),
    declared_by uuid NOT NULL REFERENCES members (id),
    declared_at timestamptz NOT NULL
);
CREATE INDEX absent_sources_event_id_source_id_idx ON absent_sources (event_id, source, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON absent_sources
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An inventory as it was submitted, whole. `replaces` is the version that it restates, with the reason.
CREATE TABLE inventories (
    event_id uuid NOT NULL REFERENCES accountings (event_id),
    number integer NOT NULL CHECK (number >= 1),
    content jsonb NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    full_g bigint NOT NULL CHECK (full_g >= 0),
    basic_g bigint NOT NULL CHECK (basic_g BETWEEN 0 AND full_g),
    reported_g bigint NOT NULL CHECK (reported_g IN (basic_g, full_g)),
    replaces integer,
    because text CHECK (length(because) BETWEEN 1 AND 500),
    made_by uuid NOT NULL REFERENCES members (id),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, number),
    FOREIGN KEY (event_id, replaces) REFERENCES inventories (event_id, number),
    CHECK ((replaces IS NULL) = (number = 1)),
    CHECK ((replaces IS NULL) = (because IS NULL)),
    CHECK (replaces = number - 1)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inventories
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE inventory_verifications (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    verified_by uuid NOT NULL REFERENCES members (id),
    verified_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, number),
    FOREIGN KEY (event_id, number) REFERENCES inventories (event_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inventory_verifications
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An inventory's state: a first version is submitted, a later one restated, and either may come to be verified.
CREATE VIEW inventory_states AS
SELECT event_id, number, digest, full_g, basic_g, reported_g, replaces, because, made_by, made_at, verified_by,
    verified_at,
    CASE
        WHEN verified_at IS NOT NULL THEN 'verified'
        WHEN replaces IS NOT NULL THEN 'restated'
        ELSE 'submitted'
    END AS state
FROM inventories LEFT JOIN inventory_verifications USING (event_id, number);
