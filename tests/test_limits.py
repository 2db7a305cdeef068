"""Limits in memory: how often, for whom, and when again."""

from __future__ import annotations

import time

import pytest

from service.config import Config
from service.db import new_id
from service.errors import TooMany
from service.limits import Limits, network_of

SETTINGS = Config(
    database_url="",
    redis_url="",
    secret=b"",
    check_ins_per_address_a_minute=100,
    check_ins_per_attendee_a_minute=12,
    sign_ins_per_address_a_minute=600,
)


def test_an_attendee_gets_so_many_a_minute_and_is_told_when_again() -> None:
    limits, attendee = Limits(SETTINGS), new_id()
    for _ in range(12):
        limits.check_in("192.0.2.1", attendee)
    with pytest.raises(TooMany) as refused:
        limits.check_in("192.0.2.1", attendee)
    assert refused.value.retry_after_s == 5
    limits.check_in("192.0.2.1", new_id())


def test_an_address_gets_so_many_whoever_attends() -> None:
    limits = Limits(SETTINGS)
    for _ in range(100):
        limits.check_in("192.0.2.1", new_id())
    with pytest.raises(TooMany):
        limits.check_in("192.0.2.1", new_id())
    limits.check_in("192.0.2.2", new_id())


def test_a_refused_attendee_does_not_use_up_the_venues_share() -> None:
    limits, noisy = Limits(SETTINGS), new_id()
    for _ in range(12):
        limits.check_in("192.0.2.1", noisy)
    for _ in range(500):
        with pytest.raises(TooMany):
            limits.check_in("192.0.2.1", noisy)
    limits.check_in("192.0.2.1", new_id())


def test_those_who_do_not_say_who_attends_do_not_use_up_one_anothers_share() -> None:
    limits = Limits(SETTINGS)
    for _ in range(100):
        limits.check_in("192.0.2.1", None)
    with pytest.raises(TooMany):
        limits.check_in("192.0.2.1", None)


def test_one_may_come_again_after_waiting() -> None:
    limits = Limits(SETTINGS)
    for _ in range(600):
        limits.sign_in("192.0.2.1")
    with pytest.raises(TooMany):
        limits.sign_in("192.0.2.1")
    time.sleep(0.12)
    limits.sign_in("192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::2"),
    ],
)
def test_addresses_of_one_household_count_together(one: str, other: str) -> None:
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("", "192.0.2.1"), ("gate-a", "gate-b")],
)
def test_other_addresses_count_apart(one: str, other: str) -> None:
    assert network_of(one) != network_of(other)
