-- Heads counted at the gates, and modes that the organizer corrected: both for the accounting alone.

-- How many people came, through one gate or in all. The newest of a gate holds; earlier ones stay as they were.
CREATE TABLE head_counts (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    gate_id integer, -- null: of the whole event
    people integer NOT NULL CHECK (people BETWEEN 0 AND 10000000),
    how text NOT NULL CHECK (length(how) BETWEEN 1 AND 200), -- how they were counted
    replaces uuid UNIQUE, -- the count that held before
    entered_by uuid NOT NULL REFERENCES members,
    entered_at timestamptz NOT NULL,
    FOREIGN KEY (event_id, gate_id) REFERENCES gates (event_id, id),
    FOREIGN KEY (replaces) REFERENCES head_counts (id),
    CHECK (replaces <> id)
);
CREATE UNIQUE INDEX one_first_count ON head_counts (event_id, gate_id) NULLS NOT DISTINCT WHERE replaces IS NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON head_counts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Of the check-ins by one mode, all or so many count as another. Check-ins stay what they are.
CREATE TABLE mode_corrections (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    from_mode text NOT NULL,
    to_mode text NOT NULL,
    gate_id integer, -- null: through any gate
    check_ins integer CHECK (check_ins BETWEEN 1 AND 10000000), -- null: all of them
    cabin text CHECK (cabin IN ('economy', 'premium', 'business', 'first')),
    occupants integer CHECK (occupants BETWEEN 1 AND 100),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    entered_by uuid NOT NULL REFERENCES members,
    entered_at timestamptz NOT NULL,
    withdrawn_by uuid REFERENCES members,
    withdrawn_at timestamptz,
    withdrawn_because text CHECK (length(withdrawn_because) BETWEEN 1 AND 500),
    FOREIGN KEY (event_id, gate_id) REFERENCES gates (event_id, id),
    CHECK (num_nulls(withdrawn_by, withdrawn_at, withdrawn_because) IN (0, 3))
);
CREATE INDEX ON mode_corrections (event_id);

-- A correction changes once: it is withdrawn, by whom and why.
CREATE FUNCTION guard_mode_corrections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL
        OR (to_jsonb(NEW) - '{withdrawn_by, withdrawn_at, withdrawn_because}'::text[])
            <> (to_jsonb(OLD) - '{withdrawn_by, withdrawn_at, withdrawn_because}'::text[])
    THEN
        RAISE EXCEPTION 'correction % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON mode_corrections FOR EACH ROW EXECUTE FUNCTION guard_mode_corrections();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON mode_corrections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
