-- Activity data of every source; files that prove it; imports.

-- Bytes as they were handed in, or a picture's pixels alone, under the digest of them.
CREATE TABLE files (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32), -- SHA-256 of content
    media_type text NOT NULL,
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 20971520)
);
ALTER TABLE files ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON files
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an event's parties may read: the same bytes may be of several events, under several names.
CREATE TABLE event_files (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    digest bytea NOT NULL REFERENCES files,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    purpose text NOT NULL CHECK (purpose IN ('invoice', 'meter', 'proof', 'plan', 'factor', 'import', 'other')),
    uploaded_by uuid NOT NULL REFERENCES members,
    uploaded_at timestamptz NOT NULL,
    UNIQUE (id, event_id)
);
CREATE INDEX ON event_files (event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_files
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A table of lines that came in whole.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events,
    file_id uuid NOT NULL,
    lines integer NOT NULL CHECK (lines > 0),
    imported_by uuid NOT NULL REFERENCES members,
    imported_at timestamptz NOT NULL,
    UNIQUE (id, event_id),
    FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id)
);
CREATE INDEX ON imports (event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON imports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Lines were travel alone: so many people by one mode over such a distance, one way.
ALTER TABLE activity_data RENAME COLUMN mode TO item;
ALTER TABLE activity_data ALTER COLUMN people DROP NOT NULL;
ALTER TABLE activity_data ALTER COLUMN distance_m DROP NOT NULL;
ALTER TABLE activity_data
    ADD COLUMN source text NOT NULL DEFAULT 'travel',
    ADD COLUMN stage text NOT NULL DEFAULT 'hold' CHECK (stage IN ('prepare', 'hold', 'close')),
    ADD COLUMN rank text NOT NULL DEFAULT 'declared' CHECK (rank IN ('measured', 'declared', 'default')),
    ADD COLUMN quantity numeric CHECK (quantity >= 0),
    ADD COLUMN unit text NOT NULL DEFAULT 'pkm',
    ADD COLUMN starts_on date,
    ADD COLUMN ends_on date,
    ADD COLUMN cabin text CHECK (cabin IN ('economy', 'premium', 'business', 'first')),
    ADD COLUMN occupants integer CHECK (occupants BETWEEN 1 AND 10000000),
    ADD COLUMN certificate text NOT NULL DEFAULT '' CHECK (length(certificate) <= 100),
    ADD COLUMN co2_only boolean NOT NULL DEFAULT false,
    ADD COLUMN file_id uuid,
    ADD COLUMN factor_file_id uuid, -- the document of a factor of the organizer's own
    ADD COLUMN import_id uuid,
    ADD COLUMN replaces uuid,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN ended_by uuid REFERENCES members,
    ADD COLUMN ended_because text CHECK (length(ended_because) BETWEEN 1 AND 500);
UPDATE activity_data SET
    quantity = people * distance_m * CASE WHEN round_trip THEN 2 ELSE 1 END / 1000,
    co2_only = (trace->>'co2_only_g')::bigint > 0,
    starts_on = days.first, ends_on = days.last,
    trace = jsonb_build_object(
        'base_amount', trim_scale(people * distance_m * CASE WHEN round_trip THEN 2 ELSE 1 END)::text,
        'factor', (trace->'lines'->0->'factor') || jsonb_build_object(
            'pack', trace->'factor_set'->>'id',
            'version', trace->'factor_set'->>'version',
            'digest', trace->'factor_set'->>'digest'
        )
    )
FROM (
    SELECT event_id,
        min((opens_at AT TIME ZONE time_zone - interval '4 hours')::date) AS first,
        max((closes_at AT TIME ZONE time_zone - interval '4 hours')::date) AS last
    FROM opening_hours JOIN events ON events.id = event_id GROUP BY event_id
) AS days
WHERE days.event_id = activity_data.event_id;
ALTER TABLE activity_data
    ALTER COLUMN source DROP DEFAULT,
    ALTER COLUMN stage DROP DEFAULT,
    ALTER COLUMN rank DROP DEFAULT,
    ALTER COLUMN unit DROP DEFAULT,
    ALTER COLUMN co2_only DROP DEFAULT,
    ALTER COLUMN quantity SET NOT NULL,
    ALTER COLUMN starts_on SET NOT NULL,
    ALTER COLUMN ends_on SET NOT NULL,
    ADD UNIQUE (id, event_id),
    ADD FOREIGN KEY (file_id, event_id) REFERENCES event_files (id, event_id),
    ADD FOREIGN KEY (factor_file_id, event_id) REFERENCES event_files (id, event_id),
    ADD FOREIGN KEY (import_id, event_id) REFERENCES imports (id, event_id),
    ADD FOREIGN KEY (replaces, event_id) REFERENCES activity_data (id, event_id),
    ADD CHECK (starts_on <= ends_on),
    ADD CHECK (replaces <> id),
    ADD CHECK ((people IS NULL) = (distance_m IS NULL)),
    ADD CHECK (people IS NULL OR source = 'travel'),
    ADD CHECK (num_nulls(ended_at, ended_by, ended_because) IN (0, 3));
CREATE UNIQUE INDEX line_replaced_once ON activity_data (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX ON activity_data (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX live_lines ON activity_data (event_id) WHERE ended_at IS NULL;

-- A line changes once: it ends, by whom and why. What takes its place is a line of its own.
CREATE FUNCTION guard_activity_data() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
        OR (to_jsonb(NEW) - '{ended_at, ended_by, ended_because}'::text[])
            <> (to_jsonb(OLD) - '{ended_at, ended_by, ended_because}'::text[])
    THEN
        RAISE EXCEPTION 'line % is for good', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON activity_data FOR EACH ROW EXECUTE FUNCTION guard_activity_data();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON activity_data
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
