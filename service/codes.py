"""Signed codes at a place: on a poster, on a screen, in a form as served; and the key on a receipt.

A place is an event's gate, or a partner's station: their marks differ, so that neither's code opens the other.
Crockford's base 32 throughout, so that all of them can be read aloud and typed. A code is told by its length:
the place's short code alone (as typed from a torn poster), and behind it

    poster   the mark
    screen   its minute, the mark
    ticket   its last second, whether a fresh code was scanned, the id of the check-in or act, the mark

The mark is the leading 65 bits of a keyed digest (HMAC-SHA-256) of all that stands before it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from service.config import Config
from service.errors import BadInput, NotNow

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
DIGITS = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""As `int` spells base 32."""
FORGIVEN = str.maketrans("OIL", "011", "- ")
SHORT = 8
MARK = 13
MINUTE = 6
SECOND = 7
CHECK_IN = 26
POSTER_LENGTH = SHORT + MARK
SCREEN_LENGTH = SHORT + MINUTE + MARK
TICKET_LENGTH = SHORT + SECOND + 1 + CHECK_IN + MARK
SCREEN_LIFE = timedelta(minutes=2)
TICKET_LIFE = timedelta(minutes=20)
LONGEST = 200
Place = Literal["gate", "station"]
PATHS: dict[Place, str] = {"gate": "c", "station": "s"}
KINDS = {
    (place, form): form if place == "gate" else f"{place} {form}"
    for place in PATHS
    for form in ("poster", "screen", "ticket")
}
SPELLED = re.compile(f"[{ALPHABET}]+").fullmatch


class CodeForged(BadInput):
    """这不是有效的报到码，请重新扫码，或核对输入的短码。"""

    code = "code_forged"


class CodeExpired(NotNow):
    """报到码已过期，请重新扫码。"""

    code = "code_expired"

    def __init__(self, scanned: Scanned) -> None:
        super().__init__()
        self.scanned = scanned


class Scanned(NamedTuple):
    """What a genuine code says. `fresh`: read off a screen within its time, so its bearer stood there."""

    short_code: str
    fresh: bool
    check_in_id: UUID | None = None


def new_short_code() -> str:
    """Eight random characters (40 bits) to name a place by."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SHORT))


def poster_code(config: Config, short_code: str, place: Place = "gate") -> str:
    """The code on paper, good for as long as the place."""
    return marked(config, KINDS[place, "poster"], short_code)


def screen_code(config: Config, short_code: str, now: datetime, place: Place = "gate") -> str:
    """The code that a screen shows in this minute, good in this minute and the next."""
    return marked(config, KINDS[place, "screen"], short_code + encode(minute_of(now), MINUTE))


def screen_code_expires_at(now: datetime) -> datetime:
    """When this minute's screen code stops being good: the end of the minute after it."""
    return now.replace(second=0, microsecond=0) + SCREEN_LIFE


def ticket(
    config: Config, short_code: str, check_in_id: UUID, fresh: bool, now: datetime, place: Place = "gate"
) -> str:
    """What a served form carries: good for 20 minutes, for the check-in or act of that id only."""
    last_second = int((now + TICKET_LIFE).timestamp())
    body = short_code + encode(last_second, SECOND) + encode(fresh, 1) + encode(check_in_id.int, CHECK_IN)
    return marked(config, KINDS[place, "ticket"], body)


def read_code(config: Config, text: str, now: datetime, place: Place = "gate") -> Scanned:
    """What a scanned or typed code says.

    Raises CodeForged, or CodeExpired for a genuine one that is not good now: its `scanned` tells what it said.
    """
    code = as_typed(text)
    if len(code) == SHORT:
        return Scanned(code, fresh=False)
    if len(code) == POSTER_LENGTH:
        return Scanned(unmarked(config, KINDS[place, "poster"], code), fresh=False)
    if len(code) == SCREEN_LENGTH:
        return read_screen_code(unmarked(config, KINDS[place, "screen"], code), now)
    if len(code) == TICKET_LENGTH:
        return read_ticket(unmarked(config, KINDS[place, "ticket"], code), now)
    raise CodeForged


def read_screen_code(body: str, now: datetime) -> Scanned:
    """A genuine screen code's meaning. Raises CodeExpired."""
    age = minute_of(now) - decode(body[SHORT:])
    if age not in (0, 1):
        raise CodeExpired(Scanned(body[:SHORT], fresh=False))
    return Scanned(body[:SHORT], fresh=True)


def read_ticket(body: str, now: datetime) -> Scanned:
    """A genuine ticket's meaning. Raises CodeExpired."""
    last_second, fresh = decode(body[SHORT:][:SECOND]), body[SHORT + SECOND] == encode(True, 1)
    scanned = Scanned(body[:SHORT], fresh, UUID(int=decode(body[-CHECK_IN:])))
    if now.timestamp() > last_second:
        raise CodeExpired(scanned)
    return scanned


def gate_named_by(text: str) -> str | None:
    """The short code that a text claims to come from, genuine or not; None where it names none."""
    try:
        code = as_typed(text)
    except CodeForged:
        return None
    return code[:SHORT] if len(code) in (SHORT, POSTER_LENGTH, SCREEN_LENGTH, TICKET_LENGTH) else None


def receipt_key(config: Config, check_in_id: UUID) -> str:
    """The secret on a receipt: whoever holds it may see, undo, correct and claim that check-in."""
    return mark(config, "receipt", check_in_id.hex, CHECK_IN)


def check_receipt_key(config: Config, check_in_id: UUID, key: str) -> bool:
    """Whether it is that receipt's key."""
    return hmac.compare_digest(receipt_key(config, check_in_id).encode(), key.encode("utf-8", "replace"))


def url(config: Config, code: str, place: Place = "gate") -> str:
    """Where a phone that scans the code goes."""
    return f"{config.base_url}/{PATHS[place]}/{code}"


def in_groups(short_code: str) -> str:
    """A short code as people read it best: `B7K2-9QXW`."""
    return f"{short_code[:4]}-{short_code[4:]}"


def as_typed(text: str) -> str:
    """The characters meant: any case and width, O for 0, I and L for 1, dashes and spaces ignored.

    Raises CodeForged where others remain.
    """
    if len(text) > LONGEST:
        raise CodeForged
    plain = text if SPELLED(text) else unicodedata.normalize("NFKC", text).upper().translate(FORGIVEN)
    if not SPELLED(plain):
        raise CodeForged
    return plain


def marked(config: Config, kind: str, body: str) -> str:
    """The body followed by its mark."""
    return body + mark(config, kind, body, MARK)


def unmarked(config: Config, kind: str, code: str) -> str:
    """The body of a genuine code of that kind. Raises CodeForged."""
    body = code[:-MARK]
    if not hmac.compare_digest(marked(config, kind, body), code):
        raise CodeForged
    return body


def mark(config: Config, kind: str, body: str, length: int) -> str:
    """The leading characters (5 bits each) of a keyed digest; kinds never stand in for one another."""
    digest = hmac.digest(config.key(f"code/{kind}"), body.encode(), hashlib.sha256)
    return encode(int.from_bytes(digest) >> (8 * len(digest) - 5 * length), length)


def minute_of(now: datetime) -> int:
    """Minutes since 1970."""
    return int(now.timestamp()) // 60


def encode(number: int, length: int) -> str:
    """A number in base 32, padded with zeros."""
    pairs = [PAIRS[number >> bits & 1023] for bits in range(5 * (length + length % 2) - 10, -1, -10)]
    return "".join(pairs)[-length:]


def decode(text: str) -> int:
    """The number that base 32 characters spell."""
    return int(text.translate(DIGITS), 32)
