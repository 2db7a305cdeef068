"""Any order of check-ins, undos, corrections, donations, late commits and folds ends in the same tally."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.db import Connection
from service.tallies import Tally
from tests.tallied import (
    DAY,
    Hall,
    Leg,
    Visit,
    come,
    correct,
    donate,
    donor,
    fold,
    fold_out,
    hall,
    undo,
    visit,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 4), st.integers(0, 2), st.sampled_from(["metro", "plane"])),
        st.tuples(st.just("undo"), st.integers(0, 9)),
        st.tuples(st.just("correct"), st.integers(0, 9), st.sampled_from(["walk", "taxi"]), st.integers(1, 3)),
        st.tuples(st.just("donate"), st.integers(1, 500)),
        st.tuples(st.just("fold"), st.integers(1, 3)),
        st.tuples(st.just("begin_late")),
        st.tuples(st.just("commit_late")),
    ),
    min_size=3,
    max_size=30,
)


class Play:
    """A random day at the door, with what is live kept in plain Python."""

    def __init__(self, pool: asyncpg.Pool, slow: Connection, event: Hall, giver: UUID) -> None:
        self.pool, self.slow, self.event, self.giver = pool, slow, event, giver
        self.live: dict[UUID, Visit] = {}
        self.donated: list[int] = []
        self.late: asyncpg.transaction.Transaction | None = None
        self.latecomers: dict[UUID, Visit] = {}
        self.latest = 1_000

    async def come(self, who: int, day: int, mode: str) -> None:
        """Somebody comes in, with as many as their number, unless they are in that day."""
        on = DAY + timedelta(day)
        mine = [one for one in self.live.values() if one.attendee == UUID(int=who)]
        if not any(one.day == on for one in mine):
            part = "local" if any(one.part == "journey" for one in mine) else "journey"
            one = Visit(UUID(int=who), (Leg(mode, 90), Leg("metro", 7)), part, on, who, day, who, who % 2)
            self.live[(await come(self.pool, self.event, one))[0]] = one

    async def undo(self, nth: int) -> None:
        """One of those present takes it back."""
        if self.live:
            id_ = list(self.live)[nth % len(self.live)]
            del self.live[id_]
            await undo(self.pool, self.event, id_)

    async def correct(self, nth: int, mode: str, people: int) -> None:
        """One of those present says it again."""
        if self.live:
            id_ = list(self.live)[nth % len(self.live)]
            instead = self.live.pop(id_)._replace(legs=(Leg(mode, 50),), people=people)
            self.live[await correct(self.pool, self.event, id_, instead)] = instead

    async def donate(self, grams: int) -> None:
        """Someone gives."""
        self.donated.append(grams)
        await donate(self.pool, self.event, self.giver, grams)

    async def fold(self, limit: int) -> None:
        """A worker folds some."""
        await fold(self.pool, self.event, limit)

    async def begin_late(self) -> None:
        """A slow transaction takes its number."""
        if self.late is None:
            self.late = self.slow.transaction()
            await self.late.start()
            self.latest += 1
            one = Visit(UUID(int=self.latest), (Leg("bus", 11),))
            (id_,) = await visit(self.slow, self.event, one)
            self.latecomers[id_] = one

    async def commit_late(self) -> None:
        """It commits at last."""
        if self.late is not None:
            await self.late.commit()
            self.late = None
            self.live |= self.latecomers
            self.latecomers = {}

    def expect(self, tally: Tally) -> None:
        """The tally is what plain Python counts."""
        live = self.live.values()
        most = {one.attendee: max(o.people for o in live if o.attendee == one.attendee) for one in live}
        grams: Counter[tuple[str, str]] = Counter()
        for one in live:
            for leg in one.legs:
                grams[one.part, leg.mode] += leg.emissions_g
        lines = {("journey", line.mode): line.emissions_g for line in tally.journey_modes}
        lines |= {("local", line.mode): line.emissions_g for line in tally.local_modes}
        assert lines == dict(grams)
        assert tally.check_ins == len(live) == sum(line.check_ins for line in tally.gates)
        assert tally.people == sum(most.values())
        assert tally.nights == sum(one.people * one.nights for one in live)
        assert tally.lodging_emissions_g == sum(one.lodging_emissions_g for one in live)
        assert tally.emissions_g == sum(grams.values()) + tally.lodging_emissions_g
        assert (tally.donations, tally.donated_g) == (len(self.donated), sum(self.donated))


@given(steps=STEPS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_ends_in_the_same_tally(database: asyncpg.Pool, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    giver = await donor(database)
    async with database.acquire() as slow:
        play = Play(database, slow, await hall(database), giver)
        for step, *details in steps:
            await getattr(play, step)(*details)
        await play.commit_late()
    play.expect(await fold_out(database, play.event))
