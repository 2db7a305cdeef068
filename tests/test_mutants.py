"""The faults made on purpose fit the code as it is: each invariant has one, and its test is there."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.__main__ import HERE, ROOT, Mutant, fits, mutants

MUTANTS = mutants()


def test_each_of_the_fifteen_invariants_has_a_mutant() -> None:
    assert sorted({each.invariant for each in MUTANTS}) == list(range(1, 16))


@pytest.mark.parametrize("mutant", MUTANTS, ids=[each.name for each in MUTANTS])
def test_a_mutant_applies_and_names_a_test_that_is_there(mutant: Mutant) -> None:
    assert fits(mutant) == ""
    path, _, name = mutant.test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert f"| `{mutant.name}` |" in (HERE / "README.md").read_text("utf-8")
