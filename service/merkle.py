"""Merkle trees as certificate logs have them (RFC 9162, section 2.1; RFC 6962). Pure: digests in, digests out.

Leaves are numbered from 0. Only whole subtrees are kept, since they never change again: at level k, position p, the
one over the 2^k leaves from p * 2^k. Every root and proof is made from a few of those, about the logarithm of the
tree's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


class Node(NamedTuple):
    """A whole subtree. At level 0 it is a leaf."""

    level: int
    position: int


class Span(NamedTuple):
    """The leaves from `start` up to before `end`, which the tree's shape holds together."""

    start: int
    end: int


class Grown(NamedTuple):
    """What appending made: new subtrees above the leaves with their digests, and the tree's new edge."""

    nodes: list[tuple[int, int, bytes]]
    edge: list[bytes]


def leaf_digest(content: bytes) -> bytes:
    """The digest of a leaf's content."""
    return sha256(b"\x00" + content).digest()


def node_digest(left: bytes, right: bytes) -> bytes:
    """The digest of a subtree by those of its halves."""
    return sha256(b"\x01" + left + right).digest()


def whole_subtrees(span: Span) -> list[Node]:
    """The fewest whole subtrees that a span falls into, left to right, the largest first.

    Those of the whole tree are its edge: what must be known to append to it.
    """
    found, start = [], span.start
    while start < span.end:
        level = (span.end - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return found


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The digest of a span, by those of its whole subtrees, left to right."""
    if not subtrees:
        return EMPTY
    digest = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        digest = node_digest(left, digest)
    return digest


def grow(size: int, edge: Sequence[bytes], leaves: Sequence[bytes]) -> Grown:
    """Append leaves to a tree of that size with that edge."""
    by_level = {node.level: digest for node, digest in zip(whole_subtrees(Span(0, size)), edge, strict=True)}
    nodes: list[tuple[int, int, bytes]] = []
    row, first, level = list(leaves), size, 0
    while row:
        if first % 2:
            row.insert(0, by_level.pop(level))
            first -= 1
        if len(row) % 2:
            by_level[level] = row.pop()
        row = [node_digest(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        level, first = level + 1, first // 2
        nodes += [(level, first + number, digest) for number, digest in enumerate(row)]
    return Grown(nodes, [by_level[each] for each in sorted(by_level, reverse=True)])


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves' digests."""
    return fold(grow(0, [], leaves).edge)


# Proofs ---------------------------------------------------------------------------------------------------------------


def inclusion_spans(position: int, size: int) -> list[Span]:
    """The spans whose digests prove that a leaf is in a tree, from the leaf's neighbour up (RFC 9162, 2.1.3.1)."""
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = middle_of(start, end)
        if position < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The spans whose digests prove that a tree of `old` leaves, at least one, grew to `new` (RFC 9162, 2.1.4.1)."""
    spans, start, end = [], 0, new
    while end != old:
        middle = middle_of(start, end)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return [*([Span(start, end)] if start else []), *spans[::-1]]


def middle_of(start: int, end: int) -> int:
    """Where a subtree's halves meet: the left one is the largest power of two that leaves the right one something."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def needed(spans: Sequence[Span]) -> list[Node]:
    """The whole subtrees to look up for a proof."""
    return [node for span in spans for node in whole_subtrees(span)]


def proof_of(spans: Sequence[Span], digests: Mapping[Node, bytes]) -> list[bytes]:
    """A proof by its spans, from the digests of what it `needed`. Raises KeyError for one that is not there."""
    return [fold([digests[node] for node in whole_subtrees(span)]) for span in spans]


def is_included(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf is at that position of the tree with that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= position < size:
        return False
    here, last, digest = position, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if here % 2 or here == last:
            digest = node_digest(other, digest)
            while here and not here % 2:
                here, last = here >> 1, last >> 1
        else:
            digest = node_digest(digest, other)
        here, last = here >> 1, last >> 1
    return last == 0 and digest == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the one tree is the beginning of the other (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    here, last = old - 1, new - 1
    while here % 2:
        here, last = here >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if here % 2 or here == last:
            before, after = node_digest(other, before), node_digest(other, after)
            while here and not here % 2:
                here, last = here >> 1, last >> 1
        else:
            after = node_digest(after, other)
        here, last = here >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)
