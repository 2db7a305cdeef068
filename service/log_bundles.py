"""What someone keeps of the log, and how anyone checks it: offline, with the log's public key alone."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from service.checkpoints import Checkpoint, Untrue, read_checkpoint, read_key
from service.i18n import mark
from service.merkle import is_consistent, is_included, leaf_digest


class LoggedTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a transfer: all that its leaf is made of. `made_at` has microseconds."""

    id: UUID
    ordinal: int
    source: UUID
    destination: UUID
    region: str
    methodology: str
    version: str
    vintage: date
    event_id: UUID | None
    grams: int
    reason: str
    refers_to: UUID | None
    made_at: datetime

    def line(self) -> str:
        """The content of its leaf: the one that the database writes (view `transfer_leaves`)."""
        made_at_us = calendar.timegm(self.made_at.utctimetuple()) * 1_000_000 + self.made_at.microsecond
        parts = (
            self.id,
            self.ordinal,
            self.source,
            self.destination,
            self.region,
            self.methodology,
            self.version,
            self.vintage.isoformat(),
            self.event_id or "",
            self.grams,
            self.reason,
            self.refers_to or "",
            made_at_us,
        )
        return "\t".join(["tanhui transfer 1", *map(str, parts)])


class LoggedRow(msgspec.Struct, frozen=True):
    """A row of a transfer, its position in the log, and the proof of it (base64)."""

    transfer: LoggedTransfer
    position: int
    proof: list[bytes]


class Growth(msgspec.Struct, frozen=True):
    """The proof (base64) that the log only grew since it had that size."""

    since: int
    proof: list[bytes]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A signed checkpoint, with what it proves: rows that are in the log, and that it grew.

    `key` is the key as the sender has it; who checks must have it from elsewhere, or from before.
    """

    key: str
    checkpoint: str
    growth: Growth | None = None
    rows: list[LoggedRow] = []


class Place(NamedTuple):
    """A row of a transfer at its position."""

    position: int
    transfer: LoggedTransfer

    def proved(self, proof: list[bytes]) -> LoggedRow:
        """The same with its proof."""
        return LoggedRow(self.transfer, self.position, proof)


def read_bundle(text: bytes) -> Bundle:
    """A bundle as it was kept. Raises Untrue."""
    try:
        return msgspec.json.decode(text, type=Bundle)
    except (msgspec.ValidationError, msgspec.DecodeError) as wrong:
        raise Untrue(mark("文件无法读懂：{reason}"), reason=str(wrong)) from None


def check(bundle: Bundle, key: str, older: Bundle | None = None) -> Checkpoint:
    """Check all that a bundle says, by a key; with an older one, also that the log only grew since.

    Raises Untrue, naming the first thing that does not hold.
    """
    verifier = read_key(key)
    checkpoint = read_checkpoint(bundle.checkpoint, verifier)
    for row in bundle.rows:
        check_row(row, checkpoint)
    if older is not None:
        check_growth(read_checkpoint(older.checkpoint, verifier), checkpoint, bundle.growth)
    return checkpoint


def check_row(row: LoggedRow, checkpoint: Checkpoint) -> None:
    """Raises Untrue unless that very row stands at its position of the log."""
    leaf = leaf_digest(row.transfer.line().encode())
    if not is_included(leaf, row.position, checkpoint.size, row.proof, checkpoint.root):
        raise Untrue(
            mark("编号 {id} 的第 {ordinal} 行与日志不符，或不在日志的第 {position} 位。"),
            id=row.transfer.id,
            ordinal=row.transfer.ordinal,
            position=row.position,
        )


def check_growth(before: Checkpoint, after: Checkpoint, growth: Growth | None) -> None:
    """Raises Untrue unless the log that was is the beginning of the log that is."""
    if before == after:
        return
    if before.size > after.size:
        raise Untrue(mark("日志变短了：从 {old} 行到 {new} 行。"), old=before.size, new=after.size)
    if before.size < after.size and (growth is None or growth.since != before.size):
        raise Untrue(mark("缺少日志从 {old} 行增长到 {new} 行的证明。"), old=before.size, new=after.size)
    if growth is None or not is_consistent(before.size, before.root, after.size, after.root, growth.proof):
        raise Untrue(mark("日志不是只增不改：前 {old} 行已与从前不同。"), old=before.size)
