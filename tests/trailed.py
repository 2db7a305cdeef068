"""An event to which everything was done that can be: one row, or two, of every kind that its trail reads."""

from __future__ import annotations

import asyncpg

from service.access import Caller, Role
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import DonationRequest, donate_many
from service.events import Event
from service.personal_codes import issue
from service.retirements import NewEventRetirement, retire_for_event
from tests.books import rich_member

DONE = """
INSERT INTO event_cancellations (event_id, because, cancelled_by) VALUES (:event, '台风', :member);
INSERT INTO files VALUES (sha256('x'), 'text/csv', 'x');
INSERT INTO event_files VALUES
    (:a, :event, sha256('x'), '发票.pdf', 'invoice', :member, now()),
    (:b, :event, sha256('x'), '表.csv', 'import', :member, now());
INSERT INTO imports VALUES (:c, :event, :b, 3, :member, now());
INSERT INTO activity_data (id, event_id, label, item, round_trip, emissions_g, trace, entered_by, entered_at, source,
    stage, rank, quantity, unit, starts_on, ends_on, co2_only, import_id, replaces, ended_at, ended_by, ended_because)
SELECT line.id, :event, '会场', 'electricity', false, 5, '{}', :member, now(), 'purchased_electricity', 'hold',
    'measured', 12.5, 'kWh', '2026-11-20', '2026-11-20', true, line.import_id, line.replaces, line.ended_at,
    CASE WHEN line.ended_at IS NOT NULL THEN :member END, CASE WHEN line.ended_at IS NOT NULL THEN '抄错' END
FROM (VALUES
    (:d, NULL, NULL, now()), (:e, NULL, :d, now()), (gen_random_uuid(), :c, NULL, now()),
    (gen_random_uuid(), :c, NULL, now()), (:f, :c, NULL, now()), (gen_random_uuid(), NULL, :f, NULL)
) AS line (id, import_id, replaces, ended_at);
INSERT INTO accountings VALUES (:event, 'AR5', ARRAY[sha256('x')], :member, now());
INSERT INTO accounting_settings VALUES (gen_random_uuid(), :event, 'full', 800, 5000, '方案第三节', :member, now());
INSERT INTO absent_sources VALUES
    (gen_random_uuid(), :event, 'freight', true, '没有货运', :member, now()),
    (gen_random_uuid(), :event, 'freight', false, '其实有', :member, now());
INSERT INTO head_counts VALUES (gen_random_uuid(), :event, NULL, 300, '闸机', NULL, :member, now());
INSERT INTO mode_corrections (id, event_id, from_mode, to_mode, reason, entered_by, entered_at, withdrawn_by,
    withdrawn_at, withdrawn_because)
VALUES (gen_random_uuid(), :event, 'metro', 'bus', '停运', :member, now(), :member, now(), '弄错了');
INSERT INTO inventories VALUES (:event, 1, '{}', sha256('x'), 900, 700, 900, NULL, NULL, :member, now());
INSERT INTO inventory_verifications VALUES (:event, 1, :member, now());
INSERT INTO event_facts (id, event_id, kind, host, rule_place, people_on_site, people_at_sub_venues, people_online,
    said_by, said_at)
VALUES (:h, :event, 'conference', 'other', '310000', 400, 0, 0, :member, now());
INSERT INTO neutrality_plans VALUES (:event, 1, '{}', :member, now());
INSERT INTO plan_publications VALUES (:event, 1, NULL, 'keep', 900, :member, now());
INSERT INTO pinned_packs VALUES (sha256('old'), 'rule', 'shanghai', '2023', 'old'),
    (sha256('new'), 'rule', 'shanghai', '2024', 'new');
INSERT INTO rule_switches VALUES (gen_random_uuid(), :event, sha256('old'), sha256('new'), '[]', now());
INSERT INTO event_measures (id, event_id, key, state, what, done_on, said_by, said_at)
SELECT gen_random_uuid(), :event, 'paperless', state, '不印会议手册', CASE state WHEN 'done' THEN current_date END,
    :member, now()
FROM unnest(ARRAY['planned', 'done', 'dropped']) AS state;
INSERT INTO event_marks (id, event_id, key, note, said_by, said_at)
VALUES (gen_random_uuid(), :event, 'disclose', '已在网站公示', :member, now());
INSERT INTO event_notices VALUES (gen_random_uuid(), :event, 'reminder', 'declare',
    '{"what": {"zh": "自我声明还有三天到期", "en": "The declaration is due in three days"}}', now());
INSERT INTO offset_units (id, event_id, class, registry, project, project_place, vintage, series, serials, donated,
    state, entered_by, entered_at, decided_by, decided_at, because, retired_on, retired_reference, retired_by,
    retired_at, returned_by, returned_at)
SELECT gen_random_uuid(), :event, 'ccer', 'CCER', '风电', '110000', 2024, upper(state), int8range(1, 6),
    state <> 'own', CASE
        WHEN state = 'own' THEN 'retired' WHEN state = 'accepted' THEN 'held' ELSE state
    END, :member, now(), CASE WHEN state <> 'own' THEN :member::uuid END, CASE WHEN state <> 'own' THEN now() END,
    CASE WHEN state <> 'own' THEN '说明' END, CASE state WHEN 'own' THEN current_date END,
    CASE state WHEN 'own' THEN '注销 7' END, CASE state WHEN 'own' THEN :member::uuid END,
    CASE state WHEN 'own' THEN now() END, CASE state WHEN 'returned' THEN :member::uuid END,
    CASE state WHEN 'returned' THEN now() END
FROM unnest(ARRAY['own', 'accepted', 'declined', 'withdrawn', 'returned']) AS state;
INSERT INTO engagements (id, event_id, verifier_id, engaged_by, engaged_at, ended_by, ended_at)
SELECT :g, :event, organization_id, :member, now(), :member, now() FROM events WHERE id = :event;
INSERT INTO verification_reports (engagement_id, event_id, number, inventory_number, checklist, findings, passed,
    made_by, made_at)
VALUES (:g, :event, 1, 1, '[]', '缺电表照片', false, :member, now()),
    (:g, :event, 2, 1, '[]', '相符', true, :member, now());
INSERT INTO certificate_applications VALUES
    (gen_random_uuid(), :event, 1, '{}', :member, now(), false, '材料不全', :member, now()),
    (gen_random_uuid(), :event, 1, '{}', :member, now(), true, '符合', :member, now());
INSERT INTO confirmations (id, event_id, way, inventory_number, label, need_g, retired_g, record, signature, public_key,
    confirmed_by, confirmed_at, withdrawn_by, withdrawn_as, withdrawn_because, withdrawn_at)
VALUES (gen_random_uuid(), :event, 'self_declaration', 1, 'full', 900, 900, 'x', decode(repeat('00', 64), 'hex'),
    sha256('key'), :member, now(), :member, 'authority', '抽查不符', now());
"""


async def do_everything(pool: asyncpg.Pool, config: Config, event: Event) -> Caller:
    """Do it all, as the organization's founder."""
    member = await pool.fetchval("SELECT founded_by FROM organizations WHERE id = $1", event.organization_id)
    donor = await rich_member(pool, 500)
    async with transaction(pool) as connection:
        await donate_many(connection, [DonationRequest(new_id(), donor, event.id, 500)])
        await issue(connection, config, event.id, 2)
    async with transaction(pool) as connection:
        new = NewEventRetirement(grams=200, beneficiary="会务组", purpose="抵销会议的排放")
        await retire_for_event(connection, new_id(), event.id, new)
        await insert(connection, event, str(member))
    return Caller(member, frozenset({Role.ORGANIZER}))


async def insert(connection: Connection, event: Event, member: str) -> None:
    """One row, or two, of every other kind."""
    said = DONE.replace(":event", f"'{event.id}'::uuid").replace(":member", f"'{member}'::uuid")
    for letter in "abcdefgh":
        said = said.replace(f":{letter}", f"'{new_id()}'::uuid")
    await connection.execute(said)
