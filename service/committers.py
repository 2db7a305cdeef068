"""The hot writes of a process, each kind gathered into sets."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import msgspec

from service.action_rows import Action, ActionRequest
from service.actions import log_many
from service.check_in_memory import Memory
from service.check_in_rows import CheckIn
from service.check_ins import check_in_many
from service.config import Config
from service.donations import Donation, DonationRequest, donate_many
from service.group_commit import GroupCommitter
from service.receipts import Receipt


class Committers(msgspec.Struct, frozen=True):
    """One committer a kind of request."""

    check_ins: GroupCommitter[CheckIn, Receipt]
    donations: GroupCommitter[DonationRequest, Donation]
    actions: GroupCommitter[ActionRequest, Action]

    async def close(self) -> None:
        """Finish what waits, take no more."""
        for each in (self.check_ins, self.donations, self.actions):
            await each.close()


def committers(pool: asyncpg.Pool, config: Config) -> Committers:
    """The committers of a process."""
    memory = Memory()
    return Committers(
        GroupCommitter(
            pool,
            lambda connection, asked: check_in_many(connection, config, asked, memory),
            in_transaction=False,
            set_limit=32,
            lanes=3,
        ),
        GroupCommitter(pool, donate_many),
        GroupCommitter(pool, lambda connection, asked: log_many(connection, asked, datetime.now(UTC))),
    )
