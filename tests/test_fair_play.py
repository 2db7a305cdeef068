"""Fair play: what cannot be is refused, what is rare is held, newcomers have lower caps; exactly at the limits."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.actions import fair_play as subject
from scenarios.actions.fair_play import (
    FILE,
    Evidence,
    Known,
    Rule,
    Source,
    Verdict,
    fair_play,
    judge,
    read_fair_play,
    refusal,
    rule_named,
)
from scenarios.actions.methodologies import Action, methodologies, methodology_for
from scenarios.quantities import UNITS, size_of
from scenarios.refusals import PackUnreadable
from service.carbon import carbon_refusal
from service.i18n import translate
from service.schedules import CHINA
from tests.people import LI, key, sign_in

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
DAY = date(2026, 11, 20)
OLD_FRIEND = Known(account_days=400, device_days=400, device_members=1, told_today={})
HOUR = 3600


def act(key: str, region: str = "110000") -> Action:
    """An action of a region's methodology."""
    return methodology_for(region, key, DAY).action(key)


def told(
    key: str = "walking",
    quantity: int = 1_000,
    seconds: int | None = HOUR,
    *,
    region: str = "110000",
    source: Source = "member",
    evidence: Evidence = "self_declared",
    photos: int = 0,
    known: Known = OLD_FRIEND,
) -> Verdict:
    """What is said of an act, of someone well known unless told otherwise."""
    return judge(act(key, region), quantity, seconds, source, evidence, photos, known)


def names(verdict: Verdict) -> tuple[str | None, str | None, str | None]:
    """The rules that refuse, hold and lower, by name."""
    rules = (verdict.refused_by, verdict.held_by, verdict.share_by)
    refused, held, lowered = (None if rule is None else rule.name for rule in rules)
    return refused, held, lowered


def worse(verdict: Verdict) -> tuple[int, Fraction]:
    """How badly an act is treated: more is worse."""
    return (2 if verdict.refused_by else 1 if verdict.held_by else 0, -verdict.share)


# what is refused and held ---------------------------------------------------------------------------------------------


def test_an_ordinary_act_passes_in_full() -> None:
    assert told() == Verdict(None, None, Fraction(1), None)


def test_forty_kilometres_walked_in_an_hour_are_refused() -> None:
    assert names(told("walking", 40_000, HOUR))[0] == "impossible_walking_speed"


def test_two_hundred_thousand_steps_are_refused_at_once_or_in_parts() -> None:
    assert names(told("steps", 200_000, None, region="420000"))[0] == "impossible_steps"
    known = OLD_FRIEND._replace(told_today={"steps": 100_000})
    assert names(told("steps", 100_000, None, region="420000", known=known))[0] == "impossible_steps"
    assert names(told("steps", 20_000, None, region="420000")) == (None, None, None)


def test_what_a_partner_reports_can_be_impossible_too() -> None:
    verdict = told("walking", 40_000, HOUR, source="partner", evidence="proven")
    assert names(verdict)[0] == "impossible_walking_speed"


@pytest.mark.parametrize(
    ("key", "region", "quantity", "seconds", "expected"),
    [
        ("walking", "110000", 13_000, HOUR, (None, "improbable_walking_speed", None)),
        ("cycling", "110000", 20_000, HOUR, (None, None, None)),
        ("cycling", "110000", 45_000, HOUR, (None, "improbable_cycling_speed", None)),
        ("cycling", "110000", 90_000, HOUR, ("impossible_cycling_speed", "improbable_cycling_speed", None)),
        ("metro", "110000", 60_000, HOUR, (None, None, None)),
        ("metro", "110000", 150_000, HOUR, (None, "improbable_metro_speed", None)),
        ("bus", "110000", 110_000, HOUR, (None, "improbable_bus_speed", None)),
        ("charging", "140000", 60_000, HOUR, (None, None, None)),
        ("charging", "140000", 200_000, HOUR // 3, (None, "improbable_charging_power", None)),
        ("charging", "140000", 200_000, 60, ("impossible_charging_power", "improbable_charging_power", None)),
    ],
)
def test_speeds_are_judged_by_what_people_and_machines_can_do(
    key: str, region: str, quantity: int, seconds: int, expected: tuple[str | None, ...]
) -> None:
    refused, held, lowered = names(told(key, quantity, seconds, region=region, photos=1))
    assert (refused, held, lowered) == expected


def test_what_nobody_timed_is_judged_by_the_day() -> None:
    assert names(told("walking", 40_000, None))[0] is None
    assert names(told("walking", 100_000, None, known=OLD_FRIEND._replace(told_today={"walking": 60_000})))[0] == (
        "impossible_walking_day"
    )


def test_a_photo_makes_a_long_walk_believed_further() -> None:
    assert names(told("walking", 35_000, 6 * HOUR))[1] == "far_without_photo"
    assert names(told("walking", 35_000, 6 * HOUR, photos=1))[1] is None
    assert names(told("walking", 45_000, 6 * HOUR, photos=1))[1] == "improbable_walking_day"


@pytest.mark.parametrize("rule", [rule for rule in fair_play().rules if rule.units], ids=lambda rule: rule.name)
def test_a_limit_itself_is_allowed_and_one_unit_more_is_not(rule: Rule) -> None:
    action = next(
        action for each in methodologies() for action in each.actions.values() if rule.is_for(action.key, action.unit)
    )
    for seconds in (HOUR, 59 * 60, 7) if rule.looks_at == "per_hour" else (None,):
        slack = 0 if seconds is None else seconds + fair_play().clock_slack_s
        exactly = rule.limit * size_of(action.unit) * slack // HOUR if seconds else rule.limit * size_of(action.unit)
        for quantity, broken in ((exactly, False), (exactly + 1, True)):
            verdict = judge(action, quantity, seconds, "member", "self_declared", 0, OLD_FRIEND)
            deciding = {"refuse": verdict.refused_by, "hold": verdict.held_by}[rule.kind]
            assert (
                subject.breaks(rule, subject.Told(action, quantity, seconds, "member", "self_declared", 0, OLD_FRIEND))
                == broken
            )
            assert not broken or deciding is not None


def test_every_act_of_distance_or_energy_has_its_limits() -> None:
    """A new action without a rule would be believed whatever it says."""
    unruled = [
        f"{each.id} {action.key}"
        for each in methodologies()
        for action in each.actions.values()
        if action.base_unit != "1" and not [rule for rule in subject.rules_for(action.key, action.unit) if rule.units]
    ]
    assert unruled == []


def test_every_action_that_a_rule_names_exists() -> None:
    known = {action.key for each in methodologies() for action in each.actions.values()}
    assert {key for rule in fair_play().rules for key in rule.actions} <= known


# who is new, and who shares -------------------------------------------------------------------------------------------


def test_new_accounts_and_new_devices_have_lower_caps() -> None:
    for days, lowered in ((0, "new_account"), (6, "new_account"), (7, None)):
        assert names(told(known=OLD_FRIEND._replace(account_days=days)))[2] == lowered
    for days, lowered in ((0, "new_device"), (2, "new_device"), (3, None)):
        assert names(told(known=OLD_FRIEND._replace(device_days=days)))[2] == lowered
    assert told(known=Known(0, 0, 1, {})).share == Fraction(1, 2)


def test_to_keep_the_device_secret_is_no_advantage() -> None:
    assert told(known=OLD_FRIEND._replace(device_days=None)) == told(known=OLD_FRIEND._replace(device_days=0))


def test_a_device_that_many_share_has_its_acts_looked_at() -> None:
    assert names(told(known=OLD_FRIEND._replace(device_members=5)))[1] is None
    assert names(told(known=OLD_FRIEND._replace(device_members=6)))[1] == "shared_device"
    assert names(told(source="code", known=OLD_FRIEND._replace(device_members=6)))[1] == "shared_device"


def test_what_a_partner_signs_is_not_subject_to_devices() -> None:
    known = Known(account_days=0, device_days=None, device_members=99, told_today={})
    assert told(source="partner", evidence="proven", known=known) == Verdict(None, None, Fraction(1), None)


async def test_a_claim_over_http_is_refused_by_name_or_held_by_name(client: httpx.AsyncClient) -> None:
    li, began = await sign_in(client, LI), datetime.now(UTC) - timedelta(days=1)
    for km, hours in ((40, 1), (13, 1), (3, 1)):
        body = {
            "region": "110000",
            "action": "walking",
            "quantity": km * 1_000,
            "occurred_on": began.astimezone(CHINA).date().isoformat(),
            "started_at": began.isoformat(),
            "ended_at": (began + timedelta(hours=hours)).isoformat(),
        }
        answer = (await client.post("/v1/actions", json=body, headers=li | key())).json()
        if km == 40:
            assert (answer["code"], answer["values"]["rule"]) == ("act_implausible", "impossible_walking_speed")
        else:
            held = "improbable_walking_speed" if km == 13 else None
            assert (answer["state"], answer["held_because"]) == ("in_review" if held else "credited", held)
        began -= timedelta(days=1)


# whatever is told -----------------------------------------------------------------------------------------------------

ACTIONS = [action for each in methodologies() for action in each.actions.values()]
actions = st.sampled_from(ACTIONS)
quantities = st.integers(0, 3_000_000)
times = st.none() | st.integers(0, 100_000)
sources = st.sampled_from(["member", "code", "partner"])
evidences = st.sampled_from(["self_declared", "proven"])
knowns = st.builds(
    Known,
    account_days=st.integers(0, 30),
    device_days=st.none() | st.integers(0, 10),
    device_members=st.integers(0, 10),
    told_today=st.dictionaries(st.sampled_from(sorted({each.key for each in ACTIONS})), quantities, max_size=4),
)
acts = st.tuples(actions, quantities, times, sources, evidences, st.integers(0, 3), knowns)
Said = tuple[Action, int, int | None, Source, Evidence, int, Known]


@given(acts, st.integers(1, 100_000))
def test_more_in_the_same_time_is_never_treated_better(said: Said, more: int) -> None:
    action, quantity, *rest = said
    assert worse(judge(action, quantity, *rest)) <= worse(judge(action, quantity + more, *rest))


@given(acts, st.integers(1, 100_000))
def test_the_same_in_a_longer_time_is_never_treated_worse(said: Said, longer: int) -> None:
    action, quantity, seconds, *rest = said
    if seconds is not None:
        assert worse(judge(action, quantity, seconds + longer, *rest)) <= worse(judge(*said))


@given(acts, st.integers(1, 30))
def test_being_known_longer_and_proving_more_is_never_treated_worse(said: Said, days: int) -> None:
    action, quantity, seconds, source, _, photos, known = said
    longer = known._replace(account_days=known.account_days + days, device_days=(known.device_days or 0) + days)
    for better in (
        judge(action, quantity, seconds, source, "proven", photos, known),
        judge(action, quantity, seconds, source, "self_declared", photos + 1, known),
        judge(action, quantity, seconds, source, "self_declared", photos, longer),
        judge(action, quantity, seconds, "partner", "self_declared", photos, known),
    ):
        assert worse(better) <= worse(judge(action, quantity, seconds, source, "self_declared", photos, known))


@given(acts)
def test_a_share_is_exact_and_never_more_than_all(said: Said) -> None:
    verdict = judge(*said)
    assert isinstance(verdict.share, Fraction)
    assert 0 < verdict.share <= 1
    assert (verdict.share_by is None) == (verdict.share == 1)


def test_nothing_is_reckoned_in_floating_point() -> None:
    tree = ast.parse(inspect.getsource(subject))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Div)]


# the rules as data ----------------------------------------------------------------------------------------------------


def test_a_refusal_carries_its_rules_name_and_says_why_in_both_languages() -> None:
    rule = rule_named("impossible_walking_speed")
    assert rule is not None
    refused = carbon_refusal(refusal(rule))
    assert (refused.status, refused.code, refused.values["rule"]) == (422, "act_implausible", rule.name)
    assert refused.message("zh") == "没有记下：步行一小时不可能超过 25 公里。（规则 impossible_walking_speed）"
    assert (
        refused.message("en") == "Not logged: Nobody walks more than 25 km in an hour. (rule impossible_walking_speed)"
    )
    assert rule.sentence(lambda text: translate("en", text)) == "Nobody walks more than 25 km in an hour."
    assert rule_named("no_such_rule") is None


RULE = """
[[rules]]
name = "a_rule"
kind = "hold"
looks_at = "per_day"
units = ["km"]
limit = 1
text = "{limit}"
"""
HEAD = """
id = "fair-play"
version = "1"
decided_on = 2026-11-21
clock_slack_s = 60
shared_device_window_days = 30
"""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ('nmae = "a_rule"', "nmae"),
        ('kind = "ban"', "ban"),
        ('looks_at = "score"', "score"),
        ("limit = 0", "limit"),
        ("limit = 1.5", "int"),
        ("limit = nan", "int"),
        ('text = "few"', "say its limit"),
        ('units = ["parsec"]', "unknown unit"),
        ("units = []", "for no unit"),
        ('kind = "lower"', "newcomers"),
        ("share = 0.5", "newcomers"),
        ('name = "A rule"', "no name"),
        ('sources = ["rumour"]', "rumour"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_when_read(changed: str, why: str) -> None:
    key = changed.partition(" ")[0]
    lines = [line for line in RULE.splitlines() if not line.startswith(f"{key} =")]
    assert read_fair_play((HEAD + RULE).encode(), "as it is").rules[0].limit == 1
    with pytest.raises(PackUnreadable, match=why):
        read_fair_play("\n".join([HEAD, *lines, changed]).encode(), "changed")


def test_names_stand_once_and_the_file_is_named_by_its_digest() -> None:
    with pytest.raises(PackUnreadable, match="twice"):
        read_fair_play((HEAD + RULE + RULE).encode(), "twice")
    assert len(read_fair_play(FILE.read_bytes(), FILE.name).digest) == 64


def test_no_score_of_a_person_is_kept_or_shown() -> None:
    assert not [field for field in (*Verdict._fields, *Known._fields, *Rule.__struct_fields__) if "score" in field]
    assert {type(each) for each in msgspec.structs.astuple(fair_play().rules[0])} <= {str, int, tuple, bool, type(None)}
    assert set(UNITS) >= {action.unit for action in ACTIONS}
