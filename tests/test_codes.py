"""Codes at the door: what is changed is refused, what is old is expired, and people may type as people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import codes
from service.codes import ALPHABET, CodeExpired, CodeForged, Scanned
from service.config import Config

CONFIG = Config(database_url="", redis_url="", secret=b"a secret of the tests, 32 bytes.")
OTHER = Config(database_url="", redis_url="", secret=b"another deployment's 32 byte key")
NOW = datetime(2026, 11, 21, 9, 2, 30, tzinfo=UTC)
GATE = "B7K29QXW"
ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

short_codes = st.text(ALPHABET, min_size=8, max_size=8)
moments = st.integers(1_577_836_800, 4_102_444_799).map(lambda second: datetime.fromtimestamp(second, UTC))
ids = st.uuids()


def wide(text: str) -> str:
    """The full-width forms that a Chinese keyboard may give."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


def every_kind(config: Config = CONFIG) -> list[str]:
    """A genuine poster code, screen code and ticket of this moment."""
    return [
        codes.poster_code(config, GATE),
        codes.screen_code(config, GATE, NOW),
        codes.ticket(config, GATE, ID, True, NOW),
    ]


@given(short_codes, moments)
def test_poster_code_is_good_for_ever_but_never_fresh(short_code: str, now: datetime) -> None:
    assert codes.read_code(CONFIG, codes.poster_code(CONFIG, short_code), now) == Scanned(short_code, fresh=False)


@given(short_codes, moments, st.integers(0, 59))
def test_screen_code_is_fresh_in_its_minute_and_the_next(short_code: str, now: datetime, seconds: int) -> None:
    now = now.replace(second=0, microsecond=0)
    code = codes.screen_code(CONFIG, short_code, now + timedelta(seconds=seconds))
    for later in (0, 59, 60, 119):
        assert codes.read_code(CONFIG, code, now + timedelta(seconds=later)) == Scanned(short_code, fresh=True)


@given(short_codes, moments, st.integers(-(2**20), 2**20).filter(lambda minutes: minutes not in (0, 1)))
def test_screen_code_of_another_minute_is_expired(short_code: str, now: datetime, minutes: int) -> None:
    code = codes.screen_code(CONFIG, short_code, now)
    with pytest.raises(CodeExpired) as refused:
        codes.read_code(CONFIG, code, now + timedelta(minutes=minutes))
    assert refused.value.scanned == Scanned(short_code, fresh=False)


@pytest.mark.parametrize("second", [0, 1, 59])
def test_screen_says_when_its_code_expires(second: int) -> None:
    now = NOW.replace(second=second)
    code, end = codes.screen_code(CONFIG, GATE, now), codes.screen_code_expires_at(now)
    assert codes.read_code(CONFIG, code, end - timedelta(microseconds=1)).fresh
    with pytest.raises(CodeExpired):
        codes.read_code(CONFIG, code, end)


@given(short_codes, ids, st.booleans(), moments)
def test_ticket_says_which_check_in_it_is_for(short_code: str, check_in_id: UUID, fresh: bool, now: datetime) -> None:
    text = codes.ticket(CONFIG, short_code, check_in_id, fresh, now)
    for later in (timedelta(), timedelta(minutes=20) - timedelta(seconds=1)):
        assert codes.read_code(CONFIG, text, now + later) == Scanned(short_code, fresh, check_in_id)


def test_ticket_expires_after_twenty_minutes_and_still_says_whose_it_was() -> None:
    text = codes.ticket(CONFIG, GATE, ID, True, NOW)
    with pytest.raises(CodeExpired) as refused:
        codes.read_code(CONFIG, text, NOW + timedelta(minutes=20, seconds=1))
    assert refused.value.scanned == Scanned(GATE, True, ID)


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(every_kind()))
    place = data.draw(st.integers(0, len(code) - 1))
    character = data.draw(st.sampled_from([each for each in ALPHABET if each != code[place]]))
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, code[:place] + character + code[place + 1 :], NOW)


@given(st.data())
def test_any_left_out_or_added_character_is_refused(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(every_kind()))
    place = data.draw(st.integers(0, len(code) - 1))
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, code[:place] + code[place + 1 :], NOW)
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, code[:place] + "7" + code[place:], NOW)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_code_of_another_deployment_is_refused(number: int) -> None:
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, every_kind(OTHER)[number], NOW)


def test_mark_of_one_kind_is_none_of_another() -> None:
    poster = codes.poster_code(CONFIG, GATE)
    as_screen = GATE + codes.encode(codes.minute_of(NOW), codes.MINUTE) + poster[-codes.MARK :]
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, as_screen, NOW)
    marks = {code[-codes.MARK :] for code in every_kind()} | {codes.receipt_key(CONFIG, ID)[: codes.MARK]}
    assert len(marks) == 4


@pytest.mark.parametrize(
    "typed",
    [
        "B7K29QXW",
        "b7k29qxw",
        "B7K2-9QXW",
        " b7k2 9qxw ",
        wide("B7K2-9QXW"),
        "b-7-k-2-9-q-x-w",
        wide("b7k2") + "\u3000" + "9qxw",
    ],
)
def test_short_code_may_be_typed_as_people_type(typed: str) -> None:
    assert codes.read_code(CONFIG, typed, NOW) == Scanned(GATE, fresh=False)


def test_letters_that_look_like_digits_are_forgiven() -> None:
    assert codes.read_code(CONFIG, "o0Oi-Il1L", NOW) == Scanned("00011111", fresh=False)


@given(st.data())
def test_case_dashes_and_spaces_do_not_matter(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(every_kind()))
    loose = "".join(data.draw(st.sampled_from([c, c.lower(), c + "-", " " + c])) for c in code)
    assert codes.read_code(CONFIG, loose, NOW) == codes.read_code(CONFIG, code, NOW)


@given(st.text(max_size=300))
def test_whatever_else_is_scanned_is_refused_as_forged(text: str) -> None:
    try:
        scanned = codes.read_code(CONFIG, text, NOW)
    except CodeForged:
        return
    assert len(scanned.short_code) == 8
    assert not scanned.fresh
    assert scanned.check_in_id is None


@pytest.mark.parametrize(
    "text", ["", "-", "B7K29QX", "B7K29QXWU", "U7K29QXW", "B7K29QX\0", "二维码二维码二维", "\ud800" * 8]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(CodeForged):
        codes.read_code(CONFIG, text, NOW)


def test_refused_scan_can_be_laid_at_the_gate_it_names() -> None:
    assert [codes.gate_named_by(each) for each in (*every_kind(OTHER), "b7k2-9qxw")] == [GATE] * 4
    assert codes.gate_named_by("https://elsewhere.example/") is None


def test_receipt_key_opens_its_own_check_in_only() -> None:
    other = UUID(int=ID.int + 1)
    key = codes.receipt_key(CONFIG, ID)
    assert codes.check_receipt_key(CONFIG, ID, key)
    for wrong in (codes.receipt_key(CONFIG, other), codes.receipt_key(OTHER, ID), key.lower(), "", "钥匙", "\ud800"):
        assert not codes.check_receipt_key(CONFIG, ID, wrong)


def test_a_mark_is_sixty_bits_or_more() -> None:
    assert 5 * codes.MARK >= 60


@pytest.mark.parametrize(("length", "code"), list(zip([21, 27, 55], every_kind(), strict=True)))
def test_codes_stay_short(length: int, code: str) -> None:
    assert len(code) == length


def test_short_codes_are_random() -> None:
    made = {codes.new_short_code() for _ in range(2_000)}
    assert len(made) == 2_000
    assert set("".join(made)) == set(ALPHABET)
