-- Acts: a report is known by a name of its own, and a time by a B-tree.

-- The digest of partner and external id that a report is known by, again and again. The act and its transfer have ids in
-- the order of time, so that their rows and their places in the log come to lie side by side in every index.
-- Reports stored before have none: theirs is the act's id.
ALTER TABLE actions ADD COLUMN reported_as uuid;
ALTER TABLE actions ADD CHECK (reported_as IS NULL OR source = 'partner');
CREATE UNIQUE INDEX reported_once ON actions (reported_as) WHERE reported_as IS NOT NULL;

-- No act lasts longer (service/action_deciding.py): whatever overlaps a time began less than a day before it.
ALTER TABLE actions ADD CONSTRAINT at_most_a_day CHECK (upper(period) - lower(period) <= interval '24 hours');
CREATE INDEX actions_of_members ON actions (member_id, lower(period), upper(period));
DROP INDEX actions_member_id_logged_at_idx;

CREATE OR REPLACE FUNCTION guard_actions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.reported_as, NEW.member_id, NEW.region, NEW.action, NEW.quantity, NEW.source, NEW.logged_at)
            IS DISTINCT FROM
            (OLD.id, OLD.reported_as, OLD.member_id, OLD.region, OLD.action, OLD.quantity, OLD.source, OLD.logged_at)
        OR (OLD.overtaken_by IS NOT NULL AND NEW.overtaken_by IS DISTINCT FROM OLD.overtaken_by)
        OR (OLD.state IN ('credited', 'overtaken') AND (NEW.state, NEW.reduction_g) IS DISTINCT FROM (OLD.state, OLD.reduction_g))
        OR (OLD.state = 'refused' AND NEW.state NOT IN ('refused', 'in_review'))
    THEN
        RAISE EXCEPTION 'action % is settled', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'settled_for_good';
    END IF;
    RETURN NEW;
END
$$;
