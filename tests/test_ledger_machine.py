"""Any operations in any order, their repeats and mistakes: the ledger answers and holds what a plain model says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service import cancellations, ledger, refunds, reservations, retirements, transfer_log
from service.access import Caller, Role
from service.config import Config
from service.db import SETTINGS, Connection, new_id, set_up_connection
from service.donations import DonationRequest, donate_many
from service.errors import Refusal
from service.ledger import Transfer
from service.retirements import NewEventRetirement, NewRetirement
from tests.books import CLASSES, open_member
from tests.ledger_model import DONE, Model
from tests.tallied import open_hall

AN_HOUR = timedelta(hours=1)
A_MOMENT = timedelta(milliseconds=15)
GRAMS = st.integers(1, 60) | st.integers(60, 200)
WHO = st.integers(0, 2)
WHERE = st.sampled_from([0, 0, 0, 1, 1, 2])
NTH = st.integers(0, 9)
A_GIFT = st.tuples(WHO, WHERE, GRAMS, st.sampled_from(["new", "new", "new", "same", "changed"]), NTH)


class Ledger(RuleBasedStateMachine):
    """One example in one transaction, never committed; each step in a savepoint."""

    runner: ClassVar[asyncio.Runner]
    connection: ClassVar[asyncpg.Connection]
    config: ClassVar[Config]

    def run(self, work: Awaitable[Any]) -> Any:
        """Do it now."""

        async def done() -> Any:
            return await work

        return self.runner.run(done())

    def attempt(self, work: Awaitable[object]) -> str:
        """What came of it: done, or the refusal's code, or the database's constraint."""

        async def within() -> None:
            async with self.connection.transaction():
                await work

        try:
            self.run(within())
        except Refusal as refusal:
            return refusal.code
        except asyncpg.UniqueViolationError:
            return "ended"
        except asyncpg.CheckViolationError as violation:
            return str(violation.constraint_name)
        return DONE

    @initialize()
    def open(self) -> None:
        """Three members with some of four classes, one of them earned by travelling to the first of two events."""
        self.whole = self.connection.transaction()
        self.run(self.whole.start())
        self.run(self.open_books())

    async def open_books(self) -> None:
        """Who and what there is."""
        connection = self.connection
        self.members = [await open_member(connection) for _ in range(3)]
        halls = [(await open_hall(connection)).id for _ in range(2)]
        self.events = [*halls, new_id()]
        await connection.execute(
            """
            INSERT INTO organization_members (organization_id, member_id, role)
            SELECT id, $1, 'owner' FROM organizations
            """,
            self.members[0],
        )
        travel = CLASSES[1]._replace(event_id=halls[0])
        ids = await ledger.class_ids(connection, [*CLASSES, travel])
        order = sorted(ids, key=lambda each: (each.vintage, ids[each]))
        self.model = Model([ids[each] for each in order], {ids[travel]: halls[0]}, set(halls))
        await self.enrich()
        self.endings: list[tuple[UUID, UUID, str, int]] = []
        self.retired: list[tuple[UUID, UUID, UUID | None, int]] = []

    async def enrich(self) -> None:
        """Everyone has some of each class."""
        for member in self.members:
            transfers = [Transfer(new_id(), ledger.ISSUANCE, member, each, 60, "issue") for each in self.model.classes]
            await ledger.post_many(self.connection, transfers)
            for each in transfers:
                self.model.issue(each.id, member, each.class_id, each.grams)

    @rule(who=WHO, of=st.integers(0, 3), grams=GRAMS)
    def issue(self, who: int, of: int, grams: int) -> None:
        """A member earns something."""
        id_, member, class_id = new_id(), self.members[who], self.model.classes[of]
        transfer = Transfer(id_, ledger.ISSUANCE, member, class_id, grams, "issue")
        assert self.attempt(ledger.post_many(self.connection, [transfer])) == DONE
        self.model.issue(id_, member, class_id, grams)

    @rule(gifts=st.lists(A_GIFT, min_size=1, max_size=4))
    def donate(self, gifts: list[tuple[int, int, int, str, int]]) -> None:
        """A set of donations, some of them sent before, some of those with another amount."""
        before = [request for request, _ in self.model.decided.values()]
        requests = []
        for who, where, grams, kind, nth in gifts:
            request = DonationRequest(new_id(), self.members[who], self.events[where], grams)
            if kind != "new" and before:
                request = before[nth % len(before)]
                request = request if kind == "same" else request._replace(grams=request.grams + 1)
            requests.append(request)
        verdicts = self.run(donate_many(self.connection, requests))
        answers = [each.code if isinstance(each, Refusal) else DONE for each in verdicts]
        assert answers == [self.model.donate(each) for each in requests]

    @rule(nth=NTH, what=st.sampled_from(["issued", "gifts", "gifts", "retirements"]))
    def reverse(self, nth: int, what: str) -> None:
        """Something is to be undone."""
        if ids := list(getattr(self.model, what)):
            id_ = ids[nth % len(ids)]
            assert self.attempt(self.undo(id_)) == self.model.reverse(id_)

    async def undo(self, id_: UUID) -> None:
        """Reverse, and where it was a gift tell the tally."""
        reversal = new_id()
        await ledger.reverse(self.connection, id_, reversal)
        if gifts := self.model.gifts.get(id_, []):
            await refunds.note(self.connection, gifts[0].event, 0, sum(each.grams for each in gifts), [reversal])

    @rule(who=WHO, where=WHERE, grams=GRAMS, brief=st.booleans())
    def reserve(self, who: int, where: int, grams: int, brief: bool) -> None:
        """Grams are set aside; if `brief`, until a moment later."""
        id_, member, event = new_id(), self.members[who], self.events[where]
        lasting, answer = A_MOMENT if brief else AN_HOUR, "lapses_too_soon"
        while answer == "lapses_too_soon":  # by a moment: the machine is busy, and the same must happen each time
            until = datetime.now(UTC) + lasting
            answer = self.attempt(reservations.reserve(self.connection, id_, member, event, grams, until))
            lasting *= 2
        assert answer == self.model.reserve(id_, member, event, grams, brief)
        self.run(asyncio.sleep((until - datetime.now(UTC)).total_seconds() if brief else 0))

    @precondition(lambda self: self.model.reserved)
    @rule(nth=NTH, way=st.sampled_from(["post", "post", "void", "lapse"]), grams=st.none() | GRAMS)
    def end(self, nth: int, way: str, grams: int | None) -> None:
        """A reservation is ended, or tried to."""
        id_ = list(self.model.reserved)[nth % len(self.model.reserved)]
        posted = 0 if way != "post" else self.model.reserved[id_].grams if grams is None else grams
        self.end_by((id_, new_id(), way, posted))

    @precondition(lambda self: self.endings)
    @rule(nth=NTH, changed=st.booleans())
    def end_again(self, nth: int, changed: bool) -> None:
        """The same ending is sent again, or another under its id."""
        id_, ending_id, way, grams = self.endings[nth % len(self.endings)]
        if changed:
            way, grams = ("void", 0) if way != "void" else ("post", 1)
        self.end_by((id_, ending_id, way, grams))

    def end_by(self, ending: tuple[UUID, UUID, str, int]) -> None:
        """Send it, and compare."""
        id_, ending_id, way, grams = ending
        work: Awaitable[object] = (
            reservations.post(self.connection, id_, ending_id, grams)
            if way == "post"
            else (reservations.void if way == "void" else reservations.lapse)(self.connection, id_, ending_id)
        )
        answer = self.attempt(work)
        assert answer == self.model.end(id_, ending_id, way, grams)
        if answer == DONE:
            self.endings.append(ending)

    @rule(who=WHO, where=st.none() | WHERE, grams=GRAMS)
    def retire_own(self, who: int, where: int | None, grams: int) -> None:
        """A member uses up their own."""
        self.retire((new_id(), self.members[who], None if where is None else self.events[where], grams))

    @rule(where=st.integers(0, 1), grams=GRAMS)
    def retire_given(self, where: int, grams: int) -> None:
        """An event uses up what it was given."""
        self.retire((new_id(), self.events[where], self.events[where], grams))

    @precondition(lambda self: self.retired)
    @rule(nth=NTH, more=st.integers(0, 1))
    def retire_again(self, nth: int, more: int) -> None:
        """The same retirement is sent again, or another amount under its id."""
        id_, account, event, grams = self.retired[nth % len(self.retired)]
        self.retire((id_, account, event, grams + more))

    def retire(self, asked: tuple[UUID, UUID, UUID | None, int]) -> None:
        """Send it, and compare."""
        id_, account, event, grams = asked
        work: Awaitable[object] = (
            retirements.retire_for_event(
                self.connection,
                id_,
                account,
                NewEventRetirement(grams=grams, beneficiary="碳惠会务", purpose="零碳会议"),
            )
            if account in self.events
            else retirements.retire_own(
                self.connection,
                id_,
                account,
                NewRetirement(grams=grams, beneficiary="李雷", purpose="出行", event_id=event),
            )
        )
        answer = self.attempt(work)
        assert answer == self.model.retire(id_, account, event, grams)
        if answer == DONE and asked not in self.retired:
            self.retired.append(asked)

    @rule(who=WHO, of=st.integers(0, 3), grams=GRAMS)
    def expire(self, who: int, of: int, grams: int) -> None:
        """Some of what a member holds ends."""
        member, class_id = self.members[who], self.model.classes[of]
        transfer = Transfer(new_id(), member, ledger.EXPIRED, class_id, grams, "expire")
        answer = self.attempt(ledger.post_many(self.connection, [transfer]))
        assert answer == self.model.expire(member, class_id, grams)

    @precondition(lambda self: self.model.gifts)
    @rule(where=WHERE, limit=st.integers(1, 3), luck=st.integers(0, 2))
    def cancel(self, where: int, limit: int, luck: int) -> None:
        """An event is cancelled, now and then, and what it was given goes back."""
        if luck == 1:
            event, caller = self.events[where], Caller(self.members[0], frozenset({Role.ORGANIZER}))
            answer = self.attempt(cancellations.cancel(self.connection, caller, event, "改期"))
            known = "already_cancelled" if event in self.model.cancelled else DONE
            assert answer == (known if event in self.model.events else "not_found")
            if answer == DONE:
                self.model.cancelled.add(event)
                while self.run(refunds.refund_some(self.connection, event, limit)):
                    pass
                self.model.refund(event, self.run(self.order_of(event)))

    async def order_of(self, event: UUID) -> list[tuple[UUID, int]]:
        """Rows given to an event in the journal's order: id and class."""
        rows = await self.connection.fetch(
            """
            SELECT id, class_id FROM transfers WHERE destination = $1 AND reason IN ('donate', 'post')
            ORDER BY made_at, id, ordinal
            """,
            event,
        )
        return [(row["id"], row["class_id"]) for row in rows]

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        """Balances, and what events, reservations and those gone hold by the journal."""
        found = self.run(self.read())
        expected = {
            "held": self.model.held,
            "at_events": self.model.at_events,
            "left": self.model.left,
            "reserved": Counter(
                {
                    (id_, class_id): grams
                    for id_, one in self.model.reserved.items()
                    if not one.ending
                    for class_id, grams in one.parts
                }
            ),
        }
        assert {name: +grams for name, grams in found.items()} == {name: +grams for name, grams in expected.items()}

    async def read(self) -> dict[str, Counter[Any]]:
        """The books as they are."""
        balances = await self.connection.fetch(
            "SELECT account_id, class_id, grams FROM balances WHERE account_id = ANY ($1)", self.members
        )
        events = await self.connection.fetch(
            """
            SELECT events.id, class_id, sum(CASE destination WHEN events.id THEN grams ELSE -grams END)::bigint AS grams
            FROM unnest($1::uuid[]) AS events (id) JOIN transfers ON events.id IN (source, destination)
            GROUP BY events.id, class_id
            """,
            self.events,
        )
        blocks = await self.connection.fetch(
            "SELECT class_id, max(next_serial) - 1 AS grams FROM serial_blocks GROUP BY class_id"
        )
        reserved = await self.connection.fetch(
            """
            SELECT id, class_id, grams FROM transfers JOIN open_reservations ON reservation_id = id
            """
        )
        return {
            "held": Counter({(row["account_id"], row["class_id"]): row["grams"] for row in balances}),
            "at_events": Counter({(row["id"], row["class_id"]): row["grams"] for row in events}),
            "left": Counter({row["class_id"]: row["grams"] for row in blocks}),
            "reserved": Counter({(row["id"], row["class_id"]): row["grams"] for row in reserved}),
        }

    def teardown(self) -> None:
        """At the end the books are in order, before and after they are sealed."""
        if hasattr(self, "whole"):
            assert self.run(ledger.audit(self.connection)) == []
            while self.run(transfer_log.seal(self.connection, self.config, 7)):
                pass
            assert self.run(ledger.audit(self.connection)) == []
            self.run(self.whole.rollback())


@contextmanager
def connected(config: Config) -> Iterator[None]:
    """Let examples run on a database, in a loop of their own."""

    async def connect() -> Connection:
        connection = await asyncpg.connect(config.database_url, server_settings=SETTINGS)
        await set_up_connection(connection)
        return connection

    with asyncio.Runner() as runner:
        Ledger.runner, Ledger.config = runner, config
        Ledger.connection = runner.run(connect())
        yield
        runner.run(Ledger.connection.close(timeout=5))


@pytest.mark.slow
def test_any_order_of_operations_is_as_the_model_says(config: Config) -> None:
    short = settings(max_examples=40, stateful_step_count=40, deadline=None)
    with connected(config):
        run_state_machine_as_test(Ledger, settings=short if settings.get_current_profile_name() == "default" else None)
