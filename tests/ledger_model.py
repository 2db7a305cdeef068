"""The ledger in plain Python, as simple as can be: what each operation must answer, and where the grams are then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from service.donations import DonationRequest

DONE = "done"
Parts = list[tuple[int, int]]
"""Classes and grams of each, the oldest first."""


@dataclass
class Gift:
    """One row of what an event was given, in one class."""

    id: UUID
    member: UUID
    event: UUID
    class_id: int
    grams: int
    posted: bool = False
    ended: bool = False


@dataclass
class Reserved:
    """Grams set aside, and how that ended: its id, the way, and what went to the event."""

    member: UUID
    event: UUID
    parts: Parts
    due: bool
    ending: tuple[UUID, str, int] | None = None

    @property
    def grams(self) -> int:
        """All of it."""
        return sum(grams for _, grams in self.parts)


def drawn(parts: Sequence[tuple[int, int]], grams: int) -> Parts:
    """The first of the parts that make up these grams."""
    taken: Parts = []
    for class_id, held in parts:
        part = min(held, grams)
        grams -= part
        if part:
            taken.append((class_id, part))
    return taken


@dataclass
class Model:
    """Where the grams are. `classes` stand from the oldest; `earned_at` says which were earned by travelling where."""

    classes: list[int]
    earned_at: dict[int, UUID]
    events: set[UUID]
    held: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    at_events: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    retired: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    cancelled: set[UUID] = field(default_factory=set)
    issued: dict[UUID, Gift] = field(default_factory=dict)
    gifts: dict[UUID, list[Gift]] = field(default_factory=dict)
    reserved: dict[UUID, Reserved] = field(default_factory=dict)
    decided: dict[UUID, tuple[DonationRequest, str]] = field(default_factory=dict)
    retirements: dict[UUID, tuple[object, ...]] = field(default_factory=dict)

    def holdings(self, member: UUID) -> Parts:
        """What a member holds."""
        return [(each, self.held[member, each]) for each in self.classes if self.held[member, each]]

    def given(self, event: UUID) -> Parts:
        """What an event has."""
        return [(each, self.at_events[event, each]) for each in self.classes if self.at_events[event, each]]

    def issue(self, id_: UUID, member: UUID, class_id: int, grams: int) -> None:
        """Grams come to be."""
        self.held[member, class_id] += grams
        self.issued[id_] = Gift(id_, member, member, class_id, grams)

    def covered(self, member: UUID, event: UUID | None, grams: int) -> str | Parts:
        """The parts that make up grams for an event, or why not."""
        parts = self.holdings(member)
        usable = [each for each in parts if event is None or self.earned_at.get(each[0]) != event]
        if sum(held for _, held in parts) < grams:
            return "overdraft"
        if sum(held for _, held in usable) < grams:
            return "same_event_reduction"
        return drawn(usable, grams)

    def donate(self, request: DonationRequest) -> str:
        """The first verdict stands, for the same request."""
        if request.id in self.decided:
            first, verdict = self.decided[request.id]
            return verdict if first == request else "id_reused"
        if request.event_id not in self.events:
            return "not_found"
        if request.event_id in self.cancelled:
            return "closed_to_donations"
        parts = self.covered(request.member_id, request.event_id, request.grams)
        verdict = parts if isinstance(parts, str) else DONE
        if not isinstance(parts, str):
            self.give(request.id, request.member_id, request.event_id, parts)
        self.decided[request.id] = request, verdict
        return verdict

    def give(self, id_: UUID, member: UUID, event: UUID, parts: Parts) -> None:
        """Grams go to an event."""
        for class_id, grams in parts:
            self.held[member, class_id] -= grams
            self.at_events[event, class_id] += grams
            self.gifts.setdefault(id_, []).append(Gift(id_, member, event, class_id, grams))

    def reverse(self, id_: UUID) -> str:
        """What was issued or given goes back, whole and once; nothing else does."""
        if issued := self.issued.get(id_):
            return self.reverse_issue(issued)
        gifts = self.gifts.get(id_)
        if gifts is None:
            return "fits_what_it_ends"
        if any(each.ended for each in gifts):
            return "ended"
        if gifts[0].posted:
            return "fits_what_it_ends"
        if any(self.at_events[each.event, each.class_id] < each.grams for each in gifts):
            return "no_overdraft"
        for each in gifts:
            self.give_back(each, each.grams)
        return DONE

    def reverse_issue(self, issued: Gift) -> str:
        """Grams are no more."""
        if issued.ended:
            return "ended"
        if self.held[issued.member, issued.class_id] < issued.grams:
            return "no_overdraft"
        issued.ended = True
        self.held[issued.member, issued.class_id] -= issued.grams
        self.left[issued.class_id] += issued.grams
        return DONE

    def give_back(self, gift: Gift, grams: int) -> None:
        """Some of a gift goes back to who gave it; no more will."""
        gift.ended = True
        self.at_events[gift.event, gift.class_id] -= grams
        self.held[gift.member, gift.class_id] += grams

    def reserve(self, id_: UUID, member: UUID, event: UUID, grams: int, due: bool) -> str:
        """Grams are set aside for an event; `due` says that their time is up at once."""
        if event not in self.events:
            return "not_found"
        if event in self.cancelled:
            return "closed_to_donations"
        parts = self.covered(member, event, grams)
        if isinstance(parts, str):
            return parts
        for class_id, part in parts:
            self.held[member, class_id] -= part
        self.reserved[id_] = Reserved(member, event, parts, due)
        return DONE

    def end(self, id_: UUID, ending_id: UUID, way: str, grams: int) -> str:
        """What was set aside is posted, in whole or part, or given back: once."""
        one = self.reserved.get(id_)
        if one is None:
            return "not_found"
        if one.ending:
            return self.again(one.ending, (ending_id, way, grams))
        if way == "post" and one.due:
            return "reservation_ended"
        if way == "lapse" and not one.due:
            return "not_lapsed_yet"
        if grams > one.grams:
            return "more_than_reserved"
        if way == "post" and one.event in self.cancelled:
            return "closed_to_donations"
        one.ending = ending_id, way, grams
        for class_id, part in one.parts:
            self.held[one.member, class_id] += part
        if grams:
            self.give(ending_id, one.member, one.event, drawn(one.parts, grams))
            for each in self.gifts[ending_id]:
                each.posted = True
        return DONE

    @staticmethod
    def again(was: tuple[UUID, str, int], asked: tuple[UUID, str, int]) -> str:
        """What an ended reservation answers."""
        return DONE if was == asked else "id_reused" if was[0] == asked[0] else "reservation_ended"

    def retire(self, id_: UUID, account: UUID, event: UUID | None, grams: int) -> str:
        """A member's or an event's grams are used up."""
        if id_ in self.retirements:
            return DONE if self.retirements[id_] == (account, event, grams) else "id_reused"
        if event is not None and event not in self.events:
            return "not_found"
        if event in self.cancelled:
            return "closed_to_retirements"
        parts = self.given(account) if account in self.events else self.holdings(account)
        if not parts:
            return "nothing_to_retire"
        usable = parts if account in self.events else self.covered(account, event, grams)
        if isinstance(usable, str) or sum(held for _, held in parts) < grams:
            return usable if isinstance(usable, str) else "overdraft"
        for class_id, part in drawn(usable, grams):
            (self.at_events if account in self.events else self.held)[account, class_id] -= part
            self.retired[account, class_id] += part
            self.left[class_id] += part
        self.retirements[id_] = account, event, grams
        return DONE

    def expire(self, member: UUID, class_id: int, grams: int) -> str:
        """Some of what a member holds of a class ends."""
        if self.held[member, class_id] < grams:
            return "no_overdraft"
        self.held[member, class_id] -= grams
        self.left[class_id] += grams
        return DONE

    def refund(self, event: UUID, order: Sequence[tuple[UUID, int]]) -> None:
        """What a cancelled event was given goes back, in the journal's order, but for what it retired, first in."""
        kept = {class_id: self.retired[event, class_id] for class_id in self.classes}
        for id_, class_id in order:
            (gift,) = (each for each in self.gifts[id_] if each.class_id == class_id)
            if not gift.ended:
                stays = min(kept[class_id], gift.grams)
                kept[class_id] -= stays
                if gift.grams > stays:
                    self.give_back(gift, gift.grams - stays)
