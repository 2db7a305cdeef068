-- An event under its place's rule: who may act, what the event is, its plan and measures, what offsets it, who
-- confirms it. What is said is said anew in a further row, the newest being in force, so that all of it can be read back.

-- Who may act -------------------------------------------------------------------------------------------------------
-- Every change of who acts for an organization; a null role means that the member left.
CREATE TABLE organization_changes (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    member_id uuid NOT NULL REFERENCES members (id),
    role text CHECK (role IN ('owner', 'editor', 'viewer', 'gate')),
    changed_by uuid NOT NULL REFERENCES members (id),
    changed_at timestamptz NOT NULL
);
CREATE INDEX organization_changes_organization_id_id_idx ON organization_changes (organization_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON organization_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an officer may do for the region, by the offices of its rule pack; with none, they may read.
ALTER TABLE authority_members ADD COLUMN offices text[] NOT NULL DEFAULT '{}'
    CHECK (offices <@ ARRAY['publishes', 'issues', 'inspects', 'revokes', 'guides', 'supervises', 'coordinates',
        'runs_platform']);

CREATE TABLE operators (
    member_id uuid PRIMARY KEY REFERENCES members (id),
    appointed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER living_members BEFORE INSERT ON operators FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();

-- Organizations registered as verifiers (技术服务机构), for a region or, where null, everywhere.
CREATE TABLE verifier_registrations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    region text CHECK (region ~ '^[0-9]{6}$'),
    registered boolean NOT NULL,
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    said_by uuid NOT NULL REFERENCES members (id),
    said_at timestamptz NOT NULL
);
CREATE INDEX verifier_registrations_organization_id_id_idx ON verifier_registrations (organization_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON verifier_registrations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the event is --------------------------------------------------------------------------------------------------
-- What decides how its place's rule takes it: expected before the event, counted after.
CREATE TABLE event_facts (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    host text NOT NULL CHECK (host IN ('government', 'institution', 'soe', 'other')),
    rule_place text NOT NULL CHECK (rule_place ~ '^([0-9]{6}|[A-Z]{2})$'),
    people_on_site integer NOT NULL CHECK (people_on_site BETWEEN 0 AND 10000000),
    people_at_sub_venues integer NOT NULL CHECK (people_at_sub_venues BETWEEN 0 AND 10000000),
    people_online integer NOT NULL CHECK (people_online BETWEEN 0 AND 10000000),
    visits integer CHECK (visits BETWEEN 0 AND 10000000),
    area_m2 integer CHECK (area_m2 BETWEEN 0 AND 10000000),
    label text CHECK (label IN ('neutral', 'basic', 'full')),
    confirmation text CHECK (confirmation IN ('self_declaration', 'third_party', 'certificate_applied')),
    said_by uuid NOT NULL REFERENCES members (id),
    said_at timestamptz NOT NULL
);
CREATE INDEX event_facts_event_id_id_idx ON event_facts (event_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The plan, measures and other steps ---------------------------------------------------------------------------------
ALTER TABLE pinned_packs DROP CONSTRAINT pinned_packs_kind_check;
ALTER TABLE pinned_packs
    ADD CONSTRAINT pinned_packs_kind_check CHECK (kind IN ('factors', 'boundary', 'sources', 'rule'));

CREATE TABLE neutrality_plans (
    event_id uuid NOT NULL REFERENCES events (id),
    number integer NOT NULL CHECK (number >= 1),
    content jsonb NOT NULL,
    made_by uuid NOT NULL REFERENCES members (id),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON neutrality_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A plan that was published, with the rule that it was checked against. `surplus`: what becomes of donations beyond
-- the need, as announced before any are given.
CREATE TABLE plan_publications (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    rule bytea REFERENCES pinned_packs (digest),
    surplus text NOT NULL CHECK (surplus IN ('keep', 'return')),
    estimate_g bigint NOT NULL CHECK (estimate_g >= 0),
    published_by uuid NOT NULL REFERENCES members (id),
    published_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, number),
    FOREIGN KEY (event_id, number) REFERENCES neutrality_plans (event_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_publications
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The version of the rule that governs gave way to another; `asks` is what the new one newly asks.
CREATE TABLE rule_switches (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    before bytea NOT NULL REFERENCES pinned_packs (digest),
    after bytea NOT NULL REFERENCES pinned_packs (digest),
    asks jsonb NOT NULL,
    switched_at timestamptz NOT NULL,
    UNIQUE (event_id, before, after)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_switches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A reduction measure (减排措施); the newest row of a key is in force.
CREATE TABLE event_measures (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    key text NOT NULL CHECK (key ~ '^[a-z0-9_]{1,60}$'),
    state text NOT NULL CHECK (state IN ('planned', 'done', 'dropped')),
    what text NOT NULL CHECK (length(what) BETWEEN 1 AND 2000),
    done_on date,
    file_id uuid,
    said_by uuid NOT NULL REFERENCES members (id),
    said_at timestamptz NOT NULL,
    FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id),
    CHECK ((done_on IS NULL) = (state <> 'done'))
);
CREATE INDEX event_measures_event_id_key_id_idx ON event_measures (event_id, key, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_measures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the organizer notes as done outside (duty_…, report_…, publish_retirements, disclose, milestone_…, order for
-- the reason why the recommended order was left); the newest row of a key is in force.
CREATE TABLE event_marks (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    key text NOT NULL CHECK (key ~ '^[a-z0-9_]{1,80}$'),
    done_on date,
    note text NOT NULL CHECK (length(note) BETWEEN 1 AND 2000),
    fields text[] NOT NULL DEFAULT '{}',
    file_id uuid,
    said_by uuid NOT NULL REFERENCES members (id),
    said_at timestamptz NOT NULL,
    FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id)
);
CREATE INDEX event_marks_event_id_key_id_idx ON event_marks (event_id, key, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_marks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the event's people are told: reminders of deadlines, withdrawals, returned units. Once each.
CREATE TABLE event_notices (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    about jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    UNIQUE (event_id, kind, key)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_notices
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What offsets it ----------------------------------------------------------------------------------------------------
-- Units of other registries: a block of serial numbers, used once in the whole system. Offered by an organization, or
-- the organizer's own. `series` is what stands before the running number of a serial; one serial is `unit_g` grams.
CREATE TABLE offset_units (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    class text NOT NULL CHECK (class ~ '^[a-z_]{1,40}$' AND class <> 'citizen_credits'),
    registry text NOT NULL CHECK (registry = upper(btrim(registry)) AND length(registry) BETWEEN 1 AND 100),
    project text NOT NULL CHECK (length(project) BETWEEN 1 AND 200),
    project_place text NOT NULL CHECK (project_place ~ '^([0-9]{6}|[A-Z]{2})$'),
    vintage integer NOT NULL CHECK (vintage BETWEEN 1990 AND 2200),
    series text NOT NULL CHECK (series = upper(btrim(series)) AND length(series) <= 100),
    serials int8range NOT NULL
        CHECK (NOT isempty(serials) AND lower(serials) >= 0 AND upper(serials) IS NOT NULL),
    unit_g bigint NOT NULL DEFAULT 1000000 CHECK (unit_g BETWEEN 1 AND 1000000000),
    grams bigint NOT NULL GENERATED ALWAYS AS ((upper(serials) - lower(serials)) * unit_g) STORED,
    recognition text CHECK (length(recognition) BETWEEN 1 AND 500),
    donated boolean NOT NULL,
    file_id uuid,
    donor_id uuid REFERENCES organizations (id),
    state text NOT NULL CHECK (state IN ('offered', 'held', 'declined', 'withdrawn', 'returned', 'retired')),
    entered_by uuid NOT NULL REFERENCES members (id),
    entered_at timestamptz NOT NULL,
    decided_by uuid REFERENCES members (id),
    decided_at timestamptz,
    because text CHECK (length(because) BETWEEN 1 AND 500),
    returned_by uuid REFERENCES members (id), -- null where the rule did
    returned_at timestamptz,
    retired_on date,
    retired_reference text CHECK (length(retired_reference) BETWEEN 1 AND 200),
    retired_file_id uuid,
    retired_by uuid REFERENCES members (id),
    retired_at timestamptz,
    FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id),
    FOREIGN KEY (retired_file_id, event_id) REFERENCES event_files (id, event_id),
    CHECK (num_nulls(retired_on, retired_reference, retired_by, retired_at) IN (0, 4)),
    CHECK ((retired_at IS NOT NULL) = (state = 'retired')),
    CHECK ((returned_at IS NOT NULL) = (state = 'returned')),
    CONSTRAINT serials_used_once EXCLUDE USING gist (registry WITH =, series WITH =, serials WITH &&)
        WHERE (state IN ('offered', 'held', 'retired'))
);
CREATE INDEX offset_units_event_id_idx ON offset_units (event_id);
CREATE INDEX offset_units_donor_id_idx ON offset_units (donor_id) WHERE donor_id IS NOT NULL;
CREATE FUNCTION guard_offset_units() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- grams follow from what may not change, and are not known yet
    may_change constant text[] := '{state, decided_by, decided_at, because, returned_by, returned_at, retired_on,
        retired_reference, retired_file_id, retired_by, retired_at, grams}';
BEGIN
    IF (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change)
        OR NOT (OLD.state, NEW.state) IN (
            ('offered', 'held'), ('offered', 'declined'), ('offered', 'withdrawn'), ('held', 'returned'),
            ('held', 'retired')
        )
    THEN
        RAISE EXCEPTION 'units % are for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON offset_units FOR EACH ROW EXECUTE FUNCTION guard_offset_units();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON offset_units
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What donations are measured against: rebuilt from plans, inventories and units whenever one of them changes.
-- `regions`: whose citizens' credits the event takes, null for all; `recognized`: whose besides, where an authority
-- published their methodology here. `need_g`: what is to be offset in all, null while nothing is known of it;
-- `settled` once an inventory was submitted, before which the tally's emissions count where they are more.
-- `units_g` is what units of other registries cover of it. `return_due`: something that was given may have to go back,
-- being beyond the need or of what the event takes no more.
CREATE TABLE donation_needs (
    event_id uuid PRIMARY KEY REFERENCES events (id),
    regions text[],
    recognized text[] NOT NULL DEFAULT '{}',
    need_g bigint CHECK (need_g >= 0),
    settled boolean NOT NULL DEFAULT false,
    units_g bigint NOT NULL DEFAULT 0 CHECK (units_g >= 0),
    return_due boolean NOT NULL DEFAULT false,
    reckoned_at timestamptz NOT NULL
);
CREATE INDEX ON donation_needs (event_id) WHERE return_due;
-- Events that there are take what they took until workers have reckoned them.
INSERT INTO donation_needs (event_id, return_due, reckoned_at) SELECT id, true, 'epoch' FROM events;

-- Where grams of a class come from. `recognized`: an authority of their region published their methodology here.
CREATE VIEW class_origins AS
SELECT id AS class_id, region, methodology, version, vintage, event_id AS earned_at,
    EXISTS (
        SELECT FROM published_methodologies AS published
        WHERE (published.id, published.version) = (methodology, credit_classes.version)
            AND region = ANY (published.regions)
    ) AS recognized
FROM credit_classes;
-- Whether an event takes credits of a region.
CREATE FUNCTION is_taken(regions text[], recognized text[], region text, is_recognized boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN regions IS NULL OR region = ANY (regions) OR region = ANY (recognized) AND is_recognized;
CREATE OR REPLACE VIEW holdings AS
SELECT account_id, class_id, vintage, earned_at, grams, region, recognized
FROM balances JOIN class_origins USING (class_id)
WHERE grams > 0;
CREATE OR REPLACE VIEW donation_targets AS
SELECT accounts.id AS event_id, closing.account_id IS NOT NULL AS closed, same_event_clause IS NOT NULL AS takes_own,
    coalesce(units_g + donated_g >= CASE
        WHEN settled OR need_g IS NULL THEN need_g
        ELSE greatest(need_g, journey_emissions_g + local_emissions_g + lodging_emissions_g)
    END, false) AS covered,
    regions, coalesce(needs.recognized, '{}') AS recognized
FROM accounts
LEFT JOIN account_closings AS closing ON closing.account_id = accounts.id
LEFT JOIN events ON events.id = accounts.id
LEFT JOIN donation_needs AS needs ON needs.event_id = accounts.id
LEFT JOIN tallies ON tallies.event_id = accounts.id
WHERE accounts.kind = 'event';

-- What events were given and did not give back, class by class, as last folded: the tally's sum in parts. A change
-- names the transfers that it counts; what was given before this is summed here, and named by none.
CREATE TABLE event_holdings (
    event_id uuid NOT NULL,
    class_id integer NOT NULL,
    grams bigint NOT NULL,
    PRIMARY KEY (event_id, class_id)
);
ALTER TABLE tally_changes ADD COLUMN transfers uuid[];
INSERT INTO event_holdings (event_id, class_id, grams)
SELECT event_id, class_id, sum(grams) FROM (
    SELECT destination AS event_id, class_id, grams FROM transfers WHERE reason IN ('donate', 'post')
    UNION ALL
    SELECT source, class_id, -grams FROM transfers WHERE reason = 'refund'
    UNION ALL
    SELECT source, class_id, -grams FROM transfers
    WHERE reason = 'reverse' AND destination <> '00000000-0000-0000-0000-000000000001'
) AS part GROUP BY event_id, class_id;

-- Confirmation -------------------------------------------------------------------------------------------------------
CREATE TABLE engagements (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    verifier_id uuid NOT NULL REFERENCES organizations (id),
    engaged_by uuid NOT NULL REFERENCES members (id),
    engaged_at timestamptz NOT NULL,
    ended_by uuid REFERENCES members (id),
    ended_at timestamptz,
    UNIQUE (id, event_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX engagements_verifier_id_idx ON engagements (verifier_id);
CREATE UNIQUE INDEX engagements_one_at_a_time ON engagements (event_id) WHERE ended_at IS NULL;
CREATE FUNCTION guard_engagements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL
        OR (to_jsonb(NEW) - '{ended_at, ended_by}'::text[]) <> (to_jsonb(OLD) - '{ended_at, ended_by}'::text[])
    THEN
        RAISE EXCEPTION 'engagement % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON engagements FOR EACH ROW EXECUTE FUNCTION guard_engagements();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON engagements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a verifier found, by its own checklist.
CREATE TABLE verification_reports (
    engagement_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    inventory_number integer NOT NULL,
    checklist jsonb NOT NULL,
    findings text NOT NULL CHECK (length(findings) BETWEEN 1 AND 5000),
    passed boolean NOT NULL,
    file_id uuid,
    made_by uuid NOT NULL REFERENCES members (id),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (engagement_id, number),
    FOREIGN KEY (engagement_id, event_id) REFERENCES engagements (id, event_id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories (event_id, number),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id)
);
CREATE INDEX verification_reports_event_id_idx ON verification_reports (event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON verification_reports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Hainan's certificate is applied for; an office grants it or not.
CREATE TABLE certificate_applications (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    inventory_number integer NOT NULL,
    content jsonb NOT NULL,
    applied_by uuid NOT NULL REFERENCES members (id),
    applied_at timestamptz NOT NULL,
    granted boolean,
    because text CHECK (length(because) BETWEEN 1 AND 500),
    decided_by uuid REFERENCES members (id),
    decided_at timestamptz,
    UNIQUE (id, event_id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories (event_id, number),
    CHECK (num_nulls(granted, because, decided_by, decided_at) IN (0, 4))
);
CREATE UNIQUE INDEX certificate_applications_open ON certificate_applications (event_id) WHERE granted IS NULL;
CREATE FUNCTION guard_certificate_applications() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change constant text[] := '{granted, because, decided_by, decided_at}';
BEGIN
    IF OLD.granted IS NOT NULL OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) THEN
        RAISE EXCEPTION 'application % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON certificate_applications
    FOR EACH ROW EXECUTE FUNCTION guard_certificate_applications();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON certificate_applications
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An event's neutrality as confirmed: the very bytes that were signed, and their Ed25519 signature.
CREATE TABLE confirmations (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    way text NOT NULL CHECK (way IN ('self_declaration', 'third_party', 'certificate_applied')),
    engagement_id uuid,
    application_id uuid,
    inventory_number integer NOT NULL,
    label text NOT NULL CHECK (label IN ('neutral', 'basic', 'full')),
    need_g bigint NOT NULL CHECK (need_g >= 0),
    retired_g bigint NOT NULL CHECK (retired_g >= need_g),
    record bytea NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    confirmed_by uuid NOT NULL REFERENCES members (id),
    confirmed_at timestamptz NOT NULL,
    withdrawn_by uuid REFERENCES members (id),
    withdrawn_as text CHECK (withdrawn_as IN ('issuer', 'authority')),
    withdrawn_because text CHECK (length(withdrawn_because) BETWEEN 1 AND 500),
    withdrawn_at timestamptz,
    FOREIGN KEY (engagement_id, event_id) REFERENCES engagements (id, event_id),
    FOREIGN KEY (application_id, event_id) REFERENCES certificate_applications (id, event_id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories (event_id, number),
    CHECK ((engagement_id IS NOT NULL) = (way = 'third_party')),
    CHECK ((application_id IS NOT NULL) = (way = 'certificate_applied')),
    CHECK (num_nulls(withdrawn_by, withdrawn_as, withdrawn_because, withdrawn_at) IN (0, 4))
);
CREATE INDEX confirmations_event_id_idx ON confirmations (event_id, confirmed_at);
CREATE UNIQUE INDEX confirmations_one_in_force ON confirmations (event_id) WHERE withdrawn_at IS NULL;
CREATE FUNCTION guard_confirmations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change constant text[] := '{withdrawn_by, withdrawn_as, withdrawn_because, withdrawn_at}';
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) THEN
        RAISE EXCEPTION 'confirmation % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON confirmations FOR EACH ROW EXECUTE FUNCTION guard_confirmations();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON confirmations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
