"""Citizens' low-carbon actions: quantified by their region's methodology, each act credited once.

`log_many` takes a set of claims: it holds the members' accounts, reads what is known of all, decides each (pure),
records the new ones together and issues what they earned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from scenarios.refusals import CarbonRefusal
from service import action_rows, devices, evidence, ledger
from service.action_deciding import Claim, Known, New, claim_of, consent_asked, decide, is_reportable, rank
from service.action_rows import Account, Action, ActionRequest, Standing, action_from, action_of, find_many
from service.carbon import carbon_refusal
from service.db import Connection
from service.errors import IdReused, NotFound, Refusal

LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def log_many(connection: Connection, requests: Sequence[ActionRequest], now: datetime) -> list[Action | Refusal]:
    """Quantify, record and credit each, or say why not; a repeat gets what was recorded. Commits nothing itself."""
    accounts = await action_rows.hold_accounts(connection, {request.member_id for request in requests})
    found = await find_many(connection, [request.known_as for request in requests])
    stored = {row["reported_as"] or row["id"]: row for row in found}
    firsts: dict[UUID, ActionRequest] = {}
    for request in requests:
        if request.known_as not in stored:
            firsts.setdefault(request.known_as, request)
    decided = await decide_all(connection, accounts, list(firsts.values()), now)
    await record(connection, [each for each in decided.values() if isinstance(each, New)], now)
    answered: set[UUID] = set()
    answers: list[Action | Refusal] = []
    for request in requests:
        first = firsts.get(request.known_as)
        if first is None:
            answers.append(answer_of(request, stored[request.known_as]))
        elif (first.member_id, first.request_digest) != (request.member_id, request.request_digest):
            answers.append(IdReused())
        elif isinstance(new := decided[first.id], Refusal):
            answers.append(new)
        else:
            answers.append(action_of(new.row, duplicate=request.known_as in answered))
        answered.add(request.known_as)
    return answers


async def decide_all(
    connection: Connection, accounts: Mapping[UUID, Account], requests: Sequence[ActionRequest], now: datetime
) -> dict[UUID, New | Refusal]:
    """What becomes of each, one after the other: of one person's the best first."""
    decided: dict[UUID, New | Refusal] = {}
    claims: list[Claim] = []
    for request in requests:
        try:
            claims.append(claim_of(request, now))
        except CarbonRefusal as refusal:
            decided[request.id] = carbon_refusal(refusal)
        except Refusal as refusal:
            decided[request.id] = refusal
    claims.sort(key=best_first)
    known = await what_is_known(connection, accounts, claims, now)
    for claim in claims:
        try:
            new = decided[claim.request.id] = decide(claim, known, now)
            known.note(new)
        except CarbonRefusal as refusal:
            decided[claim.request.id] = carbon_refusal(refusal)
        except Refusal as refusal:
            decided[claim.request.id] = refusal
    return decided


def best_first(claim: Claim) -> tuple[UUID, tuple[int, int], datetime, UUID]:
    """By person, then the better claim, then the earlier."""
    request = claim.request
    return request.member_id, rank(claim.kind, request), claim.started_at or LONG_AGO, request.id


def by_start(new: New) -> tuple[UUID, datetime, UUID]:
    """By person and start: the order in which every writer takes their time."""
    return new.row.member_id, new.row.started_at or LONG_AGO, new.row.id


async def what_is_known(
    connection: Connection, accounts: Mapping[UUID, Account], claims: Sequence[Claim], now: datetime
) -> Known:
    """What bears on these claims. Asks only for what some of them need."""
    spans = [
        (each.request.member_id, each.kind.family, each.started_at, each.ended_at)
        for each in claims
        if each.kind.family and each.started_at and each.ended_at
    ]
    standing: dict[tuple[UUID, str], list[Standing]] = {}
    for found in await action_rows.standing_claims(connection, spans):
        standing.setdefault((found.member_id, found.family), []).append(found)
    reportable = [consent_asked(each) for each in claims if is_reportable(each)]
    photos = [(each.request.member_id, photo) for each in claims for photo in each.request.photos]
    pairs = {(each.request.member_id, each.request.device) for each in claims if each.request.device}
    return Known(
        accounts=accounts,
        told=await action_rows.told_already(connection, [each.month for each in claims]),
        standing=standing,
        consented=await action_rows.consented(connection, reportable),
        devices=await devices.known_devices(connection, pairs, now),
        photos=await evidence.usable(connection, photos),
    )


async def record(connection: Connection, news: Sequence[New], now: datetime) -> None:
    """Store new actions, and issue what was earned at once.

    Raises asyncpg's UniqueViolationError when another has come under the same id since they were looked for; whoever
    gathers sets tries their parts one by one.
    """
    if not news:
        return
    classes = await ledger.class_ids(connection, {each.credit_class for each in news})
    await action_rows.overtake(connection, {loser.id: each.row.id for each in news for loser in each.losers}, now)
    await action_rows.insert(connection, [each.row for each in sorted(news, key=by_start)])
    await evidence.attach(connection, [(new.row.id, photo) for new in news for photo in new.claim.request.photos])
    await devices.note_devices(
        connection, {(new.row.member_id, new.claim.request.device) for new in news if new.claim.request.device}, now
    )
    await ledger.post_many(
        connection,
        [
            issuance(new.row.id, new.row.member_id, classes[new.credit_class], new.row.reduction_g)
            for new in news
            if new.row.state == "credited" and new.row.reduction_g > 0
        ],
    )


def issuance(action_id: UUID, member_id: UUID, class_id: int, grams: int) -> ledger.Transfer:
    """The transfer that issues what an act earned, under the act's id."""
    return ledger.Transfer(action_id, ledger.ISSUANCE, member_id, class_id, grams, "issue")


def answer_of(request: ActionRequest, row: asyncpg.Record) -> Action | Refusal:
    """The recorded action, if it is this member's and says the same."""
    if (row["member_id"], row["request_digest"]) != (request.member_id, request.request_digest):
        return IdReused()
    return action_from(row, duplicate=True)


async def find_own(connection: Connection, member_id: UUID, action_id: UUID) -> Action:
    """A member's action. Raises NotFound."""
    found = await find_many(connection, [action_id])
    row = next((each for each in found if each["id"] == action_id), None)
    if row is None or row["member_id"] != member_id:
        raise NotFound
    return action_from(row)


async def of_member(connection: Connection, member_id: UUID, limit: int = 100) -> list[Action]:
    """A member's actions, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, coalesce(counted, quantity) AS counted, occurred_on,
            lower(period) AS started_at, upper(period) AS ended_at, source, evidence, state, reduction_g, due_at,
            held_because, overtaken_by, trace, request_digest, logged_at
        FROM actions WHERE member_id = $1 ORDER BY logged_at DESC, id DESC LIMIT $2
        """,
        member_id,
        limit,
    )
    return [action_from(row) for row in rows]
