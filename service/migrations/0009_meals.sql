-- Meals told at the door, where the organizer asks for them; and corrections of one day's check-ins.

ALTER TABLE events ADD COLUMN meal text CHECK (meal ~ '^meal_[a-z]+$'); -- the kind that told meals count as; null: not asked

CREATE OR REPLACE VIEW whole_events AS
SELECT id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
    expected_people, factor_set,
    ARRAY(SELECT opens_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS opens_at,
    ARRAY(SELECT closes_at FROM opening_hours WHERE event_id = events.id ORDER BY opens_at) AS closes_at,
    ARRAY(SELECT gates.id FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_ids,
    ARRAY(SELECT gates.name FROM gates WHERE event_id = events.id ORDER BY gates.id) AS gate_names,
    ARRAY(SELECT short_code FROM gates WHERE event_id = events.id ORDER BY gates.id) AS short_codes,
    EXISTS (SELECT FROM event_cancellations WHERE event_id = events.id) AS cancelled,
    meal
FROM events;

ALTER TABLE mode_corrections ADD COLUMN day date; -- the event's own day; null: of any day
