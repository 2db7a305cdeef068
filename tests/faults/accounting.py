"""Every acknowledged request accounted for: in the database once, with what was answered, and nothing besides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from service.db import Connection
from tests.faults.asking import Asked, Kind, content

Row = Mapping[str, Any]


class Books(NamedTuple):
    """What the database holds: rows by id (organizations by name), issuances and reversals by what they are of."""

    check_ins: Mapping[UUID, Row]
    actions: Mapping[UUID, Row]
    donations: Mapping[UUID, Row]
    organizations: Mapping[str, Row]
    issued_g: Mapping[UUID, int]
    reversed_g: Mapping[UUID, int]
    given_g: Mapping[UUID, int]
    balances_g: Mapping[UUID, int]
    tallies: Mapping[UUID, Row]


async def read_books(connection: Connection) -> Books:
    """All of it, of one instant."""
    async with connection.transaction(isolation="repeatable_read"):
        check_ins = await connection.fetch(
            """
            SELECT id, event_id, people, travel_emissions_g + lodging_emissions_g AS emissions_g,
                coalesce(reduction_g, 0) AS earned_g, checked_in_at, ended_because
            FROM check_ins
            """
        )
        actions = await connection.fetch("SELECT id, member_id, quantity, reduction_g, logged_at FROM actions")
        donations = await connection.fetch("SELECT id, member_id, event_id, grams, refusal, decided_at FROM donations")
        organizations = await connection.fetch(
            "SELECT name, min(id::text) AS id, count(*) AS times FROM organizations GROUP BY name"
        )
        balances = await connection.fetch(
            "SELECT account_id, sum(grams)::bigint AS grams FROM balances GROUP BY account_id"
        )
        tallies = await connection.fetch("SELECT event_id, check_ins, donated_g FROM tallies")
        return Books(
            check_ins=by("id", check_ins),
            actions=by("id", actions),
            donations=by("id", donations),
            organizations=by("name", organizations),
            issued_g=await moved(connection, "issue"),
            reversed_g=await moved(connection, "reverse"),
            given_g=await moved(connection, "donate"),
            balances_g={row["account_id"]: row["grams"] for row in balances},
            tallies=by("event_id", tallies),
        )


def by(column: str, rows: Iterable[asyncpg.Record]) -> dict[Any, Row]:
    """Rows by a column that has no value twice."""
    return {row[column]: row for row in rows}


async def moved(connection: Connection, reason: str) -> dict[UUID, int]:
    """Grams that moved for a reason, by the transfer's id or, of a reversal, by that of what it reverses."""
    rows = await connection.fetch(
        """
        SELECT coalesce(refers_to, id) AS id, sum(grams)::bigint AS grams FROM transfers WHERE reason = $1
        GROUP BY coalesce(refers_to, id)
        """,
        reason,
    )
    return {row["id"]: row["grams"] for row in rows}


def lost(journal: Sequence[Asked], books: Books) -> Iterator[str]:
    """What was acknowledged and is not in the database as it was answered; what was refused, or only half sent, and
    is there."""
    for asked in journal:
        if asked.answer is None and asked.part is None:
            yield f"{asked.kind} {asked.key} was never answered"
        if asked.accepted:
            found, expected = FOUND[asked.kind](asked, books), EXPECTED[asked.kind](asked)
            if found != expected:
                yield f"{asked.kind} {asked.key} was acknowledged as {expected}, found {found}"
        elif asked.part == "half" or (asked.answer and asked.kind != "undo"):
            if traces(asked.key, books):
                yield f"{asked.kind} {asked.key} was {asked.part or 'refused'}, and is in {traces(asked.key, books)}"
        elif asked.kind == "undo" and asked.answer and books.check_ins[asked.subject].get("ended_because"):  # type: ignore[index]
            yield f"undo of {asked.subject} was refused, and is done"


def instant(text: str) -> datetime:
    """An instant as an answer has it."""
    return datetime.fromisoformat(text)


def found_check_in(asked: Asked, books: Books) -> object:
    """What there is of a check-in: what its receipt says, and what was issued for it."""
    row = books.check_ins.get(asked.key)
    facts = row and (row["event_id"], row["people"], row["emissions_g"], row["earned_g"], row["checked_in_at"])
    return facts, books.issued_g.get(asked.key, 0)


def expected_check_in(asked: Asked) -> object:
    """What there must be of an acknowledged check-in."""
    told = asked.told
    facts = asked.subject, told["people"], told["emissions_g"], told["earned_g"], instant(told["checked_in_at"])
    return facts, told["earned_g"] if told["earning"] == "credited" else 0


def found_action(asked: Asked, books: Books) -> object:
    """What there is of an action."""
    row = books.actions.get(asked.key)
    facts = row and (row["member_id"], row["quantity"], row["reduction_g"], row["logged_at"])
    return facts, books.issued_g.get(asked.key, 0)


def expected_action(asked: Asked) -> tuple[object, int]:
    """What there must be of an acknowledged action."""
    told = asked.told
    facts = asked.member, asked.said["quantity"], told["reduction_g"], instant(told["logged_at"])
    return facts, told["reduction_g"] if told["state"] == "credited" else 0


def found_donation(asked: Asked, books: Books) -> object:
    """What there is of a donation."""
    row = books.donations.get(asked.key)
    facts = row and (row["member_id"], row["event_id"], row["grams"], row["refusal"], row["decided_at"])
    return facts, books.given_g.get(asked.key, 0)


def expected_donation(asked: Asked) -> object:
    """What there must be of an acknowledged donation."""
    grams = asked.said["grams"]
    return (asked.member, asked.subject, grams, None, instant(asked.told["donated_at"])), grams


def found_undo(asked: Asked, books: Books) -> object:
    """What there is of an undo: the check-in's end, and what was taken back of what was issued."""
    assert asked.subject
    row = books.check_ins.get(asked.subject)
    left_g = books.issued_g.get(asked.subject, 0) - books.reversed_g.get(asked.subject, 0)
    return row and row["ended_because"], left_g


def found_organization(asked: Asked, books: Books) -> object:
    """What there is of an organization, and how often."""
    row = books.organizations.get(asked.said["name"])
    return row and (row["id"], row["times"])


FOUND: Mapping[Kind, Callable[[Asked, Books], object]] = {
    "check_in": found_check_in,
    "action": found_action,
    "donation": found_donation,
    "undo": found_undo,
    "organization": found_organization,
}
EXPECTED: Mapping[Kind, Callable[[Asked], object]] = {
    "check_in": expected_check_in,
    "action": expected_action,
    "donation": expected_donation,
    "undo": lambda asked: ("undone", 0),
    "organization": lambda asked: (asked.told["id"], 1),
}


def traces(key: UUID, books: Books) -> list[str]:
    """Where a request left something that only an accepted one may."""
    kept = books.donations.get(key)
    places = {
        "check_ins": key in books.check_ins,
        "actions": key in books.actions,
        "donations": kept is not None and kept["refusal"] is None,
        "transfers": key in books.issued_g or key in books.given_g,
        "organizations": f"会务组 {key}" in books.organizations,
    }
    return [place for place, is_there in places.items() if is_there]


def doubled(journal: Sequence[Asked], books: Books) -> Iterator[str]:
    """What is in the database and was never acknowledged, once everything has been asked again; balances and tallies
    that are not the sum of the answers."""
    accepted: dict[Kind, set[UUID]] = defaultdict(set)
    for asked in journal:
        if asked.accepted:
            accepted[asked.kind].add(asked.subject if asked.kind == "undo" and asked.subject else asked.key)
    made = {key for key, row in books.donations.items() if row["refusal"] is None}
    ended = {key for key, row in books.check_ins.items() if row["ended_because"]}
    names = {f"会务组 {key}" for key in accepted["organization"]}
    for what, there, answered in (
        ("check-ins", set(books.check_ins), accepted["check_in"]),
        ("actions", set(books.actions), accepted["action"]),
        ("donations", made, accepted["donation"]),
        ("undone check-ins", ended, accepted["undo"]),
        ("organizations", {name for name in books.organizations if name.startswith("会务组 ")}, names),
        ("issuances", set(books.issued_g) - accepted["check_in"] - accepted["action"], set()),
        ("transfers of donations", set(books.given_g), accepted["donation"]),
        ("reversals", set(books.reversed_g) - accepted["undo"], set()),
    ):
        yield from (f"{what}: {each} is there, and was not acknowledged" for each in there - answered)
        yield from (f"{what}: {each} was acknowledged, and is not there" for each in answered - there)
    yield from unbalanced(journal, books)


def unbalanced(journal: Sequence[Asked], books: Books) -> Iterator[str]:
    """Members' balances and events' tallies that are not what the answers come to."""
    held_g, check_ins, donated_g = Counter[UUID](), Counter[UUID](), Counter[UUID]()
    first = {asked.key: asked for asked in journal if asked.kind == "check_in" and asked.accepted}
    for asked in filter(lambda each: each.accepted, journal):
        if asked.kind == "donation":
            held_g[asked.member] -= asked.said["grams"]  # type: ignore[index]
            donated_g[asked.subject] += asked.said["grams"]  # type: ignore[index]
        elif asked.kind != "organization":
            act, sign = (first[asked.subject], -1) if asked.kind == "undo" else (asked, 1)  # type: ignore[index]
            if act.member:
                held_g[act.member] += sign * (expected_action(act)[1] if act.kind == "action" else act.told["earned_g"])
            if act.kind == "check_in":
                check_ins[act.subject] += sign  # type: ignore[index]
    for member in held_g.keys() | books.balances_g.keys():
        if held_g[member] != books.balances_g.get(member, 0):
            yield f"member {member} holds {books.balances_g.get(member, 0)} g, by the answers {held_g[member]} g"
    for event, row in books.tallies.items():
        if (row["check_ins"], row["donated_g"]) != (check_ins[event], donated_g[event]):
            yield f"tally of {event}: {dict(row)}, by the answers {check_ins[event]} and {donated_g[event]} g"


def changed(asked: Asked) -> Iterator[str]:
    """Answers to a repeat that are not as first given. A check-in's says besides whether it was undone since."""
    assert asked.answer
    for again in asked.repeats:
        if again.status == asked.answer.status and as_first(asked, content(again)) == as_first(asked, asked.told):
            continue
        if asked.kind == "undo" and not asked.accepted and content(again)["code"] == "too_late_to_correct":
            continue  # refused then for another reason, and refused now
        yield f"{asked.kind} {asked.key} was answered {asked.answer}, and then {again}"


def as_first(asked: Asked, told: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same in every answer to a request."""
    return {name: value for name, value in told.items() if asked.kind != "check_in" or name != "ended_because"}
