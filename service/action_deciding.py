"""What becomes of a claimed act, given what is known: credited, waiting, held, or refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from scenarios.actions import fair_play
from scenarios.actions.methodologies import Methodology, methodology_for
from scenarios.actions.reductions import Reduction, reduction_of, require_sane, under_caps
from scenarios.actions.terms import Action as Kind
from scenarios.refusals import ActImplausible
from service import ledger
from service.action_rows import (
    NOTHING,
    Account,
    ActionRequest,
    Month,
    Row,
    Standing,
    State,
    Told,
    standing_of,
)
from service.db import encode_json
from service.devices import Seen
from service.errors import BadInput, Conflict, NotFound, NotNow
from service.ledger_refusals import AccountClosed
from service.schedules import CHINA

LONGEST = timedelta(days=1)
PHOTO = "photo"
"""Why an act is held whose photo a reviewer is to look at."""
TIERS = ("proven", "self_declared")


class InTheFuture(NotNow):
    """行为日期 {occurred_on} 还没有到。"""

    code = "action_in_future"


class TooOld(NotNow):
    """行为日期 {occurred_on} 太早了，只能记录 {days} 天内的行为。"""

    code = "action_too_old"


class TimeMissing(BadInput):
    """请说明是什么时候做的。"""

    code = "action_time_missing"


class TimesUnsound(BadInput):
    """起止时间不对：结束要晚于开始、不超过一天，日期要与开始的时间一致。"""

    code = "action_times_unsound"


class CountedAlready(Conflict):
    """这段时间已经有一次同类行为的记录，不再重复计入。"""

    code = "action_counted_already"


class PhotoUnusable(Conflict):
    """这张照片不能用：不是您上传的，或已经用于另一次行为。"""

    code = "photo_unusable"


class Claim(NamedTuple):
    """A request with the methodology that it falls under, and the time that it takes in its family."""

    request: ActionRequest
    methodology: Methodology
    kind: Kind
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def month(self) -> Month:
        """What is counted together with it."""
        return Month(self.request.member_id, self.request.action, self.request.occurred_on)


class New(NamedTuple):
    """A claim decided and not yet recorded, with what it earns. `losers` are worse claims of the same act."""

    claim: Claim
    row: Row
    losers: Sequence[Standing]

    @property
    def credit_class(self) -> ledger.CreditClass:
        """What it earns credits of."""
        used, row = self.claim.methodology.used, self.row
        return ledger.CreditClass(row.region, used.id, used.version, row.occurred_on.replace(day=1))


class Known(NamedTuple):
    """What is known of a set of claims. `note` keeps it up to date while the set is decided."""

    accounts: Mapping[UUID, Account]
    told: dict[Month, Told]
    standing: dict[tuple[UUID, str], list[Standing]]
    consented: set[tuple[UUID, str, str, datetime]]
    devices: Mapping[tuple[UUID, bytes], Seen]
    photos: set[tuple[UUID, bytes]]

    def note(self, new: New) -> None:
        """Count a claim that was just decided."""
        row, month = new.row, new.claim.month
        told = self.told.get(month, NOTHING)
        self.told[month] = Told(
            told.quantity + row.quantity, told.counted + row.counted, told.counted_in_month + row.counted
        )
        self.photos.difference_update((row.member_id, photo) for photo in new.claim.request.photos)
        if row.family is not None:
            there = self.standing.setdefault((row.member_id, row.family), [])
            there[:] = [each for each in there if each not in new.losers]
            there.append(standing_of(row))


def claim_of(request: ActionRequest, now: datetime) -> Claim:
    """The methodology in force there on that day, and the time taken. Raises the refusal."""
    if request.occurred_on > request.today:
        raise InTheFuture(occurred_on=str(request.occurred_on))
    methodology = methodology_for(request.region, request.action, request.occurred_on)
    kind = methodology.action(request.action)
    if (request.today - request.occurred_on).days > kind.claim_days.amount:
        raise TooOld(occurred_on=str(request.occurred_on), days=kind.claim_days.amount)
    require_sane(kind, request.quantity)
    started_at, ended_at = time_of(request, kind)
    if started_at is not None and kind.times != "none" and started_at > now:
        raise InTheFuture(occurred_on=str(request.occurred_on))
    return Claim(request, methodology, kind, started_at, ended_at)


def time_of(request: ActionRequest, kind: Kind) -> tuple[datetime, datetime] | tuple[None, None]:
    """When the act began and ended, as its kind asks for. Raises TimeMissing, TimesUnsound."""
    started_at, ended_at = request.started_at, request.ended_at
    if kind.times == "none":
        if kind.family is None:
            return None, None
        began = datetime.combine(request.occurred_on, time(), CHINA).astimezone(UTC)
        return began, began + LONGEST
    if kind.times == "instant" and started_at is not None:
        ended_at = started_at + timedelta(seconds=kind.lasts_s)
    if started_at is None or ended_at is None:
        raise TimeMissing
    sound = started_at < ended_at <= started_at + LONGEST
    if not sound or started_at.astimezone(CHINA).date() != request.occurred_on:
        raise TimesUnsound
    return started_at.astimezone(UTC), ended_at.astimezone(UTC)


def decide(claim: Claim, known: Known, now: datetime) -> New:
    """What becomes of a claim. Raises the refusal."""
    request, kind = claim.request, claim.kind
    account = known.accounts.get(request.member_id)
    if account is None:
        raise NotFound
    if account.closed:
        raise AccountClosed
    if any((request.member_id, photo) not in known.photos for photo in request.photos):
        raise PhotoUnusable
    overlapping = list(overlaps(claim, known))
    if any(rank(kind, each) <= rank(kind, request) for each in overlapping):
        raise CountedAlready
    told = without(known.told.get(claim.month, NOTHING), overlapping, claim)
    fair = judge(claim, account, told, known, now)
    state, due_at, held_because = state_of(claim, fair, known, now)
    if overlapping and state != "credited":
        raise CountedAlready
    share_by = fair.share_by.name if fair.share_by else None
    counted = under_caps(kind, request.quantity, told.counted, told.counted_in_month, fair.share, share_by)
    some = counted if counted.capped_by else (None, None)
    reduction = reduction_of(claim.methodology, kind, request.quantity, request.evidence, request.region, *some)
    credited_g = sum(each.reduction_g for each in overlapping if each.state == "credited")
    row = row_of(claim, reduction, max(0, reduction.reduction_g - credited_g), state, due_at, held_because, now)
    return New(claim, row, overlapping)


def overlaps(claim: Claim, known: Known) -> Iterator[Standing]:
    """Claims that stand in some of the time that this one takes."""
    if claim.kind.family is None or claim.started_at is None or claim.ended_at is None:
        return
    for each in known.standing.get((claim.request.member_id, claim.kind.family), ()):
        if each.started_at < claim.ended_at and claim.started_at < each.ended_at:
            yield each


def rank(kind: Kind, claimed: ActionRequest | Standing) -> tuple[int, int]:
    """How good a claim is, the least the best: by who says so, then by evidence."""
    return kind.precedence.index(claimed.source), TIERS.index(claimed.evidence)


def without(told: Told, losers: Sequence[Standing], claim: Claim) -> Told:
    """What was told, less what this claim takes the place of."""
    request = claim.request
    for each in losers:
        if each.action == request.action and each.occurred_on.replace(day=1) == request.occurred_on.replace(day=1):
            of_day = each.occurred_on == request.occurred_on
            told = Told(
                told.quantity - each.quantity * of_day,
                told.counted - each.counted * of_day,
                told.counted_in_month - each.counted,
            )
    return told


def judge(claim: Claim, account: Account, told: Told, known: Known, now: datetime) -> fair_play.Verdict:
    """What fair play says. Raises ActImplausible, with the rule's name."""
    request = claim.request
    seen = known.devices.get((request.member_id, request.device)) if request.device else None
    seconds = None
    if claim.kind.times == "span" and claim.started_at and claim.ended_at:
        seconds = int((claim.ended_at - claim.started_at).total_seconds())
    verdict = fair_play.judge(
        claim.kind,
        request.quantity,
        seconds,
        request.source,
        request.evidence,
        len(request.photos),
        fair_play.Known(
            account_days=(now - account.opened_at).days,
            device_days=seen.days if seen else None,
            device_members=seen.members if seen else 0,
            told_today={request.action: told.quantity},
        ),
    )
    if rule := verdict.refused_by:
        raise ActImplausible(rule=rule.name, reason_label=rule.text, limit=rule.limit)
    return verdict


def state_of(
    claim: Claim, fair: fair_play.Verdict, known: Known, now: datetime
) -> tuple[State, datetime | None, str | None]:
    """Whether it is credited at once, or held for a reviewer and why, or pending and until when."""
    request, kind = claim.request, claim.kind
    if fair.held_by:
        return "in_review", None, fair.held_by.name
    if request.photos and kind.reviewed:
        return "in_review", None, PHOTO
    if is_reportable(claim) and consent_asked(claim) in known.consented:
        assert claim.ended_at
        assert kind.reports_within_h
        due_at = claim.ended_at + timedelta(hours=kind.reports_within_h.amount)
        if due_at > now:
            return "pending", due_at, None
    return "credited", None, None


def is_reportable(claim: Claim) -> bool:
    """Whether it is of a kind that a partner might report better."""
    return claim.request.source != "partner" and bool(claim.kind.reports_within_h and claim.kind.family)


def consent_asked(claim: Claim) -> tuple[UUID, str, str, datetime]:
    """What `consented` answers, of a claim that is reportable."""
    assert claim.started_at
    return claim.request.member_id, claim.request.region, claim.request.action, claim.started_at


def row_of(
    claim: Claim,
    reduction: Reduction,
    reduction_g: int,
    state: State,
    due_at: datetime | None,
    held_because: str | None,
    now: datetime,
) -> Row:
    """A decided claim as it is stored."""
    request = claim.request
    return Row(
        id=request.id,
        reported_as=request.reported_as,
        member_id=request.member_id,
        region=request.region,
        action=request.action,
        quantity=request.quantity,
        counted=request.quantity if reduction.counted is None else reduction.counted,
        occurred_on=request.occurred_on,
        started_at=claim.started_at,
        ended_at=claim.ended_at,
        family=claim.kind.family,
        source=request.source,
        evidence=request.evidence,
        state=state,
        reduction_g=reduction_g,
        due_at=due_at,
        held_because=held_because,
        partner_id=request.partner_id,
        station_id=request.station_id,
        trace=encode_json(reduction),
        request_digest=request.request_digest,
        logged_at=now,
        settled_at=now if state == "credited" else None,
    )
