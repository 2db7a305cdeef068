"""Programmes: what a region's rule allows, with its clause; what it does not say is not so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest

from scenarios import programmes
from scenarios.policies.operator import FILE, read_policy
from scenarios.programmes import FOLDER, Rules, combined, read_programme, rules
from scenarios.refusals import PackUnreadable
from service import ledger
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, SameEventReduction, donate_many
from tests.books import open_member
from tests.doors import open_event

DAY = date(2026, 11, 21)
SHANXI, HAINAN = "140000", "460000"
GOOD = (FOLDER / "shanxi.toml").read_text("utf-8")
EXPIRING = (
    GOOD
    + """
[expiry]
months_after_vintage = 12
notice_days = 30
citation = { document = "plan", clause = "第九条" }
certainty = "verbatim"
checked_on = 2026-11-21
"""
)
ALLOWING = (
    GOOD
    + """
[same_event]
citation = { document = "plan", clause = "第十条" }
certainty = "verbatim"
checked_on = 2026-11-21
"""
)
OWN = """
[expiry]
months_after_vintage = 24
notice_days = 60
time_zone = "Asia/Shanghai"
from_vintage = 2026-11-01
"""


def read(text: str) -> programmes.Programme:
    return read_programme(text.encode(), "test.toml")


def own(text: str = "") -> programmes.Policy:
    return read_policy((FILE.read_text("utf-8") + text).encode(), "operator.toml")


def test_shanxi_lets_people_retire_for_their_own_footprint_by_its_clause() -> None:
    basis = rules().own_footprint(SHANXI, DAY)
    assert basis
    assert basis.policy is None
    assert basis.citation
    assert "山西省大型活动碳中和实施方案" in basis.citation.text
    assert "二、实施主体" in basis.citation.text


def test_where_no_programme_says_so_it_is_the_operators_policy_and_named_so() -> None:
    for region, on in ((HAINAN, DAY), ("AT", DAY), (SHANXI, date(2022, 11, 14))):
        basis = rules().own_footprint(region, on)
        assert basis
        assert basis.citation is None
        assert basis.policy == "operator 2026.1"
    strict = msgspec.structs.replace(own(), individuals_may_retire=False)
    assert Rules(rules().programmes, strict).own_footprint(HAINAN, DAY) is None


def test_no_pack_that_ships_expires_credits_nor_allows_the_same_reduction_twice() -> None:
    assert rules().programmes
    assert rules().own.expiry is None
    for each in rules().programmes:
        assert each.expiry is None
        assert each.same_event is None
        assert each.in_force(each.region, DAY)
    assert rules().expiry(SHANXI, date(2026, 11, 1)) is None


def test_every_rule_that_ships_names_document_clause_publisher_and_date() -> None:
    for each in rules().programmes:
        for rule in filter(None, (each.rule, each.individuals)):
            assert all((rule.citation.document, rule.citation.clause, rule.citation.publisher))
            assert rule.citation.published_on
            assert rule.checked_on <= DAY


@pytest.mark.parametrize(
    ("vintage", "expires_on"),
    [
        (date(2026, 11, 1), date(2027, 12, 1)),
        (date(2026, 12, 1), date(2028, 1, 1)),
        (date(2027, 1, 1), date(2028, 2, 1)),
    ],
)
def test_credits_expire_when_so_many_whole_months_are_over(vintage: date, expires_on: date) -> None:
    expiry = Rules((read(EXPIRING),), own()).expiry(SHANXI, vintage)
    assert expiry
    assert not expiry.is_policy
    assert expiry.expires_on(vintage) == expires_on
    assert expiry.pack.id == "shanxi"


def test_a_rule_does_not_reach_back_to_months_before_it_was_in_force() -> None:
    told = Rules((read(EXPIRING),), own())
    assert told.expiry(SHANXI, date(2022, 11, 1)) is None, "in force from the fifteenth"
    assert told.expiry(SHANXI, date(2022, 12, 1))
    assert told.expiry(HAINAN, date(2026, 11, 1)) is None, "no region borrows another's"


def test_the_operators_own_expiry_is_marked_as_policy_and_gives_way_to_a_programmes() -> None:
    told = Rules((read(EXPIRING),), own(OWN))
    here, there = told.expiry(SHANXI, date(2026, 11, 1)), told.expiry(HAINAN, date(2026, 11, 1))
    assert here
    assert there
    assert (here.is_policy, here.months_after_vintage) == (False, 12)
    assert (there.is_policy, there.months_after_vintage, there.pack.id) == (True, 24, "operator")
    assert told.expiry(HAINAN, date(2026, 10, 1)) is None, "decided for November on"


def test_the_day_is_that_of_the_rules_place() -> None:
    expiry = read(EXPIRING).expiry
    assert expiry
    assert expiry.day_there(datetime(2027, 11, 30, 15, 59, tzinfo=UTC)) == date(2027, 11, 30)
    assert expiry.day_there(datetime(2027, 11, 30, 16, 0, tzinfo=UTC)) == date(2027, 12, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "2022"', 'version = "2022"\nsurprise = 1'),
        ('region = "140000"', 'region = "149999"'),
        ('time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Atlantis"'),
        ("months_after_vintage = 12", "months_after_vintage = 0"),
        ("months_after_vintage = 12", "months_after_vintage = 12.5"),
        ("months_after_vintage = 12", "months_after_vintage = nan"),
        ("notice_days = 30", "notice_days = 0"),
        ("notice_days = 30", "notice_days = -1"),
        ("notice_days = 30\n", ""),
        ('clause = "第九条"', 'clause = ""'),
        ('document = "plan", clause = "第九条"', 'document = "rumour", clause = "第九条"'),
        ('publisher = "山西省生态环境厅等"', 'publisher = ""'),
        ('published_on = "2022-11-15"', 'published_on = ""'),
        ("valid_from = 2022-11-15", "valid_from = 2022-11-15\nvalid_to = 2022-11-14"),
    ],
)
def test_a_programme_that_cannot_be_right_is_refused(old: str, new: str) -> None:
    assert old in EXPIRING
    with pytest.raises(PackUnreadable):
        read(EXPIRING.replace(old, new))


def test_a_region_has_one_programme_on_a_day() -> None:
    later = GOOD.replace("valid_from = 2022-11-15", "valid_from = 2027-01-01").replace('"shanxi"', '"shanxi-2027"')
    ended = GOOD.replace("valid_from = 2022-11-15", "valid_from = 2022-11-15\nvalid_to = 2026-12-31")
    assert len(combined(read(ended), read(later))) == 2
    with pytest.raises(PackUnreadable, match="already"):
        combined(read(GOOD), read(later))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("months_after_vintage = 24", "months_after_vintage = 0"),
        ("notice_days = 60", "notice_days = 0"),
        ('time_zone = "Asia/Shanghai"', 'time_zone = "nowhere"'),
        ("notice_days = 60", "notice_days = 60\nsurprise = 1"),
    ],
)
def test_an_expiry_of_the_operators_that_cannot_be_right_is_refused(old: str, new: str) -> None:
    with pytest.raises(PackUnreadable):
        own(OWN.replace(old, new))


async def travel_to_it_and_give(database: asyncpg.Pool, place: str) -> object:
    """What comes of giving an event of that place what travelling to it earned."""
    event = await open_event(database, place)
    async with transaction(database) as connection:
        member = await open_member(connection)
        earned = ledger.CreditClass(SHANXI, "sanjin", "2022", date(2026, 11, 1), event.id)
        class_id = (await ledger.class_ids(connection, [earned]))[earned]
        await ledger.post_many(connection, [ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, 10, "issue")])
        (verdict,) = await donate_many(connection, [DonationRequest(new_id(), member, event.id, 10)])
    return verdict


async def test_an_event_carries_the_clause_of_its_places_rule(
    database: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(await travel_to_it_and_give(database, "太原"), SameEventReduction)
    (tmp_path / "shanxi.toml").write_text(ALLOWING, "utf-8")
    monkeypatch.setattr(programmes, "FOLDER", tmp_path)
    programmes.rules.cache_clear()
    try:
        assert isinstance(await travel_to_it_and_give(database, "太原"), Donation)
        assert isinstance(await travel_to_it_and_give(database, "北京"), SameEventReduction)
    finally:
        programmes.rules.cache_clear()
    clauses = await database.fetch("SELECT same_event_clause FROM events WHERE same_event_clause IS NOT NULL")
    assert len(clauses) == 1
    assert "第十条" in clauses[0]["same_event_clause"]
