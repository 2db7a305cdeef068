"""What the ledger's own constraints refuse, as refusals: stable codes, whoever wrote what they refuse."""

from __future__ import annotations

import asyncpg

from service.donations import SameEventReduction
from service.errors import BadInput, Conflict, IdReused, Refusal


class NotHeld(Conflict):
    """账户没有这么多这一类减排量。"""

    code = "not_held"


class AccountClosed(Conflict):
    """账户已经关闭。"""

    code = "account_closed"


class AccountUnknown(Conflict):
    """没有这样的账户，或它不能这样收付。"""

    code = "account_unknown"


class ClassUnknown(Conflict):
    """没有这一类减排量。"""

    code = "class_unknown"


class EndedAlready(Conflict):
    """所指的流转已经冲正、退回或结束过了。"""

    code = "ended_already"


class DoesNotFit(Conflict):
    """这笔流转与它所指的那一笔对不上。"""

    code = "does_not_fit"


class AmountImpossible(BadInput):
    """数量应当是大于零的整数克，且不超过 9 223 372 036 854 775 807 克。"""

    code = "amount_impossible"


BY_CONSTRAINT: dict[str, type[Refusal]] = {
    "actions_pkey": IdReused,
    "reported_once": IdReused,
    "transfers_pkey": IdReused,
    "one_ending_a_transfer": EndedAlready,
    "reservation_endings_pkey": EndedAlready,
    "transfers_grams_check": AmountImpossible,
    "transfers_check": AccountUnknown,
    "no_overdraft": NotHeld,
    "open_accounts": AccountClosed,
    "living_members": AccountClosed,
    "kinds_of_the_reason": AccountUnknown,
    "known_class": ClassUnknown,
    "same_event_reduction": SameEventReduction,
    "fits_what_it_ends": DoesNotFit,
    "refers_to_what_it_ends": DoesNotFit,
    "fits_the_reservation": DoesNotFit,
    "named_retirement": DoesNotFit,
}


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that a violation of the ledger's constraints stands for; None for any other error."""
    if isinstance(error, asyncpg.DataError):
        return AmountImpossible()
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        found = BY_CONSTRAINT.get(error.constraint_name or "")
        return found() if found else None
    return None
