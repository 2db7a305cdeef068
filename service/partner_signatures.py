"""Signatures of what partners send.

    signature = HMAC-SHA-256(secret, timestamp "\\n" nonce "\\n" body), in hexadecimal

`secret` is the key's 32 bytes (told once, in hexadecimal), `timestamp` the Unix time in seconds as in its header,
`nonce` 16 to 64 characters never used before. A request is believed within `REPLAY_WINDOW` of its timestamp.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from service.config import Config
from service.db import Connection
from service.errors import Conflict, NotSignedIn
from service.partners import secret_of

REPLAY_WINDOW = timedelta(minutes=5)
"""Policy: how far a partner's clock may be from ours, either way."""
NONCES_KEPT = 4 * REPLAY_WINDOW
"""A timestamp ahead of our clock is believed for twice the window; the rest is for clocks that are set back."""
LARGEST_KEY = 2**31 - 1


class TimestampOff(NotSignedIn):
    """请求的时间与现在相差超过 {minutes} 分钟。"""

    code = "timestamp_off"


class KeyUnknown(NotSignedIn):
    """没有这把密钥，或它已作废。"""

    code = "key_unknown"


class SignatureWrong(NotSignedIn):
    """签名不对。"""

    code = "signature_wrong"


class NonceUsed(Conflict):
    """这个 nonce 已经用过，请换一个再发。"""

    code = "nonce_used"


class Signed(NamedTuple):
    """What a request says of its signature. `timestamp` is in digits, as it was signed; `signature` in hexadecimal."""

    partner_id: UUID
    key: int
    timestamp: str
    nonce: str
    signature: str


def require_recent(signed: Signed, now: datetime) -> None:
    """Raises TimestampOff outside of the window."""
    if abs(now.timestamp() - int(signed.timestamp)) > REPLAY_WINDOW.total_seconds():
        raise TimestampOff(minutes=int(REPLAY_WINDOW.total_seconds()) // 60)


async def require_key(connection: Connection, signed: Signed) -> None:
    """Raises KeyUnknown unless the partner has such a key, and it is valid."""
    valid = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM partner_keys WHERE partner_id = $1 AND number = $2 AND revoked_at IS NULL)
        """,
        signed.partner_id,
        signed.key,
    )
    if not valid:
        raise KeyUnknown


def begin(config: Config, signed: Signed) -> hmac.HMAC:
    """The digest before the body: `update` it with the body's pieces."""
    head = f"{signed.timestamp}\n{signed.nonce}\n".encode()
    return hmac.new(secret_of(config, signed.partner_id, signed.key), head, hashlib.sha256)


def require_genuine(signed: Signed, digest: hmac.HMAC) -> None:
    """Compare in constant time. Raises SignatureWrong."""
    if not hmac.compare_digest(digest.hexdigest().encode(), signed.signature.lower().encode()):
        raise SignatureWrong


async def use_nonce(connection: Connection, signed: Signed, now: datetime) -> None:
    """Note that a genuine request came. Raises NonceUsed for its second coming, and KeyUnknown when it was revoked."""
    await require_key(connection, signed)
    new = await connection.fetchval(
        """
        INSERT INTO partner_nonces (partner_id, nonce, used_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        signed.partner_id,
        signed.nonce,
        now,
    )
    if not new:
        raise NonceUsed


async def forget_nonces(connection: Connection, now: datetime) -> None:
    """Forget nonces whose timestamps are no longer believed."""
    await connection.execute("DELETE FROM partner_nonces WHERE used_at < $1", now - NONCES_KEPT)
