"""Reading rule packs from TOML, with every check."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from scenarios.citations import Cited, overlap, parse_toml, require, require_force, resolve
from scenarios.meeting.rule_terms import LISTS, RuleFile, RulePack, Text
from scenarios.regions import wider

FOLDER = Path(__file__).parent.parent / "packs" / "rules"


def read_folder(folder: Path = FOLDER) -> tuple[RulePack, ...]:
    """Every pack of a folder. Raises PackUnreadable."""
    return combined([read_rule(path.read_bytes(), path.name) for path in sorted(folder.glob("*.toml"))])


def combined(packs: Sequence[RulePack]) -> tuple[RulePack, ...]:
    """Packs side by side. Raises PackUnreadable where a place has two on one day."""
    for one, other in combinations(packs, 2):
        both = overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
        require(not (one.region == other.region and both), other.id, f"{one.id} is in force in {one.region} already")
    return tuple(packs)


def read_rule(content: bytes, name: str) -> RulePack:
    """A rule pack from its file's bytes. Raises PackUnreadable."""
    file = parse_toml(content, RuleFile, name)
    require_force((file.region,), file.valid_from, file.valid_to, name, file.id)
    pack = RulePack(**msgspec.structs.asdict(file), digest=hashlib.sha256(content).hexdigest())
    _check_grounds(pack, name)
    _check_texts(file, name)
    _check_sizes(pack, name)
    _check_offsets(pack, name)
    _check_deadlines(pack, name)
    for each in pack.contents:
        keys = [field.key for field in each.fields]
        require(len(set(keys)) == len(keys) > 0, name, f"{each.key} names a field twice, or none")
    return pack


def _check_grounds(pack: RulePack, name: str) -> None:
    require("rule" in pack.documents, name, "it has no document called rule")
    for key in pack.documents:
        resolve(Cited(key), pack.documents, name)
    for address, said in pack.entries():
        require(bool(said.clause) or said.policy, name, f"{address} names no clause and is not marked policy")
        require(not said.policy or said.note is not None, name, f"{address} is policy without saying why")
        require(said.document in pack.documents, name, f"{address} cites {said.document!r}, which is no document")
    for table in LISTS:
        keys = [each.key for each in getattr(pack, table)]
        require(len(set(keys)) == len(keys), name, f"{table} has a key twice")


def _check_texts(struct: Any, name: str) -> None:
    """No text is empty in either language."""
    if isinstance(struct, Text):
        require(bool(struct.zh.strip() and struct.en.strip()), name, f"a text is empty: {struct}")
    elif isinstance(struct, msgspec.Struct):
        for each in struct.__struct_fields__:
            _check_texts(getattr(struct, each), name)
    elif isinstance(struct, tuple):
        for each in struct:
            _check_texts(each, name)


def _check_sizes(pack: RulePack, name: str) -> None:
    require(bool(pack.sizes), name, "it has no sizes")
    last = pack.sizes[-1]
    require(not (last.kinds or last.hosts or last.any_of), name, f"the last size, {last.key}, does not fit every event")
    for size in pack.sizes:
        require(bool(size.confirmations), name, f"{size.key} opens no confirmation")
        for each in size.confirmations:
            require(pack.way(each) is not None, name, f"{size.key} opens {each}, which ways does not name")
        require(size.prefers is None or size.prefers in size.confirmations, name, f"{size.key} prefers what is closed")
        require(all(each.at_least > 0 for each in size.any_of), name, f"{size.key} has a threshold of nothing")


def _check_offsets(pack: RulePack, name: str) -> None:
    require(bool(pack.offsets and pack.labels), name, "it has no offsets or no labels")
    for offset in pack.offsets:
        require(bool(offset.classes), name, f"{offset.key} is of no class")
        within = not offset.place or offset.place in wider(pack.region)
        require(within, name, f"{offset.key} is of {offset.place!r}, which does not hold {pack.region}")
    ranks = sorted({each.rank for each in pack.offsets if each.rank is not None})
    require(ranks == list(range(1, len(ranks) + 1)), name, "the ranks do not count from one")
    require(pack.order.recommended == bool(ranks), name, "ranks and the order recommended contradict each other")


def _check_deadlines(pack: RulePack, name: str) -> None:
    general = [each for each in pack.deadlines if not each.classes]
    require(len(general) == 1, name, "it needs one general deadline, be it unknown")
    for each in pack.deadlines:
        require((each.months is None) == (each.ask is not None), name, f"{each.key} needs months, or whom to ask")
        require(each.months is None or 1 <= each.months <= 1200, name, f"{each.key} is not within 1 to 1200 months")
