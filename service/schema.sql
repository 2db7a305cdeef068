-- Generated from the migrations by `python -m service.schema`: the data model on one page.

CREATE TABLE absent_sources (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    source text NOT NULL,
    absent boolean NOT NULL,
    because text NOT NULL,
    declared_by uuid NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    CHECK ((source ~ '^[a-z_]{1,40}$'::text)),
    FOREIGN KEY (declared_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES accountings(event_id),
    PRIMARY KEY (id)
);
CREATE INDEX absent_sources_event_id_source_id_idx ON absent_sources USING btree (event_id, source, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON absent_sources FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE account_closings (
    account_id uuid NOT NULL,
    because text NOT NULL,
    closed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CHECK ((because = ANY (ARRAY['cancelled'::text, 'settled'::text, 'left'::text]))),
    FOREIGN KEY (account_id) REFERENCES accounts(id),
    PRIMARY KEY (account_id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON account_closings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE accounting_settings (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    ambition text NOT NULL,
    area_m2 numeric,
    baseline_g bigint,
    baseline_because text,
    set_by uuid NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CHECK (((area_m2 > (0)::numeric) AND (area_m2 <= (100000000)::numeric))),
    CHECK (((baseline_g >= 1) AND (baseline_g <= '1000000000000000'::bigint))),
    CHECK (((baseline_g IS NULL) = (baseline_because IS NULL))),
    CHECK (((length(baseline_because) >= 1) AND (length(baseline_because) <= 500))),
    CHECK ((ambition = ANY (ARRAY['basic'::text, 'full'::text]))),
    FOREIGN KEY (event_id) REFERENCES accountings(event_id),
    FOREIGN KEY (set_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX accounting_settings_event_id_id_idx ON accounting_settings USING btree (event_id, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON accounting_settings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE accountings (
    event_id uuid NOT NULL,
    gwp_set text NOT NULL,
    packs bytea[] NOT NULL,
    opened_by uuid,
    opened_at timestamp with time zone NOT NULL,
    CHECK (((length(gwp_set) >= 1) AND (length(gwp_set) <= 40))),
    CHECK ((cardinality(packs) > 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (opened_by) REFERENCES members(id),
    PRIMARY KEY (event_id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON accountings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE accounts (
    id uuid NOT NULL,
    kind text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK ((kind = ANY (ARRAY['issuance'::text, 'member'::text, 'event'::text, 'retired'::text, 'expired'::text, 'held'::text]))),
    PRIMARY KEY (id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE action_appeals (
    action_id uuid NOT NULL,
    because text NOT NULL,
    appealed_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    FOREIGN KEY (action_id) REFERENCES actions(id),
    PRIMARY KEY (action_id)
);


CREATE TABLE action_evidence (
    action_id uuid NOT NULL,
    digest bytea NOT NULL,
    FOREIGN KEY (action_id) REFERENCES actions(id),
    FOREIGN KEY (digest) REFERENCES evidence(digest),
    PRIMARY KEY (action_id, digest)
);
CREATE UNIQUE INDEX one_act_a_photo ON action_evidence USING btree (digest);


CREATE TABLE action_reviews (
    action_id uuid NOT NULL,
    round smallint NOT NULL,
    decision text NOT NULL,
    because text NOT NULL,
    decided_by uuid NOT NULL,
    decided_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    CHECK ((decision = ANY (ARRAY['proven'::text, 'self_declared'::text, 'refused'::text]))),
    CHECK ((round = ANY (ARRAY[1, 2]))),
    FOREIGN KEY (action_id) REFERENCES actions(id),
    FOREIGN KEY (decided_by) REFERENCES members(id),
    PRIMARY KEY (action_id, round),
    UNIQUE (action_id, decided_by)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON action_reviews FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE actions (
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    region text NOT NULL,
    action text NOT NULL,
    quantity bigint NOT NULL,
    occurred_on date NOT NULL,
    reduction_g bigint NOT NULL,
    trace jsonb NOT NULL,
    request_digest bytea NOT NULL,
    logged_at timestamp with time zone NOT NULL,
    source text NOT NULL DEFAULT 'member'::text,
    evidence text NOT NULL DEFAULT 'self_declared'::text,
    counted bigint,
    period tstzrange,
    family text,
    state text NOT NULL DEFAULT 'credited'::text,
    due_at timestamp with time zone,
    held_because text,
    settled_at timestamp with time zone,
    overtaken_by uuid,
    partner_id uuid,
    station_id uuid,
    reported_as uuid,
    CHECK (((counted >= 0) AND (counted <= quantity))),
    CHECK (((family IS NULL) OR (period IS NOT NULL))),
    CHECK (((period IS NULL) OR COALESCE(((NOT isempty(period)) AND isfinite(lower(period)) AND isfinite(upper(period))), false))),
    CHECK (((reported_as IS NULL) OR (source = 'partner'::text))),
    CHECK (((state <> 'overtaken'::text) OR (overtaken_by IS NOT NULL))),
    CHECK (((state = 'pending'::text) = (due_at IS NOT NULL))),
    CHECK (((state = ANY (ARRAY['pending'::text, 'in_review'::text])) = (settled_at IS NULL))),
    CHECK (((upper(period) - lower(period)) <= '24:00:00'::interval)),
    CHECK ((evidence = ANY (ARRAY['self_declared'::text, 'proven'::text]))),
    CHECK ((octet_length(request_digest) = 32)),
    CHECK ((quantity > 0)),
    CHECK ((reduction_g >= 0)),
    CHECK ((source = ANY (ARRAY['member'::text, 'code'::text, 'partner'::text]))),
    CHECK ((state = ANY (ARRAY['pending'::text, 'in_review'::text, 'credited'::text, 'overtaken'::text, 'refused'::text]))),
    EXCLUDE USING gist (member_id WITH =, family WITH =, period WITH &&) WHERE (((family IS NOT NULL) AND (overtaken_by IS NULL) AND (state <> 'refused'::text))),
    FOREIGN KEY (member_id) REFERENCES members(id),
    FOREIGN KEY (overtaken_by) REFERENCES actions(id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (partner_id) REFERENCES partners(id),
    FOREIGN KEY (station_id) REFERENCES stations(id),
    PRIMARY KEY (id)
);
CREATE INDEX actions_counted ON actions USING btree (member_id, action, occurred_on) INCLUDE (quantity, counted) WHERE ((overtaken_by IS NULL) AND (state <> 'refused'::text));
CREATE INDEX actions_due ON actions USING btree (due_at) WHERE (state = 'pending'::text);
CREATE INDEX actions_in_review ON actions USING btree (region, logged_at) WHERE (state = 'in_review'::text);
CREATE INDEX actions_of_members ON actions USING btree (member_id, lower(period), upper(period));
CREATE UNIQUE INDEX reported_once ON actions USING btree (reported_as) WHERE (reported_as IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON actions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON actions FOR EACH ROW EXECUTE FUNCTION guard_actions();


CREATE TABLE activity_data (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    label text NOT NULL,
    item text NOT NULL,
    people numeric,
    distance_m bigint,
    round_trip boolean NOT NULL,
    emissions_g bigint NOT NULL,
    trace jsonb NOT NULL,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    stage text NOT NULL,
    rank text NOT NULL,
    quantity numeric NOT NULL,
    unit text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    cabin text,
    occupants integer,
    certificate text NOT NULL DEFAULT ''::text,
    co2_only boolean NOT NULL,
    file_id uuid,
    factor_file_id uuid,
    import_id uuid,
    replaces uuid,
    ended_at timestamp with time zone,
    ended_by uuid,
    ended_because text,
    CHECK (((length(ended_because) >= 1) AND (length(ended_because) <= 500))),
    CHECK (((occupants >= 1) AND (occupants <= 10000000))),
    CHECK (((people IS NULL) = (distance_m IS NULL))),
    CHECK (((people IS NULL) OR (source = 'travel'::text))),
    CHECK ((cabin = ANY (ARRAY['economy'::text, 'premium'::text, 'business'::text, 'first'::text]))),
    CHECK ((distance_m >= 0)),
    CHECK ((emissions_g >= 0)),
    CHECK ((length(certificate) <= 100)),
    CHECK ((length(label) <= 200)),
    CHECK ((num_nulls(ended_at, ended_by, ended_because) = ANY (ARRAY[0, 3]))),
    CHECK ((people > (0)::numeric)),
    CHECK ((quantity >= (0)::numeric)),
    CHECK ((rank = ANY (ARRAY['measured'::text, 'declared'::text, 'default'::text]))),
    CHECK ((replaces <> id)),
    CHECK ((stage = ANY (ARRAY['prepare'::text, 'hold'::text, 'close'::text]))),
    CHECK ((starts_on <= ends_on)),
    FOREIGN KEY (ended_by) REFERENCES members(id),
    FOREIGN KEY (entered_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (factor_file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (import_id, event_id) REFERENCES imports(id, event_id),
    FOREIGN KEY (replaces, event_id) REFERENCES activity_data(id, event_id),
    PRIMARY KEY (id),
    UNIQUE (id, event_id)
);
CREATE INDEX activity_data_event_id_idx ON activity_data USING btree (event_id);
CREATE INDEX activity_data_import_id_idx ON activity_data USING btree (import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX live_lines ON activity_data USING btree (event_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX line_replaced_once ON activity_data USING btree (replaces) WHERE (replaces IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON activity_data FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON activity_data FOR EACH ROW EXECUTE FUNCTION guard_activity_data();


CREATE TABLE authority_members (
    member_id uuid NOT NULL,
    region text NOT NULL,
    offices text[] NOT NULL DEFAULT '{}'::text[],
    CHECK ((offices <@ ARRAY['publishes'::text, 'issues'::text, 'inspects'::text, 'revokes'::text, 'guides'::text, 'supervises'::text, 'coordinates'::text, 'runs_platform'::text])),
    CHECK ((region ~ '^[0-9]{6}$'::text)),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (member_id, region)
);
CREATE TRIGGER living_members BEFORE INSERT ON authority_members FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE balances (
    account_id uuid NOT NULL,
    class_id integer NOT NULL,
    grams bigint NOT NULL,
    CHECK ((grams >= 0)),
    PRIMARY KEY (account_id, class_id)
);


CREATE TABLE certificate_applications (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    inventory_number integer NOT NULL,
    content jsonb NOT NULL,
    applied_by uuid NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    granted boolean,
    because text,
    decided_by uuid,
    decided_at timestamp with time zone,
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    CHECK ((num_nulls(granted, because, decided_by, decided_at) = ANY (ARRAY[0, 4]))),
    FOREIGN KEY (applied_by) REFERENCES members(id),
    FOREIGN KEY (decided_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories(event_id, number),
    PRIMARY KEY (id),
    UNIQUE (id, event_id)
);
CREATE UNIQUE INDEX certificate_applications_open ON certificate_applications USING btree (event_id) WHERE (granted IS NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON certificate_applications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON certificate_applications FOR EACH ROW EXECUTE FUNCTION guard_certificate_applications();


CREATE TABLE check_ins (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    gate_id integer NOT NULL,
    day date NOT NULL,
    attendee uuid NOT NULL,
    attendee_kind text NOT NULL,
    fresh boolean NOT NULL,
    part text NOT NULL,
    people integer NOT NULL,
    travel_emissions_g bigint NOT NULL,
    lodging_emissions_g bigint NOT NULL,
    trip jsonb NOT NULL,
    credit_class integer,
    reduction_g bigint,
    credited_to uuid,
    request_digest bytea NOT NULL,
    checked_in_at timestamp with time zone NOT NULL,
    replaces uuid,
    ended_at timestamp with time zone,
    ended_because text,
    CHECK (((credit_class IS NULL) = (reduction_g IS NULL))),
    CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CHECK (((people >= 1) AND (people <= 100))),
    CHECK ((attendee_kind = ANY (ARRAY['member'::text, 'personal'::text, 'device'::text]))),
    CHECK ((ended_because = ANY (ARRAY['undone'::text, 'corrected'::text]))),
    CHECK ((lodging_emissions_g >= 0)),
    CHECK ((octet_length(request_digest) = 32)),
    CHECK ((part = ANY (ARRAY['journey'::text, 'local'::text]))),
    CHECK ((reduction_g > 0)),
    CHECK ((travel_emissions_g >= 0)),
    FOREIGN KEY (credited_to) REFERENCES members(id),
    FOREIGN KEY (event_id, gate_id) REFERENCES gates(event_id, id),
    FOREIGN KEY (replaces) REFERENCES check_ins(id),
    PRIMARY KEY (id)
);
CREATE INDEX check_ins_of_members ON check_ins USING btree (attendee) WHERE (attendee_kind = 'member'::text);
CREATE UNIQUE INDEX one_check_in_a_day ON check_ins USING btree (event_id, attendee, day) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX one_credit_a_day ON check_ins USING btree (event_id, credited_to, day) WHERE ((credited_to IS NOT NULL) AND (ended_at IS NULL));
CREATE UNIQUE INDEX one_journey_an_event ON check_ins USING btree (event_id, attendee) WHERE ((part = 'journey'::text) AND (ended_at IS NULL));
CREATE UNIQUE INDEX replaced_once ON check_ins USING btree (replaces) WHERE (replaces IS NOT NULL);


CREATE VIEW class_origins AS
 SELECT id AS class_id,
    region,
    methodology,
    version,
    vintage,
    event_id AS earned_at,
    (EXISTS ( SELECT
           FROM published_methodologies published
          WHERE (((published.id = credit_classes.methodology) AND (published.version = credit_classes.version)) AND (credit_classes.region = ANY (published.regions))))) AS recognized
   FROM credit_classes;


CREATE TABLE confirmations (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    way text NOT NULL,
    engagement_id uuid,
    application_id uuid,
    inventory_number integer NOT NULL,
    label text NOT NULL,
    need_g bigint NOT NULL,
    retired_g bigint NOT NULL,
    record bytea NOT NULL,
    signature bytea NOT NULL,
    public_key bytea NOT NULL,
    confirmed_by uuid NOT NULL,
    confirmed_at timestamp with time zone NOT NULL,
    withdrawn_by uuid,
    withdrawn_as text,
    withdrawn_because text,
    withdrawn_at timestamp with time zone,
    CHECK (((application_id IS NOT NULL) = (way = 'certificate_applied'::text))),
    CHECK (((engagement_id IS NOT NULL) = (way = 'third_party'::text))),
    CHECK (((length(withdrawn_because) >= 1) AND (length(withdrawn_because) <= 500))),
    CHECK ((label = ANY (ARRAY['neutral'::text, 'basic'::text, 'full'::text]))),
    CHECK ((need_g >= 0)),
    CHECK ((num_nulls(withdrawn_by, withdrawn_as, withdrawn_because, withdrawn_at) = ANY (ARRAY[0, 4]))),
    CHECK ((octet_length(public_key) = 32)),
    CHECK ((octet_length(signature) = 64)),
    CHECK ((retired_g >= need_g)),
    CHECK ((way = ANY (ARRAY['self_declaration'::text, 'third_party'::text, 'certificate_applied'::text]))),
    CHECK ((withdrawn_as = ANY (ARRAY['issuer'::text, 'authority'::text]))),
    FOREIGN KEY (application_id, event_id) REFERENCES certificate_applications(id, event_id),
    FOREIGN KEY (confirmed_by) REFERENCES members(id),
    FOREIGN KEY (engagement_id, event_id) REFERENCES engagements(id, event_id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories(event_id, number),
    FOREIGN KEY (withdrawn_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX confirmations_event_id_idx ON confirmations USING btree (event_id, confirmed_at);
CREATE UNIQUE INDEX confirmations_one_in_force ON confirmations USING btree (event_id) WHERE (withdrawn_at IS NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON confirmations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON confirmations FOR EACH ROW EXECUTE FUNCTION guard_confirmations();


CREATE TABLE consents (
    id uuid NOT NULL,
    partner_id uuid NOT NULL,
    member_id uuid NOT NULL,
    scene text NOT NULL,
    subject uuid NOT NULL,
    given_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CHECK ((withdrawn_at >= given_at)),
    FOREIGN KEY (member_id) REFERENCES members(id),
    FOREIGN KEY (partner_id) REFERENCES partners(id),
    PRIMARY KEY (id)
);
CREATE INDEX consents_member_id_idx ON consents USING btree (member_id);
CREATE INDEX consents_partner_id_subject_scene_idx ON consents USING btree (partner_id, subject, scene);
CREATE UNIQUE INDEX one_consent_a_scene ON consents USING btree (partner_id, subject, scene) WHERE (withdrawn_at IS NULL);
CREATE TRIGGER living_members BEFORE INSERT ON consents FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE counted_attendees (
    event_id uuid NOT NULL,
    attendee uuid NOT NULL,
    people integer NOT NULL,
    CHECK ((people >= 0)),
    PRIMARY KEY (event_id, attendee)
);


CREATE TABLE credit_classes (
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    region text NOT NULL,
    methodology text NOT NULL,
    version text NOT NULL,
    vintage date NOT NULL,
    event_id uuid,
    CHECK ((EXTRACT(day FROM vintage) = (1)::numeric)),
    CHECK ((concat(region, methodology, version) !~ '[\x01-\x1f\x7f]'::text)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (id),
    UNIQUE NULLS NOT DISTINCT (region, methodology, version, vintage, event_id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON credit_classes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE donation_needs (
    event_id uuid NOT NULL,
    regions text[],
    recognized text[] NOT NULL DEFAULT '{}'::text[],
    need_g bigint,
    settled boolean NOT NULL DEFAULT false,
    units_g bigint NOT NULL DEFAULT 0,
    return_due boolean NOT NULL DEFAULT false,
    reckoned_at timestamp with time zone NOT NULL,
    CHECK ((need_g >= 0)),
    CHECK ((units_g >= 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id)
);
CREATE INDEX donation_needs_event_id_idx ON donation_needs USING btree (event_id) WHERE return_due;


CREATE VIEW donation_targets AS
 SELECT accounts.id AS event_id,
    (closing.account_id IS NOT NULL) AS closed,
    (events.same_event_clause IS NOT NULL) AS takes_own,
    COALESCE(((needs.units_g + tallies.donated_g) >=
        CASE
            WHEN (needs.settled OR (needs.need_g IS NULL)) THEN needs.need_g
            ELSE GREATEST(needs.need_g, ((tallies.journey_emissions_g + tallies.local_emissions_g) + tallies.lodging_emissions_g))
        END), false) AS covered,
    needs.regions,
    COALESCE(needs.recognized, '{}'::text[]) AS recognized
   FROM ((((accounts
     LEFT JOIN account_closings closing ON ((closing.account_id = accounts.id)))
     LEFT JOIN events ON ((events.id = accounts.id)))
     LEFT JOIN donation_needs needs ON ((needs.event_id = accounts.id)))
     LEFT JOIN tallies ON ((tallies.event_id = accounts.id)))
  WHERE (accounts.kind = 'event'::text);


CREATE TABLE donations (
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    event_id uuid NOT NULL,
    grams bigint NOT NULL,
    refusal text,
    held_g bigint,
    decided_at timestamp with time zone NOT NULL,
    CHECK (((refusal IS NULL) = (held_g IS NULL))),
    CHECK ((grams > 0)),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX donations_member_id_decided_at_idx ON donations USING btree (member_id, decided_at);


CREATE TABLE engagements (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    verifier_id uuid NOT NULL,
    engaged_by uuid NOT NULL,
    engaged_at timestamp with time zone NOT NULL,
    ended_by uuid,
    ended_at timestamp with time zone,
    CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
    FOREIGN KEY (ended_by) REFERENCES members(id),
    FOREIGN KEY (engaged_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (verifier_id) REFERENCES organizations(id),
    PRIMARY KEY (id),
    UNIQUE (id, event_id)
);
CREATE INDEX engagements_verifier_id_idx ON engagements USING btree (verifier_id);
CREATE UNIQUE INDEX engagements_one_at_a_time ON engagements USING btree (event_id) WHERE (ended_at IS NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON engagements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON engagements FOR EACH ROW EXECUTE FUNCTION guard_engagements();


CREATE TABLE event_cancellations (
    event_id uuid NOT NULL,
    because text NOT NULL,
    cancelled_by uuid NOT NULL,
    cancelled_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    known_from xid8,
    refunded_at timestamp with time zone,
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    FOREIGN KEY (cancelled_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id)
);
CREATE INDEX event_cancellations_event_id_idx ON event_cancellations USING btree (event_id) WHERE (refunded_at IS NULL);


CREATE TABLE event_facts (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    host text NOT NULL,
    rule_place text NOT NULL,
    people_on_site integer NOT NULL,
    people_at_sub_venues integer NOT NULL,
    people_online integer NOT NULL,
    visits integer,
    area_m2 integer,
    label text,
    confirmation text,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CHECK (((area_m2 >= 0) AND (area_m2 <= 10000000))),
    CHECK (((people_at_sub_venues >= 0) AND (people_at_sub_venues <= 10000000))),
    CHECK (((people_on_site >= 0) AND (people_on_site <= 10000000))),
    CHECK (((people_online >= 0) AND (people_online <= 10000000))),
    CHECK (((visits >= 0) AND (visits <= 10000000))),
    CHECK ((confirmation = ANY (ARRAY['self_declaration'::text, 'third_party'::text, 'certificate_applied'::text]))),
    CHECK ((host = ANY (ARRAY['government'::text, 'institution'::text, 'soe'::text, 'other'::text]))),
    CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
    CHECK ((label = ANY (ARRAY['neutral'::text, 'basic'::text, 'full'::text]))),
    CHECK ((rule_place ~ '^([0-9]{6}|[A-Z]{2})$'::text)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (said_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX event_facts_event_id_id_idx ON event_facts USING btree (event_id, id);
CREATE INDEX event_facts_rule_place_idx ON event_facts USING btree (rule_place);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_facts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE event_files (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    uploaded_by uuid NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK ((purpose = ANY (ARRAY['invoice'::text, 'meter'::text, 'proof'::text, 'plan'::text, 'factor'::text, 'import'::text, 'other'::text]))),
    FOREIGN KEY (digest) REFERENCES files(digest),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (uploaded_by) REFERENCES members(id),
    PRIMARY KEY (id),
    UNIQUE (id, event_id)
);
CREATE INDEX event_files_event_id_idx ON event_files USING btree (event_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE event_holdings (
    event_id uuid NOT NULL,
    class_id integer NOT NULL,
    grams bigint NOT NULL,
    PRIMARY KEY (event_id, class_id)
);


CREATE TABLE event_marks (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    key text NOT NULL,
    done_on date,
    note text NOT NULL,
    fields text[] NOT NULL DEFAULT '{}'::text[],
    file_id uuid,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CHECK (((length(note) >= 1) AND (length(note) <= 2000))),
    CHECK ((key ~ '^[a-z0-9_]{1,80}$'::text)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (said_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX event_marks_event_id_key_id_idx ON event_marks USING btree (event_id, key, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_marks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE event_measures (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    what text NOT NULL,
    done_on date,
    file_id uuid,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CHECK (((done_on IS NULL) = (state <> 'done'::text))),
    CHECK (((length(what) >= 1) AND (length(what) <= 2000))),
    CHECK ((key ~ '^[a-z0-9_]{1,60}$'::text)),
    CHECK ((state = ANY (ARRAY['planned'::text, 'done'::text, 'dropped'::text]))),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (said_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX event_measures_event_id_key_id_idx ON event_measures USING btree (event_id, key, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_measures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE event_notices (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    about jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (id),
    UNIQUE (event_id, kind, key)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_notices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE VIEW event_parties AS
 SELECT events.id AS event_id,
    organization_members.member_id,
    organization_members.role
   FROM (events
     JOIN organization_members USING (organization_id))
UNION ALL
 SELECT events.id AS event_id,
    authority_members.member_id,
    'authority'::text AS role
   FROM (events
     JOIN authority_members USING (region))
UNION ALL
 SELECT rule_places.event_id,
    authority_members.member_id,
    'authority'::text AS role
   FROM (rule_places
     JOIN authority_members ON ((authority_members.region = rule_places.rule_place)))
UNION ALL
 SELECT engagements.event_id,
    organization_members.member_id,
    'verifier'::text AS role
   FROM (engagements
     JOIN organization_members ON ((organization_members.organization_id = engagements.verifier_id)))
  WHERE ((engagements.ended_at IS NULL) AND (organization_members.role = ANY (ARRAY['owner'::text, 'editor'::text])));


CREATE VIEW event_trail AS
 SELECT events.id AS event_id,
    events.created_at AS at,
    NULL::uuid AS by,
    'organizer'::text AS party,
    'event_created'::text AS act,
    (events.id)::text AS subject,
    jsonb_build_object('name', events.name) AS about
   FROM events
UNION ALL
 SELECT event_cancellations.event_id,
    event_cancellations.cancelled_at AS at,
    event_cancellations.cancelled_by AS by,
    'organizer'::text AS party,
    'event_cancelled'::text AS act,
    (event_cancellations.event_id)::text AS subject,
    jsonb_build_object('because', event_cancellations.because) AS about
   FROM event_cancellations
UNION ALL
 SELECT personal_codes.event_id,
    personal_codes.issued_at AS at,
    NULL::uuid AS by,
    'organizer'::text AS party,
    'badges_issued'::text AS act,
    (personal_codes.event_id)::text AS subject,
    jsonb_build_object('count', count(*)) AS about
   FROM personal_codes
  GROUP BY personal_codes.event_id, personal_codes.issued_at
UNION ALL
 SELECT event_files.event_id,
    event_files.uploaded_at AS at,
    event_files.uploaded_by AS by,
    'organizer'::text AS party,
    'file_uploaded'::text AS act,
    (event_files.id)::text AS subject,
    jsonb_build_object('name', event_files.name, 'use', event_files.purpose) AS about
   FROM event_files
  WHERE (event_files.purpose <> 'import'::text)
UNION ALL
 SELECT imports.event_id,
    imports.imported_at AS at,
    imports.imported_by AS by,
    'organizer'::text AS party,
    'table_imported'::text AS act,
    (imports.id)::text AS subject,
    jsonb_build_object('name', event_files.name, 'lines', imports.lines) AS about
   FROM (imports
     JOIN event_files ON ((event_files.id = imports.file_id)))
UNION ALL
 SELECT line.event_id,
    line.ended_at AS at,
    line.ended_by AS by,
    'organizer'::text AS party,
    'table_ended'::text AS act,
    (line.import_id)::text AS subject,
    jsonb_build_object('lines', count(*), 'because', line.ended_because) AS about
   FROM activity_data line
  WHERE ((line.import_id IS NOT NULL) AND (line.ended_at IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM activity_data next
          WHERE (next.replaces = line.id)))))
  GROUP BY line.event_id, line.import_id, line.ended_at, line.ended_by, line.ended_because
UNION ALL
 SELECT activity_data.event_id,
    activity_data.entered_at AS at,
    activity_data.entered_by AS by,
    'organizer'::text AS party,
        CASE
            WHEN (activity_data.replaces IS NULL) THEN 'line_entered'::text
            ELSE 'line_corrected'::text
        END AS act,
    (activity_data.id)::text AS subject,
    jsonb_build_object('source', activity_data.source, 'label', activity_data.label, 'quantity', activity_data.quantity, 'unit', activity_data.unit) AS about
   FROM activity_data
  WHERE ((activity_data.import_id IS NULL) OR (activity_data.replaces IS NOT NULL))
UNION ALL
 SELECT line.event_id,
    line.ended_at AS at,
    line.ended_by AS by,
    'organizer'::text AS party,
    'line_ended'::text AS act,
    (line.id)::text AS subject,
    jsonb_build_object('source', line.source, 'label', line.label, 'because', line.ended_because) AS about
   FROM activity_data line
  WHERE ((line.import_id IS NULL) AND (line.ended_at IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM activity_data next
          WHERE (next.replaces = line.id)))))
UNION ALL
 SELECT accountings.event_id,
    accountings.opened_at AS at,
    accountings.opened_by AS by,
    'organizer'::text AS party,
    'accounting_opened'::text AS act,
    (accountings.event_id)::text AS subject,
    jsonb_build_object('gwp_set', accountings.gwp_set) AS about
   FROM accountings
UNION ALL
 SELECT accounting_settings.event_id,
    accounting_settings.set_at AS at,
    accounting_settings.set_by AS by,
    'organizer'::text AS party,
    'accounting_set'::text AS act,
    (accounting_settings.id)::text AS subject,
    jsonb_build_object('ambition', accounting_settings.ambition, 'area_m2', accounting_settings.area_m2, 'baseline_g', accounting_settings.baseline_g, 'because', accounting_settings.baseline_because) AS about
   FROM accounting_settings
UNION ALL
 SELECT absent_sources.event_id,
    absent_sources.declared_at AS at,
    absent_sources.declared_by AS by,
    'organizer'::text AS party,
        CASE
            WHEN absent_sources.absent THEN 'source_absent'::text
            ELSE 'source_present'::text
        END AS act,
    (absent_sources.id)::text AS subject,
    jsonb_build_object('source', absent_sources.source, 'because', absent_sources.because) AS about
   FROM absent_sources
UNION ALL
 SELECT head_counts.event_id,
    head_counts.entered_at AS at,
    head_counts.entered_by AS by,
    'organizer'::text AS party,
    'heads_counted'::text AS act,
    (head_counts.id)::text AS subject,
    jsonb_build_object('gate_id', head_counts.gate_id, 'people', head_counts.people, 'how', head_counts.how) AS about
   FROM head_counts
UNION ALL
 SELECT mode_corrections.event_id,
    mode_corrections.entered_at AS at,
    mode_corrections.entered_by AS by,
    'organizer'::text AS party,
    'modes_corrected'::text AS act,
    (mode_corrections.id)::text AS subject,
    jsonb_build_object('from_mode', mode_corrections.from_mode, 'to_mode', mode_corrections.to_mode, 'because', mode_corrections.reason) AS about
   FROM mode_corrections
UNION ALL
 SELECT mode_corrections.event_id,
    mode_corrections.withdrawn_at AS at,
    mode_corrections.withdrawn_by AS by,
    'organizer'::text AS party,
    'correction_withdrawn'::text AS act,
    (mode_corrections.id)::text AS subject,
    jsonb_build_object('from_mode', mode_corrections.from_mode, 'to_mode', mode_corrections.to_mode, 'because', mode_corrections.withdrawn_because) AS about
   FROM mode_corrections
  WHERE (mode_corrections.withdrawn_at IS NOT NULL)
UNION ALL
 SELECT inventories.event_id,
    inventories.made_at AS at,
    inventories.made_by AS by,
    'organizer'::text AS party,
    'inventory_submitted'::text AS act,
    (inventories.number)::text AS subject,
    jsonb_build_object('number', inventories.number, 'reported_g', inventories.reported_g, 'because', inventories.because) AS about
   FROM inventories
UNION ALL
 SELECT inventory_verifications.event_id,
    inventory_verifications.verified_at AS at,
    inventory_verifications.verified_by AS by,
    'authority'::text AS party,
    'inventory_verified'::text AS act,
    (inventory_verifications.number)::text AS subject,
    jsonb_build_object('number', inventory_verifications.number) AS about
   FROM inventory_verifications
UNION ALL
 SELECT event_facts.event_id,
    event_facts.said_at AS at,
    event_facts.said_by AS by,
    'organizer'::text AS party,
    'facts_said'::text AS act,
    (event_facts.id)::text AS subject,
    jsonb_build_object('kind', event_facts.kind, 'host', event_facts.host, 'rule_place', event_facts.rule_place, 'people', event_facts.people_on_site, 'visits', event_facts.visits, 'area_m2', event_facts.area_m2, 'claim', event_facts.label, 'way', event_facts.confirmation) AS about
   FROM event_facts
UNION ALL
 SELECT neutrality_plans.event_id,
    neutrality_plans.made_at AS at,
    neutrality_plans.made_by AS by,
    'organizer'::text AS party,
    'plan_saved'::text AS act,
    (neutrality_plans.number)::text AS subject,
    jsonb_build_object('number', neutrality_plans.number) AS about
   FROM neutrality_plans
UNION ALL
 SELECT plan_publications.event_id,
    plan_publications.published_at AS at,
    plan_publications.published_by AS by,
    'organizer'::text AS party,
    'plan_published'::text AS act,
    (plan_publications.number)::text AS subject,
    jsonb_build_object('number', plan_publications.number, 'estimate_g', plan_publications.estimate_g, 'surplus', plan_publications.surplus) AS about
   FROM plan_publications
UNION ALL
 SELECT rule_switches.event_id,
    rule_switches.switched_at AS at,
    NULL::uuid AS by,
    'system'::text AS party,
    'rule_switched'::text AS act,
    (rule_switches.id)::text AS subject,
    jsonb_build_object('before', ((old.id || ' '::text) || old.version), 'after', ((new.id || ' '::text) || new.version)) AS about
   FROM ((rule_switches
     JOIN pinned_packs old ON ((old.digest = rule_switches.before)))
     JOIN pinned_packs new ON ((new.digest = rule_switches.after)))
UNION ALL
 SELECT event_measures.event_id,
    event_measures.said_at AS at,
    event_measures.said_by AS by,
    'organizer'::text AS party,
    ('measure_'::text || event_measures.state) AS act,
    (event_measures.id)::text AS subject,
    jsonb_build_object('key', event_measures.key, 'what', "left"(event_measures.what, 200), 'on', event_measures.done_on) AS about
   FROM event_measures
UNION ALL
 SELECT event_marks.event_id,
    event_marks.said_at AS at,
    event_marks.said_by AS by,
    'organizer'::text AS party,
    'step_noted'::text AS act,
    (event_marks.id)::text AS subject,
    jsonb_build_object('key', event_marks.key, 'note', "left"(event_marks.note, 200), 'on', event_marks.done_on) AS about
   FROM event_marks
UNION ALL
 SELECT event_notices.event_id,
    event_notices.made_at AS at,
    NULL::uuid AS by,
    'system'::text AS party,
    'notice_made'::text AS act,
    (event_notices.id)::text AS subject,
    jsonb_build_object('kind', event_notices.kind, 'what', (event_notices.about -> 'what'::text)) AS about
   FROM event_notices
UNION ALL
 SELECT retirements.account_id AS event_id,
    retirements.retired_at AS at,
    NULL::uuid AS by,
    'organizer'::text AS party,
    'credits_retired'::text AS act,
    (retirements.id)::text AS subject,
    jsonb_build_object('grams', retirements.grams, 'purpose', retirements.purpose) AS about
   FROM retirements
  WHERE (retirements.event_id = retirements.account_id)
UNION ALL
 SELECT offset_units.event_id,
    offset_units.entered_at AS at,
    offset_units.entered_by AS by,
        CASE
            WHEN offset_units.donated THEN 'donor'::text
            ELSE 'organizer'::text
        END AS party,
        CASE
            WHEN offset_units.donated THEN 'units_offered'::text
            ELSE 'units_entered'::text
        END AS act,
    (offset_units.id)::text AS subject,
    jsonb_build_object('class', offset_units.class, 'registry', offset_units.registry, 'project', offset_units.project, 'grams', offset_units.grams) AS about
   FROM offset_units
UNION ALL
 SELECT offset_units.event_id,
    offset_units.decided_at AS at,
    offset_units.decided_by AS by,
        CASE
            WHEN (offset_units.decided_by IS NULL) THEN 'system'::text
            WHEN (offset_units.state = 'withdrawn'::text) THEN 'donor'::text
            ELSE 'organizer'::text
        END AS party,
    ('units_'::text ||
        CASE
            WHEN (offset_units.state = ANY (ARRAY['declined'::text, 'withdrawn'::text])) THEN offset_units.state
            ELSE 'accepted'::text
        END) AS act,
    (offset_units.id)::text AS subject,
    jsonb_build_object('class', offset_units.class, 'registry', offset_units.registry, 'project', offset_units.project, 'grams', offset_units.grams, 'because',
        CASE
            WHEN (offset_units.state = ANY (ARRAY['declined'::text, 'withdrawn'::text])) THEN offset_units.because
            ELSE NULL::text
        END) AS about
   FROM offset_units
  WHERE (offset_units.decided_at IS NOT NULL)
UNION ALL
 SELECT offset_units.event_id,
    offset_units.returned_at AS at,
    offset_units.returned_by AS by,
        CASE
            WHEN (offset_units.returned_by IS NULL) THEN 'system'::text
            ELSE 'organizer'::text
        END AS party,
    'units_returned'::text AS act,
    (offset_units.id)::text AS subject,
    jsonb_build_object('class', offset_units.class, 'registry', offset_units.registry, 'project', offset_units.project, 'grams', offset_units.grams, 'because', offset_units.because) AS about
   FROM offset_units
  WHERE (offset_units.returned_at IS NOT NULL)
UNION ALL
 SELECT offset_units.event_id,
    offset_units.retired_at AS at,
    offset_units.retired_by AS by,
    'organizer'::text AS party,
    'units_retired'::text AS act,
    (offset_units.id)::text AS subject,
    jsonb_build_object('class', offset_units.class, 'registry', offset_units.registry, 'project', offset_units.project, 'grams', offset_units.grams, 'reference', offset_units.retired_reference, 'on', offset_units.retired_on) AS about
   FROM offset_units
  WHERE (offset_units.retired_at IS NOT NULL)
UNION ALL
 SELECT engagements.event_id,
    engagements.engaged_at AS at,
    engagements.engaged_by AS by,
    'organizer'::text AS party,
    'verifier_engaged'::text AS act,
    (engagements.id)::text AS subject,
    jsonb_build_object('name', organizations.name) AS about
   FROM (engagements
     JOIN organizations ON ((organizations.id = engagements.verifier_id)))
UNION ALL
 SELECT engagements.event_id,
    engagements.ended_at AS at,
    engagements.ended_by AS by,
    'organizer'::text AS party,
    'engagement_ended'::text AS act,
    (engagements.id)::text AS subject,
    jsonb_build_object('name', organizations.name) AS about
   FROM (engagements
     JOIN organizations ON ((organizations.id = engagements.verifier_id)))
  WHERE (engagements.ended_at IS NOT NULL)
UNION ALL
 SELECT verification_reports.event_id,
    verification_reports.made_at AS at,
    verification_reports.made_by AS by,
    'verifier'::text AS party,
        CASE
            WHEN verification_reports.passed THEN 'verification_passed'::text
            ELSE 'verification_failed'::text
        END AS act,
    (((verification_reports.engagement_id)::text || '/'::text) || verification_reports.number) AS subject,
    jsonb_build_object('number', verification_reports.inventory_number, 'what', "left"(verification_reports.findings, 200)) AS about
   FROM verification_reports
UNION ALL
 SELECT certificate_applications.event_id,
    certificate_applications.applied_at AS at,
    certificate_applications.applied_by AS by,
    'organizer'::text AS party,
    'certificate_applied'::text AS act,
    (certificate_applications.id)::text AS subject,
    jsonb_build_object('number', certificate_applications.inventory_number) AS about
   FROM certificate_applications
UNION ALL
 SELECT certificate_applications.event_id,
    certificate_applications.decided_at AS at,
    certificate_applications.decided_by AS by,
    'authority'::text AS party,
        CASE
            WHEN certificate_applications.granted THEN 'certificate_granted'::text
            ELSE 'certificate_refused'::text
        END AS act,
    (certificate_applications.id)::text AS subject,
    jsonb_build_object('number', certificate_applications.inventory_number, 'because', certificate_applications.because) AS about
   FROM certificate_applications
  WHERE (certificate_applications.decided_at IS NOT NULL)
UNION ALL
 SELECT confirmations.event_id,
    confirmations.confirmed_at AS at,
    confirmations.confirmed_by AS by,
        CASE confirmations.way
            WHEN 'self_declaration'::text THEN 'organizer'::text
            WHEN 'third_party'::text THEN 'verifier'::text
            ELSE 'authority'::text
        END AS party,
    'neutrality_confirmed'::text AS act,
    (confirmations.id)::text AS subject,
    jsonb_build_object('way', confirmations.way, 'claim', confirmations.label, 'need_g', confirmations.need_g, 'retired_g', confirmations.retired_g) AS about
   FROM confirmations
UNION ALL
 SELECT confirmations.event_id,
    confirmations.withdrawn_at AS at,
    confirmations.withdrawn_by AS by,
        CASE
            WHEN ((confirmations.withdrawn_as = 'authority'::text) OR (confirmations.way = 'certificate_applied'::text)) THEN 'authority'::text
            WHEN (confirmations.way = 'third_party'::text) THEN 'verifier'::text
            ELSE 'organizer'::text
        END AS party,
    'confirmation_withdrawn'::text AS act,
    (confirmations.id)::text AS subject,
    jsonb_build_object('way', confirmations.way, 'because', confirmations.withdrawn_because) AS about
   FROM confirmations
  WHERE (confirmations.withdrawn_at IS NOT NULL);


CREATE TABLE events (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    country text NOT NULL,
    region text,
    place text NOT NULL,
    venue text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    time_zone text NOT NULL,
    expected_people integer NOT NULL,
    factor_set text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    same_event_clause text,
    meal text,
    own_rule_place text,
    CHECK (((expected_people >= 1) AND (expected_people <= 10000000))),
    CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK (((length(venue) >= 1) AND (length(venue) <= 200))),
    CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CHECK ((meal ~ '^meal_[a-z]+$'::text)),
    CHECK ((own_rule_place ~ '^([0-9]{6}|[A-Z]{2})$'::text)),
    CHECK ((region ~ '^[0-9]{6}$'::text)),
    FOREIGN KEY (organization_id) REFERENCES organizations(id),
    PRIMARY KEY (id)
);
CREATE INDEX events_organization_id_idx ON events USING btree (organization_id);
CREATE INDEX events_own_rule_place_idx ON events USING btree (own_rule_place);
CREATE INDEX events_region_idx ON events USING btree (region);


CREATE TABLE evidence (
    digest bytea NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK ((media_type = ANY (ARRAY['image/jpeg'::text, 'image/png'::text, 'image/webp'::text]))),
    CHECK ((octet_length(digest) = 32)),
    PRIMARY KEY (digest)
);


CREATE TABLE evidence_uploads (
    digest bytea NOT NULL,
    member_id uuid NOT NULL,
    uploaded_at timestamp with time zone NOT NULL DEFAULT now(),
    FOREIGN KEY (digest) REFERENCES evidence(digest),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (digest, member_id)
);
CREATE INDEX evidence_uploads_member_id_idx ON evidence_uploads USING btree (member_id);
CREATE INDEX evidence_uploads_uploaded_at_idx ON evidence_uploads USING btree (uploaded_at);
CREATE TRIGGER living_members BEFORE INSERT ON evidence_uploads FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE expiry_notices (
    account_id uuid NOT NULL,
    class_id integer NOT NULL,
    expires_on date NOT NULL,
    told_on date NOT NULL,
    rule jsonb NOT NULL,
    FOREIGN KEY (account_id) REFERENCES accounts(id),
    FOREIGN KEY (class_id) REFERENCES credit_classes(id),
    PRIMARY KEY (class_id, expires_on, account_id)
);
CREATE INDEX expiry_notices_account_id_idx ON expiry_notices USING btree (account_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON expiry_notices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE files (
    digest bytea NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 20971520))),
    CHECK ((octet_length(digest) = 32)),
    PRIMARY KEY (digest)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON files FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE gates (
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    name text NOT NULL,
    short_code text NOT NULL,
    CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CHECK ((short_code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'::text)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (id),
    UNIQUE (event_id, id),
    UNIQUE (event_id, name),
    UNIQUE (short_code)
);


CREATE TABLE head_counts (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    gate_id integer,
    people integer NOT NULL,
    how text NOT NULL,
    replaces uuid,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    CHECK (((length(how) >= 1) AND (length(how) <= 200))),
    CHECK (((people >= 0) AND (people <= 10000000))),
    CHECK ((replaces <> id)),
    FOREIGN KEY (entered_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (event_id, gate_id) REFERENCES gates(event_id, id),
    FOREIGN KEY (replaces) REFERENCES head_counts(id),
    PRIMARY KEY (id),
    UNIQUE (replaces)
);
CREATE UNIQUE INDEX one_first_count ON head_counts USING btree (event_id, gate_id) NULLS NOT DISTINCT WHERE (replaces IS NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON head_counts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE VIEW holdings AS
 SELECT balances.account_id,
    balances.class_id,
    class_origins.vintage,
    class_origins.earned_at,
    balances.grams,
    class_origins.region,
    class_origins.recognized
   FROM (balances
     JOIN class_origins USING (class_id))
  WHERE (balances.grams > 0);


CREATE TABLE idempotent_requests (
    caller text NOT NULL,
    key text NOT NULL,
    request_digest bytea NOT NULL,
    status smallint,
    answer bytea,
    media_type text,
    asked_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CHECK ((octet_length(request_digest) = 32)),
    PRIMARY KEY (caller, key)
);


CREATE TABLE imports (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    file_id uuid NOT NULL,
    lines integer NOT NULL,
    imported_by uuid NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CHECK ((lines > 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (imported_by) REFERENCES members(id),
    PRIMARY KEY (id),
    UNIQUE (id, event_id)
);
CREATE INDEX imports_event_id_idx ON imports USING btree (event_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON imports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE inventories (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    content jsonb NOT NULL,
    digest bytea NOT NULL,
    full_g bigint NOT NULL,
    basic_g bigint NOT NULL,
    reported_g bigint NOT NULL,
    replaces integer,
    because text,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CHECK (((basic_g >= 0) AND (basic_g <= full_g))),
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    CHECK (((replaces IS NULL) = (because IS NULL))),
    CHECK (((replaces IS NULL) = (number = 1))),
    CHECK (((reported_g = basic_g) OR (reported_g = full_g))),
    CHECK ((full_g >= 0)),
    CHECK ((number >= 1)),
    CHECK ((octet_length(digest) = 32)),
    CHECK ((replaces = (number - 1))),
    FOREIGN KEY (event_id) REFERENCES accountings(event_id),
    FOREIGN KEY (event_id, replaces) REFERENCES inventories(event_id, number),
    FOREIGN KEY (made_by) REFERENCES members(id),
    PRIMARY KEY (event_id, number)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON inventories FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE VIEW inventory_states AS
 SELECT inventories.event_id,
    inventories.number,
    inventories.digest,
    inventories.full_g,
    inventories.basic_g,
    inventories.reported_g,
    inventories.replaces,
    inventories.because,
    inventories.made_by,
    inventories.made_at,
    inventory_verifications.verified_by,
    inventory_verifications.verified_at,
        CASE
            WHEN (inventory_verifications.verified_at IS NOT NULL) THEN 'verified'::text
            WHEN (inventories.replaces IS NOT NULL) THEN 'restated'::text
            ELSE 'submitted'::text
        END AS state
   FROM (inventories
     LEFT JOIN inventory_verifications USING (event_id, number));


CREATE TABLE inventory_verifications (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    verified_by uuid NOT NULL,
    verified_at timestamp with time zone NOT NULL,
    FOREIGN KEY (event_id, number) REFERENCES inventories(event_id, number),
    FOREIGN KEY (verified_by) REFERENCES members(id),
    PRIMARY KEY (event_id, number)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON inventory_verifications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE jobs (
    id uuid NOT NULL,
    kind text NOT NULL,
    event_id uuid NOT NULL,
    started_by uuid NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    attempts smallint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    result jsonb,
    refusal jsonb,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    began_at timestamp with time zone,
    ended_at timestamp with time zone,
    CHECK (((ended_at IS NULL) = (state = ANY (ARRAY['waiting'::text, 'running'::text])))),
    CHECK (((refusal IS NULL) = (state <> 'failed'::text))),
    CHECK (((result IS NULL) = (state <> 'done'::text))),
    CHECK ((attempts >= 0)),
    CHECK ((done >= 0)),
    CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
    CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text]))),
    CHECK ((total >= 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (started_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX jobs_of_events ON jobs USING btree (event_id, made_at);
CREATE INDEX jobs_to_do ON jobs USING btree (made_at) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));


CREATE VIEW left_blocks AS
 SELECT block.class_id,
    block.serials,
    block.first_serial,
    block.next_serial,
        CASE transfers.reason
            WHEN 'retire'::text THEN 'retired'::text
            WHEN 'expire'::text THEN 'expired'::text
            ELSE 'reversed'::text
        END AS outcome,
    retirements.id AS retirement_id,
    retirements.retired_on
   FROM ((serial_blocks block
     JOIN transfers ON (((transfers.id = block.transfer_id) AND (transfers.ordinal = block.ordinal))))
     LEFT JOIN retirements ON ((retirements.id = block.transfer_id)));


CREATE VIEW live_registrations AS
 SELECT organization_id,
    region,
    reference,
    said_by,
    said_at
   FROM verifier_registrations said
  WHERE (registered AND (NOT (EXISTS ( SELECT
           FROM verifier_registrations newer
          WHERE ((newer.organization_id = said.organization_id) AND (NOT (newer.region IS DISTINCT FROM said.region)) AND (newer.id > said.id))))));


CREATE TABLE log_checkpoints (
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    sealed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CHECK ((octet_length(root) = 32)),
    CHECK ((size > 0)),
    PRIMARY KEY (size)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON log_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE log_nodes (
    level smallint NOT NULL,
    position bigint NOT NULL,
    digest bytea NOT NULL,
    CHECK (("position" >= 0)),
    CHECK ((level >= 1)),
    CHECK ((octet_length(digest) = 32)),
    PRIMARY KEY (level, "position")
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON log_nodes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE member_devices (
    member_id uuid NOT NULL,
    device bytea NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    CHECK ((octet_length(device) = 16)),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (member_id, device)
);
CREATE INDEX member_devices_device_idx ON member_devices USING btree (device);


CREATE TABLE members (
    id uuid NOT NULL,
    phone_digest bytea,
    phone_hint text,
    joined_at timestamp with time zone NOT NULL DEFAULT now(),
    erased_at timestamp with time zone,
    CHECK (((erased_at IS NOT NULL) = (phone_digest IS NULL))),
    CHECK (((phone_digest IS NULL) = (phone_hint IS NULL))),
    CHECK ((octet_length(phone_digest) = 32)),
    PRIMARY KEY (id),
    UNIQUE (phone_digest)
);
CREATE INDEX members_erased ON members USING btree (erased_at) WHERE (erased_at IS NOT NULL);


CREATE TABLE migrations (
    name text NOT NULL,
    digest bytea NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (name)
);


CREATE TABLE mode_corrections (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    from_mode text NOT NULL,
    to_mode text NOT NULL,
    gate_id integer,
    check_ins integer,
    cabin text,
    occupants integer,
    reason text NOT NULL,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    withdrawn_by uuid,
    withdrawn_at timestamp with time zone,
    withdrawn_because text,
    day date,
    CHECK (((check_ins >= 1) AND (check_ins <= 10000000))),
    CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CHECK (((length(withdrawn_because) >= 1) AND (length(withdrawn_because) <= 500))),
    CHECK (((occupants >= 1) AND (occupants <= 100))),
    CHECK ((cabin = ANY (ARRAY['economy'::text, 'premium'::text, 'business'::text, 'first'::text]))),
    CHECK ((num_nulls(withdrawn_by, withdrawn_at, withdrawn_because) = ANY (ARRAY[0, 3]))),
    FOREIGN KEY (entered_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (event_id, gate_id) REFERENCES gates(event_id, id),
    FOREIGN KEY (withdrawn_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX mode_corrections_event_id_idx ON mode_corrections USING btree (event_id);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON mode_corrections FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON mode_corrections FOR EACH ROW EXECUTE FUNCTION guard_mode_corrections();


CREATE TABLE neutrality_plans (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    content jsonb NOT NULL,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CHECK ((number >= 1)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (made_by) REFERENCES members(id),
    PRIMARY KEY (event_id, number)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON neutrality_plans FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE offset_units (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    class text NOT NULL,
    registry text NOT NULL,
    project text NOT NULL,
    project_place text NOT NULL,
    vintage integer NOT NULL,
    series text NOT NULL,
    serials int8range NOT NULL,
    unit_g bigint NOT NULL DEFAULT 1000000,
    grams bigint NOT NULL DEFAULT ((upper(serials) - lower(serials)) * unit_g),
    recognition text,
    donated boolean NOT NULL,
    file_id uuid,
    donor_id uuid,
    state text NOT NULL,
    entered_by uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    decided_by uuid,
    decided_at timestamp with time zone,
    because text,
    returned_by uuid,
    returned_at timestamp with time zone,
    retired_on date,
    retired_reference text,
    retired_file_id uuid,
    retired_by uuid,
    retired_at timestamp with time zone,
    CHECK (((NOT isempty(serials)) AND (lower(serials) >= 0) AND (upper(serials) IS NOT NULL))),
    CHECK (((class ~ '^[a-z_]{1,40}$'::text) AND (class <> 'citizen_credits'::text))),
    CHECK (((length(because) >= 1) AND (length(because) <= 500))),
    CHECK (((length(project) >= 1) AND (length(project) <= 200))),
    CHECK (((length(recognition) >= 1) AND (length(recognition) <= 500))),
    CHECK (((length(retired_reference) >= 1) AND (length(retired_reference) <= 200))),
    CHECK (((registry = upper(btrim(registry))) AND ((length(registry) >= 1) AND (length(registry) <= 100)))),
    CHECK (((retired_at IS NOT NULL) = (state = 'retired'::text))),
    CHECK (((returned_at IS NOT NULL) = (state = 'returned'::text))),
    CHECK (((series = upper(btrim(series))) AND (length(series) <= 100))),
    CHECK (((unit_g >= 1) AND (unit_g <= 1000000000))),
    CHECK (((vintage >= 1990) AND (vintage <= 2200))),
    CHECK ((num_nulls(retired_on, retired_reference, retired_by, retired_at) = ANY (ARRAY[0, 4]))),
    CHECK ((project_place ~ '^([0-9]{6}|[A-Z]{2})$'::text)),
    CHECK ((state = ANY (ARRAY['offered'::text, 'held'::text, 'declined'::text, 'withdrawn'::text, 'returned'::text, 'retired'::text]))),
    EXCLUDE USING gist (registry WITH =, series WITH =, serials WITH &&) WHERE ((state = ANY (ARRAY['offered'::text, 'held'::text, 'retired'::text]))),
    FOREIGN KEY (decided_by) REFERENCES members(id),
    FOREIGN KEY (donor_id) REFERENCES organizations(id),
    FOREIGN KEY (entered_by) REFERENCES members(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (retired_by) REFERENCES members(id),
    FOREIGN KEY (retired_file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (returned_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX offset_units_donor_id_idx ON offset_units USING btree (donor_id) WHERE (donor_id IS NOT NULL);
CREATE INDEX offset_units_event_id_idx ON offset_units USING btree (event_id);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON offset_units FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON offset_units FOR EACH ROW EXECUTE FUNCTION guard_offset_units();


CREATE TABLE open_reservations (
    reservation_id uuid NOT NULL,
    event_id uuid NOT NULL,
    lapses_at timestamp with time zone NOT NULL,
    FOREIGN KEY (reservation_id) REFERENCES reservations(id),
    PRIMARY KEY (reservation_id)
);
CREATE INDEX open_reservations_event_id_idx ON open_reservations USING btree (event_id);
CREATE INDEX open_reservations_lapses_at_idx ON open_reservations USING btree (lapses_at);


CREATE TABLE opening_hours (
    event_id uuid NOT NULL,
    opens_at timestamp with time zone NOT NULL,
    closes_at timestamp with time zone NOT NULL,
    CHECK ((opens_at < closes_at)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id, opens_at)
);


CREATE TABLE operators (
    member_id uuid NOT NULL,
    appointed_at timestamp with time zone NOT NULL DEFAULT now(),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (member_id)
);
CREATE TRIGGER living_members BEFORE INSERT ON operators FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE organization_changes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    member_id uuid NOT NULL,
    role text,
    changed_by uuid NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CHECK ((role = ANY (ARRAY['owner'::text, 'editor'::text, 'viewer'::text, 'gate'::text]))),
    FOREIGN KEY (changed_by) REFERENCES members(id),
    FOREIGN KEY (member_id) REFERENCES members(id),
    FOREIGN KEY (organization_id) REFERENCES organizations(id),
    PRIMARY KEY (id)
);
CREATE INDEX organization_changes_organization_id_id_idx ON organization_changes USING btree (organization_id, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON organization_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE organization_members (
    organization_id uuid NOT NULL,
    member_id uuid NOT NULL,
    role text NOT NULL,
    added_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK ((role = ANY (ARRAY['owner'::text, 'editor'::text, 'viewer'::text, 'gate'::text]))),
    FOREIGN KEY (member_id) REFERENCES members(id),
    FOREIGN KEY (organization_id) REFERENCES organizations(id),
    PRIMARY KEY (organization_id, member_id)
);
CREATE INDEX organization_members_member_id_idx ON organization_members USING btree (member_id);
CREATE TRIGGER living_members BEFORE INSERT ON organization_members FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE organizations (
    id uuid NOT NULL,
    name text NOT NULL,
    founded_by uuid NOT NULL,
    founded_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    FOREIGN KEY (founded_by) REFERENCES members(id),
    PRIMARY KEY (id)
);


CREATE TABLE partner_keys (
    partner_id uuid NOT NULL,
    number integer NOT NULL,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    revoked_at timestamp with time zone,
    CHECK ((number >= 1)),
    FOREIGN KEY (made_by) REFERENCES members(id),
    FOREIGN KEY (partner_id) REFERENCES partners(id),
    PRIMARY KEY (partner_id, number)
);


CREATE TABLE partner_nonces (
    partner_id uuid NOT NULL,
    nonce text NOT NULL,
    used_at timestamp with time zone NOT NULL,
    CHECK (((length(nonce) >= 16) AND (length(nonce) <= 64))),
    PRIMARY KEY (partner_id, nonce)
);
CREATE INDEX partner_nonces_used_at_idx ON partner_nonces USING btree (used_at);


CREATE TABLE partner_scopes (
    partner_id uuid NOT NULL,
    region text NOT NULL,
    action text NOT NULL,
    asked_at timestamp with time zone NOT NULL DEFAULT now(),
    approved_by uuid,
    approved_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    CHECK (((approved_by IS NULL) = (approved_at IS NULL))),
    CHECK ((region ~ '^[0-9]{6}$'::text)),
    FOREIGN KEY (approved_by) REFERENCES members(id),
    FOREIGN KEY (partner_id) REFERENCES partners(id),
    PRIMARY KEY (partner_id, region, action)
);


CREATE TABLE partners (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    return_url text,
    registered_by uuid NOT NULL,
    registered_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK (((length(return_url) <= 500) AND (return_url ~ '^https://'::text))),
    FOREIGN KEY (organization_id) REFERENCES organizations(id),
    FOREIGN KEY (registered_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX partners_organization_id_idx ON partners USING btree (organization_id);


CREATE TABLE personal_codes (
    event_id uuid NOT NULL,
    attendee uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL DEFAULT now(),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id, attendee)
);


CREATE TABLE pinned_packs (
    digest bytea NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    version text NOT NULL,
    content bytea NOT NULL,
    pinned_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK (((length(id) >= 1) AND (length(id) <= 100))),
    CHECK (((length(version) >= 1) AND (length(version) <= 60))),
    CHECK ((kind = ANY (ARRAY['factors'::text, 'boundary'::text, 'sources'::text, 'rule'::text]))),
    CHECK ((octet_length(digest) = 32)),
    CHECK ((sha256(content) = digest)),
    PRIMARY KEY (digest)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON pinned_packs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE plan_publications (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    rule bytea,
    surplus text NOT NULL,
    estimate_g bigint NOT NULL,
    published_by uuid NOT NULL,
    published_at timestamp with time zone NOT NULL,
    CHECK ((estimate_g >= 0)),
    CHECK ((surplus = ANY (ARRAY['keep'::text, 'return'::text]))),
    FOREIGN KEY (event_id, number) REFERENCES neutrality_plans(event_id, number),
    FOREIGN KEY (published_by) REFERENCES members(id),
    FOREIGN KEY (rule) REFERENCES pinned_packs(digest),
    PRIMARY KEY (event_id, number)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON plan_publications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE published_methodologies (
    id text NOT NULL,
    version text NOT NULL,
    regions text[] NOT NULL,
    valid_from date NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL,
    published_by uuid NOT NULL,
    published_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK ((octet_length(digest) = 32)),
    FOREIGN KEY (published_by) REFERENCES members(id),
    PRIMARY KEY (id, version)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON published_methodologies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE refused_scans (
    event_id uuid NOT NULL,
    hour timestamp with time zone NOT NULL,
    slot integer NOT NULL,
    gate_id integer,
    scanned text NOT NULL,
    refusal text NOT NULL,
    refused_at timestamp with time zone NOT NULL,
    CHECK (((slot >= 1) AND (slot <= 500))),
    CHECK ((length(scanned) <= 200)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id, hour, slot)
);


CREATE TABLE report_files (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    form text NOT NULL,
    kind text NOT NULL,
    language text NOT NULL,
    content bytea NOT NULL,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    CHECK ((form = ANY (ARRAY['full'::text, 'public'::text]))),
    CHECK ((kind = ANY (ARRAY['json'::text, 'pdf'::text, 'xlsx'::text, 'docx'::text]))),
    CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text]))),
    FOREIGN KEY (event_id, number) REFERENCES inventories(event_id, number),
    PRIMARY KEY (event_id, number, form, kind, language)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON report_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE reservation_endings (
    reservation_id uuid NOT NULL,
    id uuid NOT NULL,
    outcome text NOT NULL,
    posted_g bigint NOT NULL,
    ended_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CHECK (((outcome = 'post'::text) = (posted_g > 0))),
    CHECK ((outcome = ANY (ARRAY['post'::text, 'void'::text, 'lapse'::text]))),
    CHECK ((posted_g >= 0)),
    FOREIGN KEY (reservation_id) REFERENCES reservations(id),
    PRIMARY KEY (reservation_id),
    UNIQUE (id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON reservation_endings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE reservations (
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    event_id uuid NOT NULL,
    grams bigint NOT NULL,
    reserved_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    lapses_at timestamp with time zone NOT NULL,
    CHECK ((grams > 0)),
    CHECK ((lapses_at > reserved_at)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX reservations_member_id_reserved_at_idx ON reservations USING btree (member_id, reserved_at);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON reservations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE retirements (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    event_id uuid,
    beneficiary text NOT NULL,
    beneficiary_kind text NOT NULL,
    purpose text NOT NULL,
    grams bigint NOT NULL,
    retired_on date NOT NULL,
    basis jsonb NOT NULL DEFAULT '[]'::jsonb,
    retired_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CHECK (((length(beneficiary) >= 1) AND (length(beneficiary) <= 200))),
    CHECK (((length(purpose) >= 1) AND (length(purpose) <= 500))),
    CHECK ((beneficiary_kind = ANY (ARRAY['person'::text, 'organization'::text]))),
    CHECK ((grams > 0)),
    FOREIGN KEY (account_id) REFERENCES accounts(id),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (id)
);
CREATE INDEX retirements_account_id_retired_at_idx ON retirements USING btree (account_id, retired_at);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON retirements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard BEFORE UPDATE ON retirements FOR EACH ROW EXECUTE FUNCTION guard_retirements();


CREATE VIEW rule_places AS
 SELECT said.event_id,
    said.rule_place
   FROM event_facts said
  WHERE (NOT (EXISTS ( SELECT
           FROM event_facts newer
          WHERE ((newer.event_id = said.event_id) AND (newer.id > said.id)))))
UNION ALL
 SELECT events.id AS event_id,
    events.own_rule_place AS rule_place
   FROM events
  WHERE ((events.own_rule_place IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM event_facts
          WHERE (event_facts.event_id = events.id)))));


CREATE TABLE rule_switches (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    before bytea NOT NULL,
    after bytea NOT NULL,
    asks jsonb NOT NULL,
    switched_at timestamp with time zone NOT NULL,
    FOREIGN KEY (after) REFERENCES pinned_packs(digest),
    FOREIGN KEY (before) REFERENCES pinned_packs(digest),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (id),
    UNIQUE (event_id, before, after)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON rule_switches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE sealed_transfers (
    position bigint NOT NULL,
    transfer_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    leaf bytea NOT NULL,
    class_id integer,
    first_serial bigint,
    next_serial bigint,
    CHECK (("position" >= 0)),
    CHECK ((first_serial >= 1)),
    CHECK ((next_serial > first_serial)),
    CHECK ((num_nulls(class_id, first_serial, next_serial) = ANY (ARRAY[0, 3]))),
    CHECK ((octet_length(leaf) = 32)),
    PRIMARY KEY ("position"),
    UNIQUE (transfer_id, ordinal)
);
CREATE UNIQUE INDEX serials_once ON sealed_transfers USING btree (class_id, first_serial) WHERE (class_id IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON sealed_transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE serial_blocks (
    transfer_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    class_id integer NOT NULL,
    first_serial bigint NOT NULL,
    next_serial bigint NOT NULL,
    serials int8range NOT NULL DEFAULT int8range(first_serial, next_serial),
    follows bigint DEFAULT NULLIF(first_serial, 1),
    CHECK (((next_serial > first_serial) AND (NOT isempty(serials)))),
    CHECK ((first_serial >= 1)),
    EXCLUDE USING gist (class_id WITH =, serials WITH &&),
    FOREIGN KEY (class_id) REFERENCES credit_classes(id),
    FOREIGN KEY (class_id, follows) REFERENCES serial_blocks(class_id, next_serial),
    FOREIGN KEY (transfer_id, ordinal) REFERENCES transfers(id, ordinal),
    PRIMARY KEY (transfer_id, ordinal),
    UNIQUE (class_id, next_serial)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON serial_blocks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE sessions (
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    kind text NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    rotation_key text,
    opened_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CHECK ((ended_because = ANY (ARRAY['signed_out'::text, 'reused'::text]))),
    CHECK ((generation >= 0)),
    CHECK ((kind = ANY (ARRAY['app'::text, 'browser'::text]))),
    FOREIGN KEY (member_id) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX sessions_member_id_idx ON sessions USING btree (member_id);
CREATE TRIGGER living_members BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();


CREATE TABLE sign_in_codes (
    phone_digest bytea NOT NULL,
    code_digest bytea NOT NULL,
    tries_left smallint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sent_for text NOT NULL,
    session_id uuid,
    CHECK ((octet_length(code_digest) = 32)),
    CHECK ((octet_length(phone_digest) = 32)),
    CHECK ((tries_left >= 0)),
    PRIMARY KEY (phone_digest)
);


CREATE TABLE sign_in_sends (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    phone_digest bytea NOT NULL,
    address_digest bytea NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX sign_in_sends_address_digest_sent_at_idx ON sign_in_sends USING btree (address_digest, sent_at);
CREATE INDEX sign_in_sends_phone_digest_sent_at_idx ON sign_in_sends USING btree (phone_digest, sent_at);


CREATE TABLE stations (
    id uuid NOT NULL,
    partner_id uuid NOT NULL,
    name text NOT NULL,
    region text NOT NULL,
    action text NOT NULL,
    quantity bigint NOT NULL,
    short_code text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    closed_at timestamp with time zone,
    CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CHECK ((quantity > 0)),
    CHECK ((region ~ '^[0-9]{6}$'::text)),
    CHECK ((short_code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'::text)),
    FOREIGN KEY (partner_id) REFERENCES partners(id),
    PRIMARY KEY (id),
    UNIQUE (short_code)
);
CREATE INDEX stations_partner_id_idx ON stations USING btree (partner_id);


CREATE TABLE tallies (
    event_id uuid NOT NULL,
    sequence bigint NOT NULL DEFAULT 0,
    folded_at timestamp with time zone,
    check_ins bigint NOT NULL DEFAULT 0,
    people bigint NOT NULL DEFAULT 0,
    nights bigint NOT NULL DEFAULT 0,
    journey_emissions_g bigint NOT NULL DEFAULT 0,
    local_emissions_g bigint NOT NULL DEFAULT 0,
    lodging_emissions_g bigint NOT NULL DEFAULT 0,
    donations bigint NOT NULL DEFAULT 0,
    donated_g bigint NOT NULL DEFAULT 0,
    CHECK ((check_ins >= 0)),
    CHECK ((donated_g >= 0)),
    CHECK ((donations >= 0)),
    CHECK ((journey_emissions_g >= 0)),
    CHECK ((local_emissions_g >= 0)),
    CHECK ((lodging_emissions_g >= 0)),
    CHECK ((nights >= 0)),
    CHECK ((people >= 0)),
    CHECK ((sequence >= 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id)
);


CREATE TABLE tally_cells (
    event_id uuid NOT NULL,
    dimension text NOT NULL,
    key text NOT NULL,
    check_ins bigint NOT NULL,
    people bigint NOT NULL,
    trips bigint NOT NULL,
    person_m numeric NOT NULL,
    emissions_g bigint NOT NULL,
    CHECK ((check_ins >= 0)),
    CHECK ((dimension = ANY (ARRAY['journey_mode'::text, 'local_mode'::text, 'gate'::text, 'hour'::text]))),
    CHECK ((emissions_g >= 0)),
    CHECK ((people >= 0)),
    CHECK ((person_m >= (0)::numeric)),
    CHECK ((trips >= 0)),
    FOREIGN KEY (event_id) REFERENCES events(id),
    PRIMARY KEY (event_id, dimension, key)
);


CREATE TABLE tally_changes (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    sign smallint NOT NULL,
    check_ins uuid[] NOT NULL DEFAULT '{}'::uuid[],
    donations integer NOT NULL DEFAULT 0,
    donated_g bigint NOT NULL DEFAULT 0,
    changed_at timestamp with time zone NOT NULL,
    transfers uuid[],
    CHECK ((donated_g >= 0)),
    CHECK ((donations >= 0)),
    CHECK ((sign = ANY (ARRAY['-1'::integer, 1]))),
    PRIMARY KEY (id)
);
CREATE INDEX tally_changes_event_id_id_idx ON tally_changes USING btree (event_id, id);


CREATE VIEW transfer_leaves AS
 SELECT id,
    ordinal,
    made_at,
    class_id,
    grams,
    reason,
    line,
    sha256(('\x00'::bytea || convert_to(line, 'UTF8'::name))) AS leaf
   FROM ( SELECT transfers.id,
            transfers.ordinal,
            transfers.made_at,
            transfers.class_id,
            transfers.grams,
            transfers.reason,
            format('tanhui transfer 1	%s	%s	%s	%s	%s	%s	%s	%s	%s	%s	%s	%s	%s'::text, transfers.id, transfers.ordinal, transfers.source, transfers.destination, credit_classes.region, credit_classes.methodology, credit_classes.version, to_char((credit_classes.vintage)::timestamp with time zone, 'YYYY-MM-DD'::text), credit_classes.event_id, transfers.grams, transfers.reason, transfers.refers_to, ((EXTRACT(epoch FROM transfers.made_at) * (1000000)::numeric))::bigint) AS line
           FROM (transfers
             JOIN credit_classes ON ((credit_classes.id = transfers.class_id)))) written;


CREATE TABLE transfers (
    id uuid NOT NULL,
    ordinal smallint NOT NULL DEFAULT 0,
    source uuid NOT NULL,
    destination uuid NOT NULL,
    class_id integer NOT NULL,
    grams bigint NOT NULL,
    reason text NOT NULL,
    refers_to uuid,
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CHECK (
CASE reason
    WHEN 'issue'::text THEN (source = '00000000-0000-0000-0000-000000000001'::uuid)
    WHEN 'donate'::text THEN true
    WHEN 'retire'::text THEN (destination = '00000000-0000-0000-0000-000000000002'::uuid)
    WHEN 'expire'::text THEN (destination = '00000000-0000-0000-0000-000000000003'::uuid)
    WHEN 'reverse'::text THEN true
    WHEN 'refund'::text THEN true
    WHEN 'reserve'::text THEN (destination = '00000000-0000-0000-0000-000000000004'::uuid)
    WHEN 'post'::text THEN (source = '00000000-0000-0000-0000-000000000004'::uuid)
    WHEN 'void'::text THEN (source = '00000000-0000-0000-0000-000000000004'::uuid)
    WHEN 'lapse'::text THEN (source = '00000000-0000-0000-0000-000000000004'::uuid)
    ELSE false
END),
    CHECK (((reason = ANY (ARRAY['reverse'::text, 'refund'::text, 'post'::text, 'void'::text, 'lapse'::text])) = (refers_to IS NOT NULL))),
    CHECK ((grams > 0)),
    CHECK ((ordinal >= 0)),
    CHECK ((source <> destination)),
    PRIMARY KEY (id, ordinal)
);
CREATE INDEX transfers_destination_made_at_idx ON transfers USING btree (destination, made_at);
CREATE INDEX transfers_source_made_at_idx ON transfers USING btree (source, made_at);
CREATE UNIQUE INDEX one_ending_a_transfer ON transfers USING btree (refers_to, ordinal) WHERE (refers_to IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER apply_endings AFTER INSERT ON transfers REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apply_endings();
CREATE TRIGGER apply_transfers AFTER INSERT ON transfers REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apply_transfers();


CREATE TABLE unsealed_transfers (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    transfers uuid[] NOT NULL,
    PRIMARY KEY (number)
);


CREATE TABLE verification_reports (
    engagement_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number integer NOT NULL,
    inventory_number integer NOT NULL,
    checklist jsonb NOT NULL,
    findings text NOT NULL,
    passed boolean NOT NULL,
    file_id uuid,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CHECK (((length(findings) >= 1) AND (length(findings) <= 5000))),
    CHECK ((number >= 1)),
    FOREIGN KEY (engagement_id, event_id) REFERENCES engagements(id, event_id),
    FOREIGN KEY (event_id, inventory_number) REFERENCES inventories(event_id, number),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files(id, event_id),
    FOREIGN KEY (made_by) REFERENCES members(id),
    PRIMARY KEY (engagement_id, number)
);
CREATE INDEX verification_reports_event_id_idx ON verification_reports USING btree (event_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON verification_reports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE TABLE verifier_registrations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    region text,
    registered boolean NOT NULL,
    reference text NOT NULL,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CHECK (((length(reference) >= 1) AND (length(reference) <= 200))),
    CHECK ((region ~ '^[0-9]{6}$'::text)),
    FOREIGN KEY (organization_id) REFERENCES organizations(id),
    FOREIGN KEY (said_by) REFERENCES members(id),
    PRIMARY KEY (id)
);
CREATE INDEX verifier_registrations_organization_id_id_idx ON verifier_registrations USING btree (organization_id, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON verifier_registrations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();


CREATE VIEW whole_events AS
 SELECT id,
    organization_id,
    name,
    kind,
    country,
    region,
    place,
    venue,
    latitude,
    longitude,
    time_zone,
    expected_people,
    factor_set,
    ARRAY( SELECT opening_hours.opens_at
           FROM opening_hours
          WHERE (opening_hours.event_id = events.id)
          ORDER BY opening_hours.opens_at) AS opens_at,
    ARRAY( SELECT opening_hours.closes_at
           FROM opening_hours
          WHERE (opening_hours.event_id = events.id)
          ORDER BY opening_hours.opens_at) AS closes_at,
    ARRAY( SELECT gates.id
           FROM gates
          WHERE (gates.event_id = events.id)
          ORDER BY gates.id) AS gate_ids,
    ARRAY( SELECT gates.name
           FROM gates
          WHERE (gates.event_id = events.id)
          ORDER BY gates.id) AS gate_names,
    ARRAY( SELECT gates.short_code
           FROM gates
          WHERE (gates.event_id = events.id)
          ORDER BY gates.id) AS short_codes,
    (EXISTS ( SELECT
           FROM event_cancellations
          WHERE (event_cancellations.event_id = events.id))) AS cancelled,
    meal
   FROM events;
