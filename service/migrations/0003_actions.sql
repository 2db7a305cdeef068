-- Citizens' actions: told in several ways, each credited once; evidence, review, partners, consent, erasure.

-- Check-ins --------------------------------------------------------------------------------------------------------

-- Most check-ins replace none: only those that do need a place in the index.
ALTER TABLE check_ins DROP CONSTRAINT check_ins_replaces_key;
CREATE UNIQUE INDEX replaced_once ON check_ins (replaces) WHERE replaces IS NOT NULL;

-- Balances ---------------------------------------------------------------------------------------------------------

-- A balance moves again and again and its key never does: with room on its page, no index hears of it.
ALTER TABLE balances SET (fillfactor = 50);

-- People -----------------------------------------------------------------------------------------------------------

-- Whoever has asked to be forgotten leaves an opaque account behind, and nothing that leads to them.
ALTER TABLE members ALTER COLUMN phone_digest DROP NOT NULL;
ALTER TABLE members ALTER COLUMN phone_hint DROP NOT NULL;
ALTER TABLE members ADD COLUMN erased_at timestamptz;
ALTER TABLE members ADD CHECK ((erased_at IS NOT NULL) = (phone_digest IS NULL));
ALTER TABLE members ADD CHECK ((phone_digest IS NULL) = (phone_hint IS NULL));

-- Devices that members logged actions with, as keyed digests of their random tokens.
CREATE TABLE member_devices (
    member_id uuid NOT NULL REFERENCES members,
    device bytea NOT NULL CHECK (octet_length(device) = 16),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL, -- to the day: it is not written at every act
    PRIMARY KEY (member_id, device)
);
CREATE INDEX ON member_devices (device);

-- Partners ---------------------------------------------------------------------------------------------------------

CREATE TABLE partners (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    return_url text CHECK (length(return_url) <= 500 AND return_url ~ '^https://'), -- where a consenting citizen goes back to
    registered_by uuid NOT NULL REFERENCES members,
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON partners (organization_id);

-- What a partner asks to report, and whether the region's authority lets it.
CREATE TABLE partner_scopes (
    partner_id uuid NOT NULL REFERENCES partners,
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    action text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    approved_by uuid REFERENCES members,
    approved_at timestamptz,
    withdrawn_at timestamptz,
    PRIMARY KEY (partner_id, region, action),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);

-- A key is derived from the master secret and its number: nothing stored here signs anything.
CREATE TABLE partner_keys (
    partner_id uuid NOT NULL REFERENCES partners,
    number integer NOT NULL CHECK (number >= 1),
    made_by uuid NOT NULL REFERENCES members,
    made_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (partner_id, number)
);

-- Nonces of signed requests, kept as long as their time stamps are believed.
CREATE TABLE partner_nonces (
    partner_id uuid NOT NULL,
    nonce text NOT NULL CHECK (length(nonce) BETWEEN 16 AND 64),
    used_at timestamptz NOT NULL,
    PRIMARY KEY (partner_id, nonce)
);
CREATE INDEX ON partner_nonces (used_at);

-- A citizen lets a partner report acts of one kind (the scene). The partner knows them by `subject` only.
CREATE TABLE consents (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    member_id uuid NOT NULL REFERENCES members,
    scene text NOT NULL, -- an action's key
    subject uuid NOT NULL,
    given_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CHECK (withdrawn_at >= given_at)
);
CREATE UNIQUE INDEX one_consent_a_scene ON consents (partner_id, subject, scene) WHERE withdrawn_at IS NULL;
CREATE INDEX ON consents (partner_id, subject, scene);
CREATE INDEX ON consents (member_id);

-- Places whose code proves an act: a recycling point, a canteen.
CREATE TABLE stations (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    action text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0), -- what one scan stands for, in the methodology's base unit
    short_code text NOT NULL UNIQUE CHECK (short_code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'),
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX ON stations (partner_id);

-- Methodologies ----------------------------------------------------------------------------------------------------

-- Published by authorities, beside those that ship. The file stands here byte for byte.
CREATE TABLE published_methodologies (
    id text NOT NULL,
    version text NOT NULL,
    regions text[] NOT NULL,
    valid_from date NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    published_by uuid NOT NULL REFERENCES members,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON published_methodologies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Actions ----------------------------------------------------------------------------------------------------------

-- pending: may still be overtaken by a partner's report, until `due_at`; in_review: waits for a reviewer, because of
-- the rule in `held_because`. Grams are those to be issued: issued when, and only when, the state is credited.
-- `overtaken_by`: the better claim of the same act. One that was credited before keeps its grams; the better one earned
-- the difference.
ALTER TABLE actions
    ADD COLUMN source text NOT NULL DEFAULT 'member' CHECK (source IN ('member', 'code', 'partner')),
    ADD COLUMN evidence text NOT NULL DEFAULT 'self_declared' CHECK (evidence IN ('self_declared', 'proven')),
    ADD COLUMN counted bigint CHECK (counted BETWEEN 0 AND quantity), -- of the quantity, under the caps; null: all
    ADD COLUMN period tstzrange
        CHECK (period IS NULL
            OR coalesce(NOT isempty(period) AND isfinite(lower(period)) AND isfinite(upper(period)), false)),
    ADD COLUMN family text, -- acts of one family cannot overlap in time
    ADD COLUMN state text NOT NULL DEFAULT 'credited'
        CHECK (state IN ('pending', 'in_review', 'credited', 'overtaken', 'refused')),
    ADD COLUMN due_at timestamptz,
    ADD COLUMN held_because text,
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN overtaken_by uuid REFERENCES actions DEFERRABLE INITIALLY DEFERRED,
    ADD COLUMN partner_id uuid REFERENCES partners,
    ADD COLUMN station_id uuid REFERENCES stations;
UPDATE actions SET settled_at = logged_at;
ALTER TABLE actions
    ADD CHECK ((family IS NULL) OR (period IS NOT NULL)),
    ADD CHECK ((state = 'pending') = (due_at IS NOT NULL)),
    ADD CHECK ((state IN ('pending', 'in_review')) = (settled_at IS NULL)),
    ADD CHECK (state <> 'overtaken' OR overtaken_by IS NOT NULL),
    ADD CONSTRAINT same_act_once EXCLUDE USING gist (member_id WITH =, family WITH =, period WITH &&)
        WHERE (family IS NOT NULL AND overtaken_by IS NULL AND state <> 'refused');
-- All that the caps ask for: with many acts stored, each row looked up would be another page.
CREATE INDEX actions_counted ON actions (member_id, action, occurred_on) INCLUDE (quantity, counted)
    WHERE overtaken_by IS NULL AND state <> 'refused';
CREATE INDEX actions_due ON actions (due_at) WHERE state = 'pending';
CREATE INDEX actions_in_review ON actions (region, logged_at) WHERE state = 'in_review';

-- What is settled stays: a better claim may be named beside it, a refusal may be appealed, an erased member's details go.
CREATE FUNCTION guard_actions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.member_id, NEW.region, NEW.action, NEW.quantity, NEW.source, NEW.logged_at)
            IS DISTINCT FROM (OLD.id, OLD.member_id, OLD.region, OLD.action, OLD.quantity, OLD.source, OLD.logged_at)
        OR (OLD.overtaken_by IS NOT NULL AND NEW.overtaken_by IS DISTINCT FROM OLD.overtaken_by)
        OR (OLD.state IN ('credited', 'overtaken') AND (NEW.state, NEW.reduction_g) IS DISTINCT FROM (OLD.state, OLD.reduction_g))
        OR (OLD.state = 'refused' AND NEW.state NOT IN ('refused', 'in_review'))
    THEN
        RAISE EXCEPTION 'action % is settled', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'settled_for_good';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON actions FOR EACH ROW EXECUTE FUNCTION guard_actions();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON actions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Photos and screenshots as they are kept: without what told place and device, under the digest of their bytes.
CREATE TABLE evidence (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32), -- SHA-256 of content
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    content bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE evidence ALTER COLUMN content SET STORAGE EXTERNAL;
-- Uploads that no act has taken yet; what nobody takes within a day goes.
CREATE TABLE evidence_uploads (
    digest bytea NOT NULL REFERENCES evidence,
    member_id uuid NOT NULL REFERENCES members,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, member_id)
);
CREATE INDEX ON evidence_uploads (member_id);
CREATE INDEX ON evidence_uploads (uploaded_at);
CREATE TABLE action_evidence (
    action_id uuid NOT NULL REFERENCES actions,
    digest bytea NOT NULL REFERENCES evidence,
    PRIMARY KEY (action_id, digest)
);
CREATE UNIQUE INDEX one_act_a_photo ON action_evidence (digest);

-- Reviews and the one appeal. `round` 1 is the first decision, 2 the one on appeal, by someone else.
CREATE TABLE action_reviews (
    action_id uuid NOT NULL REFERENCES actions,
    round smallint NOT NULL CHECK (round IN (1, 2)),
    decision text NOT NULL CHECK (decision IN ('proven', 'self_declared', 'refused')),
    because text NOT NULL CHECK (length(because) BETWEEN 1 AND 500),
    decided_by uuid NOT NULL REFERENCES members,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (action_id, round),
    UNIQUE (action_id, decided_by)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON action_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TABLE action_appeals (
    action_id uuid PRIMARY KEY REFERENCES actions,
    because text NOT NULL CHECK (length(because) BETWEEN 1 AND 500),
    appealed_at timestamptz NOT NULL DEFAULT now()
);

-- Erasure ----------------------------------------------------------------------------------------------------------

-- For the processes that serve, which look every second whose tokens are good no more.
CREATE INDEX members_erased ON members (erased_at) WHERE erased_at IS NOT NULL;
-- For whoever asks for all that is kept about them.
CREATE INDEX check_ins_of_members ON check_ins (attendee) WHERE attendee_kind = 'member';

-- Nothing that leads to a person comes back beside an account whose owner left, however the two transactions meet.
CREATE FUNCTION refuse_the_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM members WHERE id = NEW.member_id AND erased_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'member % is erased', NEW.member_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'living_members';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER living_members BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();
CREATE TRIGGER living_members BEFORE INSERT ON organization_members FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();
CREATE TRIGGER living_members BEFORE INSERT ON authority_members FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();
CREATE TRIGGER living_members BEFORE INSERT ON consents FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();
CREATE TRIGGER living_members BEFORE INSERT ON evidence_uploads FOR EACH ROW EXECUTE FUNCTION refuse_the_erased();

-- A certificate stays as everyone may read it; the name and purpose that only its erased owner could read in full go.
DROP TRIGGER append_only ON retirements;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON retirements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION guard_retirements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.beneficiary_kind <> 'person'
        OR NEW.beneficiary <> (CASE WHEN length(OLD.beneficiary) > 1 THEN left(OLD.beneficiary, 1) ELSE '' END) || '*'
        OR (to_jsonb(NEW) - '{beneficiary, purpose}'::text[]) <> (to_jsonb(OLD) - '{beneficiary, purpose}'::text[])
        OR NOT EXISTS (SELECT FROM members WHERE id = OLD.account_id AND erased_at IS NOT NULL)
    THEN
        RAISE EXCEPTION 'retirement % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON retirements FOR EACH ROW EXECUTE FUNCTION guard_retirements();
