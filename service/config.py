"""What the service needs to know of the machine it runs on, read once from the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache

import msgspec


class ConfigError(Exception):
    """The environment lacks a setting, or holds one that cannot be read."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one deployment. Every process of it gets the same.

    `secret` is the master key: keys for single uses are derived from it by `key`.
    `base_url` is the address that people's phones reach: QR codes lead there.
    `local` says that sign-in codes may go to the log.
    Limits are per client address or attendee and process, a minute.
    """

    database_url: str
    redis_url: str
    secret: bytes
    base_url: str = "http://127.0.0.1:8000"
    local: bool = False
    pool_size: int = 10
    check_ins_per_address_a_minute: int = 3_000
    check_ins_per_attendee_a_minute: int = 12
    sign_ins_per_address_a_minute: int = 120
    code_sends_per_address_an_hour: int = 60
    bench: bool = False

    @property
    def secure(self) -> bool:
        """Whether people reach us by https, so that cookies may insist on it."""
        return self.base_url.startswith("https://")

    def key(self, use: str) -> bytes:
        """A 32-byte key for one use, derived from the master secret."""
        return derived_key(self.secret, use)


@lru_cache(maxsize=256)
def derived_key(secret: bytes, use: str) -> bytes:
    """The key of one use. Kept, since a check-in asks for four."""
    return hmac.digest(secret, f"tanhui/{use}".encode(), hashlib.sha256)


def from_environment(environment: Mapping[str, str] = os.environ) -> Config:
    """Read `DATABASE_URL`, `REDIS_URL`, `TANHUI_SECRET` (hex, 32 bytes or more) and the optional `TANHUI_*`.

    Raises ConfigError naming the setting that is missing or unreadable.
    """
    values: dict[str, str] = {
        field: environment[f"TANHUI_{field.upper()}"]
        for field in Config.__struct_fields__
        if f"TANHUI_{field.upper()}" in environment and field != "secret"
    }
    try:
        values |= {"database_url": environment["DATABASE_URL"], "redis_url": environment["REDIS_URL"]}
        secret = bytes.fromhex(environment["TANHUI_SECRET"])
    except KeyError as missing:
        raise ConfigError(f"{missing.args[0]} is not set") from None
    except ValueError:
        raise ConfigError("TANHUI_SECRET is not hexadecimal") from None
    if len(secret) < 32:
        raise ConfigError("TANHUI_SECRET is shorter than 32 bytes")
    try:
        return msgspec.convert({**values, "secret": secret}, Config, strict=False)
    except msgspec.ValidationError as wrong:
        raise ConfigError(str(wrong)) from None
