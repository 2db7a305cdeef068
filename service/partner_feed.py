"""Feeds of partners: up to 10 000 acts in a body, decided in sets, a verdict a line.

A feed runs in a task of its own, so that a set that was begun is finished whoever listens. A set is a transaction; one
that fails as a whole is done again line by line, and when the database is away the rest is told to come again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

import asyncpg

from service import consents, partner_reports, partners
from service.action_rows import Action, ActionRequest
from service.actions import log_many
from service.consents import NoConsent
from service.db import AWAY, Connection, new_id
from service.errors import BadInput, NotAllowed, NotReady, Refusal
from service.i18n import Language
from service.ledger_refusals import refusal_of
from service.partner_reports import LONGEST_LINE, Line, Report, digest_of, id_of
from service.partner_signatures import Signed, use_nonce
from service.schedules import CHINA
from service.spools import Spool

MOST_LINES = 10_000
AT_ONCE = 2
"""Policy: feeds of a process at once. More would only wait for each other, and for the same two cores."""
SET = 200
"""Acts a transaction. Five hundred go a twentieth faster, and hold up everyone else twice as long: 25 ms against 12."""
AHEAD = 2
"""Sets of verdicts kept for a listener who is slow."""
PATIENCE_S = 60.0
"""How long a listener may leave verdicts untaken; then the feed ends with the set in hand."""

log = logging.getLogger(__name__)


class TooManyLines(BadInput):
    """一次最多 {most} 行。"""

    code = "too_many_lines"


class ScopeNotApproved(NotAllowed):
    """主管部门没有批准这家合作方上报这种行为：{region} {action}"""

    code = "scope_not_approved"


class FeedsBusy(NotReady):
    """正在处理其他批次，请稍后再发。"""

    code = "feeds_busy"
    retry_after_s = 5


class Feed:
    """One feed under way: its lines, whose it is, in which language refusals speak, and verdicts to be taken."""

    def __init__(self, spool: Spool, partner_id: UUID, language: Language) -> None:
        self.spool = spool
        self.partner_id = partner_id
        self.language = language
        self.verdicts: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)
        self.left = False
        self.put_off = False
        self._lines = partner_reports.read_all(spool.lines(LONGEST_LINE))

    def next_set(self) -> list[Line]:
        """The next lines, read from the disk; none when they are at an end, or nobody listens any more."""
        return [] if self.left else list(islice(self._lines, SET))

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """The verdicts, a set at a time. Whoever stops listening ends the feed after the set in hand."""
        try:
            while (said := await self.verdicts.get()) is not None:
                yield said
        finally:
            self.left = True
            while not self.verdicts.empty():
                self.verdicts.get_nowait()

    async def say(self, said: bytes | None) -> None:
        """Put verdicts where they are listened for; note that the listener left, when they are not taken."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.verdicts.put(said)
        except TimeoutError:
            self.left = True


class Feeds:
    """The feeds of one process, on its connections for hot writes."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._taken = 0
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def under_way(self) -> int:
        """How many feeds there are at the moment."""
        return self._taken

    def require_room(self) -> None:
        """Raises FeedsBusy when as many feeds are under way as may be."""
        if self._closed or self._taken >= AT_ONCE:
            raise FeedsBusy

    async def start(self, spool: Spool, signed: Signed, language: Language) -> AsyncGenerator[bytes, None]:
        """Begin with a body whose signature is genuine; the verdicts as lines of JSON. The spool is closed at the end.

        Raises FeedsBusy, TooManyLines, NonceUsed, KeyUnknown: then nothing was begun, and the spool stays open.
        """
        if spool.count() > MOST_LINES:
            raise TooManyLines(most=MOST_LINES)
        self.require_room()
        self._taken += 1
        try:
            async with self._pool.acquire() as connection:
                await use_nonce(connection, signed, datetime.now(UTC))
        except BaseException:
            self._taken -= 1
            raise
        feed = Feed(spool, signed.partner_id, language)
        running = asyncio.create_task(self._run(feed))
        self._running.add(running)
        running.add_done_callback(self._end)
        return feed.listen()

    def _end(self, running: asyncio.Task[None]) -> None:
        self._taken -= 1
        self._running.discard(running)

    async def _run(self, feed: Feed) -> None:
        """Decide set after set, as long as somebody listens. Lines that cannot be decided are told to come again."""
        with feed.spool:
            said = 0
            try:
                while read := await asyncio.to_thread(feed.next_set):
                    became = await self._decide_or_put_off(feed, read)
                    await feed.say(encoded(read, became, feed.language))
                    said += len(read)
            except Exception:
                log.exception("a feed of partner %s broke off", feed.partner_id)
            rest = [Line(number + 1, NotReady(), None) for number in range(said, feed.spool.count())]
            if rest and not feed.left:
                await feed.say(encoded(rest, [NotReady()] * len(rest), feed.language))
            await feed.say(None)

    async def _decide_or_put_off(self, feed: Feed, lines: Sequence[Line]) -> Sequence[Action | Refusal]:
        """Decide a set, unless the database was away at an earlier one or is now."""
        if not (feed.put_off or self._closed):
            try:
                return await self._decide(feed.partner_id, lines)
            except NotReady:
                feed.put_off = True
        return [NotReady()] * len(lines)

    async def _decide(self, partner_id: UUID, lines: Sequence[Line]) -> list[Action | Refusal]:
        """Commit a set. What fails as a set is done line by line. Raises NotReady when the database is away."""
        try:
            async with self._pool.acquire(timeout=30) as connection, connection.transaction():
                return await decide(connection, partner_id, lines, datetime.now(UTC))
        except Exception as fault:
            if isinstance(fault, AWAY) and not isinstance(fault, asyncpg.DataError):
                log.warning("a feed waits for the database: %r", fault)
                raise NotReady from fault
            if len(lines) > 1:
                return [became for line in lines for became in await self._decide(partner_id, [line])]
            return [refusal_of(fault) or unexpected(fault)]

    async def close(self) -> None:
        """Take no more; finish the sets in hand."""
        self._closed = True
        while self._running:
            await asyncio.wait(set(self._running))


def unexpected(fault: Exception) -> Refusal:
    """A fault of our own, written down; the line may be tried again."""
    log.error("a line could not be decided", exc_info=fault)
    return NotReady()


def encoded(lines: Sequence[Line], became: Sequence[Action | Refusal], language: Language) -> bytes:
    """Verdicts as lines of JSON."""
    pairs = zip(lines, became, strict=True)
    return partner_reports.encode.encode_lines([partner_reports.answer(*each, language) for each in pairs])


async def decide(
    connection: Connection, partner_id: UUID, lines: Sequence[Line], now: datetime
) -> list[Action | Refusal]:
    """What becomes of lines of a feed, in their order."""
    asked = await requests_of(connection, partner_id, lines, now)
    requests = [each for each in asked if not isinstance(each, Refusal)]
    became = iter(await log_many(connection, requests, now))
    return [each if isinstance(each, Refusal) else next(became) for each in asked]


async def requests_of(
    connection: Connection, partner_id: UUID, lines: Sequence[Line], now: datetime
) -> list[ActionRequest | Refusal]:
    """What lines ask for, or why they may not: the authority did not approve it, the citizen did not consent."""
    reports = [each.report for each in lines if isinstance(each.report, Report)]
    scopes = await partners.approved(connection, partner_id)
    terms = await consents.terms(connection, partner_id, {(each.subject, each.action) for each in reports})
    today = now.astimezone(CHINA).date()

    def request_of(report: Report | Refusal) -> ActionRequest | Refusal:
        if isinstance(report, Refusal):
            return report
        if (report.region, report.action) not in scopes:
            return ScopeNotApproved(region=report.region, action=report.action)
        member_id = consents.owner_at(terms.get((report.subject, report.action), ()), report.started_at)
        if member_id is None:
            return NoConsent()
        return ActionRequest(
            id=new_id(),
            reported_as=id_of(partner_id, report.external_id),
            member_id=member_id,
            region=report.region,
            action=report.action,
            quantity=report.quantity,
            occurred_on=report.started_at.astimezone(CHINA).date(),
            request_digest=digest_of(report),
            today=today,
            started_at=report.started_at,
            ended_at=report.ended_at,
            source="partner",
            evidence="proven",
            partner_id=partner_id,
        )

    return [request_of(each.report) for each in lines]
