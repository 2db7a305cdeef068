-- Long work, and reports ------------------------------------------------------------------------------------------

-- A job is a fact: whoever looks finds what is not yet ended. Its effects and its end are one transaction; who runs it
-- holds an advisory lock on its id meanwhile. `result` and `refusal` are what it ended with.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    event_id uuid NOT NULL REFERENCES events,
    started_by uuid NOT NULL REFERENCES members,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    result jsonb CHECK ((result IS NULL) = (state <> 'done')),
    refusal jsonb CHECK ((refusal IS NULL) = (state <> 'failed')),
    made_at timestamptz NOT NULL DEFAULT now(),
    began_at timestamptz,
    ended_at timestamptz CHECK ((ended_at IS NULL) = (state IN ('waiting', 'running')))
);
-- For workers, who look for what is not ended.
CREATE INDEX jobs_to_do ON jobs (made_at) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_of_events ON jobs (event_id, made_at);

-- Files of submitted versions, made once: what they are made of never changes.
CREATE TABLE report_files (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    form text NOT NULL CHECK (form IN ('full', 'public')),
    kind text NOT NULL CHECK (kind IN ('json', 'pdf', 'xlsx', 'docx')),
    language text NOT NULL CHECK (language IN ('zh', 'en')),
    content bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, number, form, kind, language),
    FOREIGN KEY (event_id, number) REFERENCES inventories (event_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON report_files
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
