"""Phone numbers: read as people type them, kept only as a keyed digest and the last four digits."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from service.config import Config
from service.errors import BadInput

HOME = "CN"
MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class PhoneInvalid(BadInput):
    """这不是能接收短信的手机号码，国外号码请以 + 和国家代码开头。"""

    code = "phone_invalid"


class Phone(NamedTuple):
    """A number in E.164, its keyed digest (32 bytes) for storing, and a hint that its owner recognises."""

    number: str
    digest: bytes
    hint: str


def read_phone(config: Config, typed: str) -> Phone:
    """The mobile number that was typed; without a country code it is of mainland China. Raises PhoneInvalid."""
    try:
        parsed = phonenumbers.parse(typed, HOME)
    except phonenumbers.NumberParseException:
        raise PhoneInvalid from None
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.number_type(parsed) not in MOBILE:
        raise PhoneInvalid
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    digest = hmac.digest(config.key("phone"), number.encode(), hashlib.sha256)
    return Phone(number, digest, f"****{number[-4:]}")
