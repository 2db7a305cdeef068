"""What a confirmation of neutrality certifies, as the very bytes that are signed; and how anyone checks it offline.

The record is JSON, its signature Ed25519 over its bytes, by a key of the deployment's own. The file that people keep
holds both: `{"format":…,"key":…,"signature":…,"record":{…}}`, key and signature in hexadecimal, without any space
between. The bytes of `record` as they stand there are what is signed, so that any tool that knows Ed25519 can check.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scenarios.meeting.rule_terms import Confirmation as Way
from scenarios.meeting.rule_terms import FieldKey, OffsetClass, Text
from scenarios.meeting.serial_texts import Serials
from service.checkpoints import Untrue
from service.config import Config
from service.i18n import mark

FORMAT: Final = "tanhui/neutrality/1"
LabelKey = Literal["neutral", "basic", "full"]
Issuing = Literal["organizer", "verifier", "authority"]


class EventSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event; `place` is whose rule it followed, `first` and `last` are its own days."""

    id: UUID
    name: str
    kind: str
    organizer: str
    place: str
    venue: str
    time_zone: str
    first: date
    last: date


class RuleSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule by its file: id, version and sha256; `ground` is where it has this confirmation."""

    id: str
    version: str
    digest: str
    title: Text
    ground: str
    standing: Text
    voluntary: bool


class InventorySaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The submitted inventory: its number and the sha256 of its content."""

    number: int
    digest: str
    basic_g: int
    full_g: int


class BlockSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Serials retired on this ledger: `first_serial` to `last_serial` of a class, a gram each."""

    retirement_id: UUID
    retired_on: date
    class_id: int
    first_serial: int
    last_serial: int
    serials: str

    @property
    def grams(self) -> int:
        """How many."""
        return self.last_serial - self.first_serial + 1


class UnitsSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Serials of another registry, `series` before each number, retired there under a reference."""

    registry: str
    project: str
    project_place: str
    vintage: int
    series: str
    first: int
    last: int
    grams: int
    retired_on: date
    reference: str

    @property
    def serials(self) -> str:
        """The block for people."""
        return Serials(self.series, self.first, self.last).text


class OffsetSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was retired of a class, with every serial."""

    unit: OffsetClass
    name: Text
    grams: int
    blocks: tuple[BlockSaid, ...] = ()
    units: tuple[UnitsSaid, ...] = ()

    @property
    def retirements(self) -> list[tuple[date, int]]:
        """On which day how many grams were retired, in any order."""
        own = [(each.retired_on, each.grams) for each in self.blocks]
        return own + [(each.retired_on, each.grams) for each in self.units]


class MeasureSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reduction measure that was taken, in its text's words."""

    key: str
    words: Text
    done_on: date


class FieldSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field that the place demands, under its own name for it."""

    key: FieldKey
    label: Text
    said: Text


class IssuerSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who confirms: the organizer, an independent verifier, or the office that the text names."""

    kind: Issuing
    name: Text


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is certified. `label_name` and `way_name` are the place's words, `word` is its 抵销 or 抵消.

    `checked` is the verifier's report: which of the engagement, and the checklist that it answers.
    """

    format: Literal["tanhui/neutrality/1"]
    id: UUID
    confirmed_at: datetime
    way: Way
    way_name: Text
    label: LabelKey
    label_name: Text
    word: str
    issuer: IssuerSaid
    event: EventSaid
    rule: RuleSaid
    inventory: InventorySaid
    need_g: int
    retired_g: int
    neutral_on: date
    offsets: tuple[OffsetSaid, ...]
    measures: tuple[MeasureSaid, ...]
    fields: tuple[FieldSaid, ...]
    checked: str | None = None

    @property
    def confirmed_on(self) -> date:
        """The day of it there."""
        return self.confirmed_at.astimezone(ZoneInfo(self.event.time_zone)).date()


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that people keep. `key` is the signer's as the sender has it: have it from elsewhere, to be sure."""

    format: Literal["tanhui/neutrality/1"]
    key: str
    signature: str
    record: msgspec.Raw


class Signed(msgspec.Struct, frozen=True):
    """The record's bytes with their signature and the key that made it."""

    record: bytes
    signature: bytes
    public_key: bytes


encode_record = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode
decode_record = msgspec.json.Decoder(Record).decode


def private_key(config: Config) -> Ed25519PrivateKey:
    """The deployment's key for confirmations, derived from its master secret."""
    return Ed25519PrivateKey.from_private_bytes(config.key("confirmations"))


def public_key(config: Config) -> bytes:
    """The key to check confirmations by: 32 bytes."""
    return private_key(config).public_key().public_bytes_raw()


def sign(config: Config, record: Record) -> Signed:
    """The record's bytes, signed."""
    content = encode_record(record)
    return Signed(content, private_key(config).sign(content), public_key(config))


def bundle(signed: Signed) -> bytes:
    """The file to keep."""
    return msgspec.json.encode(
        Bundle(FORMAT, signed.public_key.hex(), signed.signature.hex(), msgspec.Raw(signed.record))
    )


def check(content: bytes, key: str | None = None) -> Record:
    """What a kept file certifies. Without `key`, by the one that the file names, which anyone could have put there.

    Raises Untrue, saying what is wrong: the file's writing, the key, or that record or signature were changed.
    """
    try:
        kept = msgspec.json.decode(content, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Untrue(mark("文件无法读懂：{reason}"), reason=str(wrong)) from None
    if msgspec.json.encode(kept) != content:
        raise Untrue(mark("文件不是原样：有字节被改动。"))
    if key is not None and key.strip().lower() != kept.key:
        raise Untrue(mark("公钥不符：文件写的是 {found}，要求的是 {wanted}。"), found=kept.key, wanted=key.strip())
    record = bytes(kept.record)
    if not is_signed(record, kept.signature, kept.key):
        raise Untrue(mark("签名不符：记录、签名或公钥被改动过。"))
    try:
        return decode_record(record)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Untrue(mark("文件无法读懂：{reason}"), reason=str(wrong)) from None


def is_signed(record: bytes, signature: str, key: str) -> bool:
    """Whether a signature is of these bytes, by that key; both in lower-case hexadecimal, without any other sign."""
    try:
        signature_bytes, key_bytes = bytes.fromhex(signature), bytes.fromhex(key)
        if (signature_bytes.hex(), key_bytes.hex()) != (signature, key):
            return False
        Ed25519PublicKey.from_public_bytes(key_bytes).verify(signature_bytes, record)
    except (InvalidSignature, ValueError):
        return False
    return True
