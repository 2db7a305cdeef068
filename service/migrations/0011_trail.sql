-- Everything that anyone did to an event, read back from what was kept when they did it: no second bookkeeping. `party`
-- is in whose name; `subject` names the thing among its kind; `about` holds what is short. A table of lines that came
-- in whole is one entry, and so is its ending.
CREATE VIEW event_trail AS
SELECT id AS event_id, created_at AS at, NULL::uuid AS by, 'organizer' AS party, 'event_created' AS act,
    id::text AS subject, jsonb_build_object('name', name) AS about
FROM events
UNION ALL
SELECT event_id, cancelled_at, cancelled_by, 'organizer', 'event_cancelled', event_id::text,
    jsonb_build_object('because', because)
FROM event_cancellations
UNION ALL
SELECT event_id, issued_at, NULL, 'organizer', 'badges_issued', event_id::text, jsonb_build_object('count', count(*))
FROM personal_codes GROUP BY event_id, issued_at
-- Accounting
UNION ALL
SELECT event_id, uploaded_at, uploaded_by, 'organizer', 'file_uploaded', id::text,
    jsonb_build_object('name', name, 'use', purpose)
FROM event_files WHERE purpose <> 'import'
UNION ALL
SELECT imports.event_id, imported_at, imported_by, 'organizer', 'table_imported', imports.id::text,
    jsonb_build_object('name', name, 'lines', lines)
FROM imports JOIN event_files ON event_files.id = file_id
UNION ALL
SELECT event_id, ended_at, ended_by, 'organizer', 'table_ended', import_id::text,
    jsonb_build_object('lines', count(*), 'because', ended_because)
FROM activity_data AS line
WHERE import_id IS NOT NULL AND ended_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM activity_data AS next WHERE next.replaces = line.id)
GROUP BY event_id, import_id, ended_at, ended_by, ended_because
UNION ALL
SELECT event_id, entered_at, entered_by, 'organizer',
    CASE WHEN replaces IS NULL THEN 'line_entered' ELSE 'line_corrected' END, id::text,
    jsonb_build_object('source', source, 'label', label, 'quantity', quantity, 'unit', unit)
FROM activity_data WHERE import_id IS NULL OR replaces IS NOT NULL
UNION ALL
SELECT event_id, ended_at, ended_by, 'organizer', 'line_ended', id::text,
    jsonb_build_object('source', source, 'label', label, 'because', ended_because)
FROM activity_data AS line
WHERE import_id IS NULL AND ended_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM activity_data AS next WHERE next.replaces = line.id)
UNION ALL
SELECT event_id, opened_at, opened_by, 'organizer', 'accounting_opened', event_id::text,
    jsonb_build_object('gwp_set', gwp_set)
FROM accountings
UNION ALL
SELECT event_id, set_at, set_by, 'organizer', 'accounting_set', id::text,
    jsonb_build_object('ambition', ambition, 'area_m2', area_m2, 'baseline_g', baseline_g, 'because', baseline_because)
FROM accounting_settings
UNION ALL
SELECT event_id, declared_at, declared_by, 'organizer',
    CASE WHEN absent THEN 'source_absent' ELSE 'source_present' END, id::text,
    jsonb_build_object('source', source, 'because', because)
FROM absent_sources
UNION ALL
SELECT event_id, entered_at, entered_by, 'organizer', 'heads_counted', id::text,
    jsonb_build_object('gate_id', gate_id, 'people', people, 'how', how)
FROM head_counts
UNION ALL
SELECT event_id, entered_at, entered_by, 'organizer', 'modes_corrected', id::text,
    jsonb_build_object('from_mode', from_mode, 'to_mode', to_mode, 'because', reason)
FROM mode_corrections
UNION ALL
SELECT event_id, withdrawn_at, withdrawn_by, 'organizer', 'correction_withdrawn', id::text,
    jsonb_build_object('from_mode', from_mode, 'to_mode', to_mode, 'because', withdrawn_because)
FROM mode_corrections WHERE withdrawn_at IS NOT NULL
UNION ALL
SELECT event_id, made_at, made_by, 'organizer', 'inventory_submitted', number::text,
    jsonb_build_object('number', number, 'reported_g', reported_g, 'because', because)
FROM inventories
UNION ALL
SELECT event_id, verified_at, verified_by, 'authority', 'inventory_verified', number::text,
    jsonb_build_object('number', number)
FROM inventory_verifications
-- The plan and what was done
UNION ALL
SELECT event_id, said_at, said_by, 'organizer', 'facts_said', id::text,
    jsonb_build_object(
        'kind', kind, 'host', host, 'rule_place', rule_place, 'people', people_on_site, 'visits', visits,
        'area_m2', area_m2, 'claim', label, 'way', confirmation
    )
FROM event_facts
UNION ALL
SELECT event_id, made_at, made_by, 'organizer', 'plan_saved', number::text, jsonb_build_object('number', number)
FROM neutrality_plans
UNION ALL
SELECT event_id, published_at, published_by, 'organizer', 'plan_published', number::text,
    jsonb_build_object('number', number, 'estimate_g', estimate_g, 'surplus', surplus)
FROM plan_publications
UNION ALL
SELECT event_id, switched_at, NULL, 'system', 'rule_switched', rule_switches.id::text,
    jsonb_build_object('before', old.id || ' ' || old.version, 'after', new.id || ' ' || new.version)
FROM rule_switches JOIN pinned_packs AS old ON old.digest = before JOIN pinned_packs AS new ON new.digest = after
UNION ALL
SELECT event_id, said_at, said_by, 'organizer', 'measure_' || state, id::text,
    jsonb_build_object('key', key, 'what', left(what, 200), 'on', done_on)
FROM event_measures
UNION ALL
SELECT event_id, said_at, said_by, 'organizer', 'step_noted', id::text,
    jsonb_build_object('key', key, 'note', left(note, 200), 'on', done_on)
FROM event_marks
UNION ALL
SELECT event_id, made_at, NULL, 'system', 'notice_made', id::text, jsonb_build_object('kind', kind, 'what', about->'what')
FROM event_notices
-- Offsetting
UNION ALL
SELECT account_id, retired_at, NULL, 'organizer', 'credits_retired', id::text,
    jsonb_build_object('grams', grams, 'purpose', purpose)
FROM retirements WHERE event_id = account_id
UNION ALL
SELECT event_id, entered_at, entered_by, CASE WHEN donated THEN 'donor' ELSE 'organizer' END,
    CASE WHEN donated THEN 'units_offered' ELSE 'units_entered' END, id::text,
    jsonb_build_object('class', class, 'registry', registry, 'project', project, 'grams', grams)
FROM offset_units
UNION ALL
SELECT event_id, decided_at, decided_by, CASE
        WHEN decided_by IS NULL THEN 'system' WHEN state = 'withdrawn' THEN 'donor' ELSE 'organizer'
    END, 'units_' || CASE WHEN state IN ('declined', 'withdrawn') THEN state ELSE 'accepted' END, id::text,
    jsonb_build_object(
        'class', class, 'registry', registry, 'project', project, 'grams', grams,
        'because', CASE WHEN state IN ('declined', 'withdrawn') THEN because END
    )
FROM offset_units WHERE decided_at IS NOT NULL
UNION ALL
SELECT event_id, returned_at, returned_by, CASE WHEN returned_by IS NULL THEN 'system' ELSE 'organizer' END,
    'units_returned', id::text,
    jsonb_build_object('class', class, 'registry', registry, 'project', project, 'grams', grams, 'because', because)
FROM offset_units WHERE returned_at IS NOT NULL
UNION ALL
SELECT event_id, retired_at, retired_by, 'organizer', 'units_retired', id::text,
    jsonb_build_object(
        'class', class, 'registry', registry, 'project', project, 'grams', grams, 'reference', retired_reference,
        'on', retired_on
    )
FROM offset_units WHERE retired_at IS NOT NULL
-- Confirmation
UNION ALL
SELECT event_id, engaged_at, engaged_by, 'organizer', 'verifier_engaged', engagements.id::text,
    jsonb_build_object('name', name)
FROM engagements JOIN organizations ON organizations.id = verifier_id
UNION ALL
SELECT event_id, ended_at, ended_by, 'organizer', 'engagement_ended', engagements.id::text,
    jsonb_build_object('name', name)
FROM engagements JOIN organizations ON organizations.id = verifier_id WHERE ended_at IS NOT NULL
UNION ALL
SELECT event_id, made_at, made_by, 'verifier', CASE WHEN passed THEN 'verification_passed' ELSE 'verification_failed' END,
    engagement_id::text || '/' || number, jsonb_build_object('number', inventory_number, 'what', left(findings, 200))
FROM verification_reports
UNION ALL
SELECT event_id, applied_at, applied_by, 'organizer', 'certificate_applied', id::text,
    jsonb_build_object('number', inventory_number)
FROM certificate_applications
UNION ALL
SELECT event_id, decided_at, decided_by, 'authority',
    CASE WHEN granted THEN 'certificate_granted' ELSE 'certificate_refused' END, id::text,
    jsonb_build_object('number', inventory_number, 'because', because)
FROM certificate_applications WHERE decided_at IS NOT NULL
UNION ALL
SELECT event_id, confirmed_at, confirmed_by, CASE way
        WHEN 'self_declaration' THEN 'organizer' WHEN 'third_party' THEN 'verifier' ELSE 'authority'
    END, 'neutrality_confirmed', id::text,
    jsonb_build_object('way', way, 'claim', label, 'need_g', need_g, 'retired_g', retired_g)
FROM confirmations
UNION ALL
SELECT event_id, withdrawn_at, withdrawn_by, CASE
        WHEN withdrawn_as = 'authority' OR way = 'certificate_applied' THEN 'authority'
        WHEN way = 'third_party' THEN 'verifier' ELSE 'organizer'
    END, 'confirmation_withdrawn', id::text, jsonb_build_object('way', way, 'because', withdrawn_because)
FROM confirmations WHERE withdrawn_at IS NOT NULL;
