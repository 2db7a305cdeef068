-- An organization's people in four parts: who owned all of it is its owner, beside whom editors write and viewers read.
ALTER TABLE organization_members DROP CONSTRAINT organization_members_role_check;
UPDATE organization_members SET role = 'owner' WHERE role = 'organizer';
ALTER TABLE organization_members
    ADD CONSTRAINT organization_members_role_check CHECK (role IN ('owner', 'editor', 'viewer', 'gate'));

-- Whose rule an event is under, as the newest of its facts says, else by its own place, where that is known to be a
-- city; the authority there watches it beside its region's.
ALTER TABLE events ADD COLUMN own_rule_place text CHECK (own_rule_place ~ '^([0-9]{6}|[A-Z]{2})$');
CREATE VIEW rule_places AS
SELECT event_id, rule_place FROM event_facts AS said
WHERE NOT EXISTS (SELECT FROM event_facts AS newer WHERE newer.event_id = said.event_id AND newer.id > said.id)
UNION ALL
SELECT id, own_rule_place FROM events
WHERE own_rule_place IS NOT NULL AND NOT EXISTS (SELECT FROM event_facts WHERE event_id = events.id);
CREATE INDEX event_facts_rule_place_idx ON event_facts (rule_place);
CREATE INDEX events_own_rule_place_idx ON events (own_rule_place);

-- Who is what to an event: its organization's people, its place's authority, the people of the verifier it engaged.
CREATE VIEW event_parties AS
SELECT events.id AS event_id, member_id, role FROM events JOIN organization_members USING (organization_id)
UNION ALL
SELECT events.id, member_id, 'authority' FROM events JOIN authority_members USING (region)
UNION ALL
SELECT event_id, member_id, 'authority' FROM rule_places JOIN authority_members ON region = rule_place
UNION ALL
SELECT event_id, member_id, 'verifier' FROM engagements JOIN organization_members ON organization_id = verifier_id
WHERE ended_at IS NULL AND role IN ('owner', 'editor');

-- Who may verify, and where: the newest word on each place, null being everywhere.
CREATE VIEW live_registrations AS
SELECT organization_id, region, reference, said_by, said_at FROM verifier_registrations AS said
WHERE registered AND NOT EXISTS (
    SELECT FROM verifier_registrations AS newer
    WHERE newer.organization_id = said.organization_id AND newer.region IS NOT DISTINCT FROM said.region
        AND newer.id > said.id
);
