"""Merkle trees: as the published vectors have them, and as the definition says, however they grew."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.merkle import (
    EMPTY,
    Node,
    Span,
    consistency_spans,
    fold,
    grow,
    inclusion_spans,
    is_consistent,
    is_included,
    leaf_digest,
    needed,
    node_digest,
    proof_of,
    root_of,
    whole_subtrees,
)

# Of Certificate Transparency's own tests (google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_digest(bytes.fromhex(each)) for each in INPUTS]
sizes = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    return [leaf_digest(str(number).encode()) for number in range(count)]


def naive_root(digests: list[bytes]) -> bytes:
    """The definition (RFC 9162, 2.1.1), word for word."""
    if len(digests) == 1:
        return digests[0]
    half = 1
    while half * 2 < len(digests):
        half *= 2
    return node_digest(naive_root(digests[:half]), naive_root(digests[half:]))


def stored(count: int) -> dict[Node, bytes]:
    """Every whole subtree of a tree, by the definition."""
    digests = leaves(count)
    return {
        Node(level, position): naive_root(digests[position << level : (position + 1) << level])
        for level in range(count.bit_length())
        for position in range(count >> level)
    }


def test_roots_are_those_of_the_published_vectors() -> None:
    assert [root_of(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root_of([]) == EMPTY


@given(sizes)
def test_roots_are_as_defined(size: int) -> None:
    assert root_of(leaves(size)) == naive_root(leaves(size))


@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_tree_that_grew_in_steps_is_the_same_tree(steps: list[int]) -> None:
    every, size, edge, kept = leaves(sum(steps)), 0, list[bytes](), dict[Node, bytes]()
    for step in steps:
        grown = grow(size, edge, every[size : size + step])
        size, edge = size + step, grown.edge
        for level, position, digest in grown.nodes:
            assert Node(level, position) not in kept, "a subtree is made once"
            kept[Node(level, position)] = digest
    assert kept == {node: digest for node, digest in stored(size).items() if node.level}
    assert fold(edge) == root_of(every)
    assert edge == [stored(size)[node] for node in whole_subtrees(Span(0, size))]


@settings(max_examples=300)
@given(sizes, st.data())
def test_a_leaf_is_proved_where_it_is_and_nowhere_else(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    spans, every = inclusion_spans(position, size), leaves(size)
    proof, root = proof_of(spans, stored(size)), root_of(every)
    assert is_included(every[position], position, size, proof, root)
    assert not is_included(leaf_digest(b"another"), position, size, proof, root)
    assert not any(
        is_included(every[position], other, size, proof, root) for other in range(-1, size + 2) if other != position
    )
    assert not is_included(every[position], position, size, [*proof, EMPTY], root)
    assert not proof or not is_included(every[position], position, size, proof[:-1], root)


@settings(max_examples=300)
@given(sizes, st.data())
def test_growth_is_proved_and_a_rewriting_is_not(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    every, proof = leaves(new), proof_of(consistency_spans(old, new), stored(new))
    before, after = root_of(every[:old]), root_of(every)
    assert is_consistent(old, before, new, after, proof)
    rewritten = root_of([leaf_digest(b"another"), *every[1:old]])
    assert not is_consistent(old, rewritten, new, after, proof)
    assert not is_consistent(old, before, new, leaf_digest(b"another"), proof)
    assert not is_consistent(old, before, new, after, [*proof, EMPTY])
    assert not is_consistent(0, before, new, after, proof)
    assert not is_consistent(new + 1, before, new, after, proof)
    if proof:
        assert not is_consistent(old, before, new, after, proof[:-1])


@given(st.integers(1, 2**40), st.data())
def test_a_proof_of_a_large_log_needs_few_look_ups(size: int, data: st.DataObject) -> None:
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    for spans in (inclusion_spans(position, size), consistency_spans(old, size)):
        assert len(needed(spans)) <= 2 * size.bit_length()
        assert len(spans) <= size.bit_length() + 1
