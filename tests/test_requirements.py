"""What is installed: pinned, hashed, without addresses, and all that pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DEPENDENCIES, FOR_TESTS = PROJECT["dependencies"], PROJECT["optional-dependencies"]["test"]
FILES = ["requirements.txt", "requirements-test.txt"]
PIN = re.compile(r"(?P<requirement>[a-z0-9-]+==[^ ]+( ; .+?)?)(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)")

LINE = re.compile(r"(    --hash=sha256:[0-9a-f]{64}|[a-z0-9-]+==[0-9a-z.]+( ; [a-zA-Z0-9_ .<>=!'()]+)?)( \\)?")
"""A hash, or a name with its version and where it is for: no option, no address."""


def pins(name: str) -> dict[str, set[str]]:
    """The versions a file pins, by name: more than one where they differ by version of Python or platform."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "deploy" / name).read_text("utf-8").replace(" \\\n   ", "").splitlines():
        matched = PIN.fullmatch(line)
        assert matched, f"{name}: {line[:80]} is no pin with hashes"
        requirement = Requirement(matched["requirement"])
        found.setdefault(canonicalize_name(requirement.name), set()).add(f"{requirement.specifier}{requirement.marker}")
    return found


@pytest.mark.parametrize("name", FILES)
def test_requirements_name_no_addresses(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text("utf-8")
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert not re.search(r"://|\.(?!post\d)[a-z]{2,}", text)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", DEPENDENCIES),
        ("requirements-test.txt", DEPENDENCIES + FOR_TESTS),
    ],
    ids=FILES,
)
def test_every_dependency_is_pinned_with_hashes(name: str, wanted: list[str]) -> None:
    found = pins(name)
    assert len(found) > 40
    assert {canonicalize_name(Requirement(each).name) for each in wanted} <= found.keys()


def test_the_tests_run_on_the_versions_that_are_deployed() -> None:
    tested = pins("requirements-test.txt")
    assert {name: tested.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def foreign_imports(room: str) -> Iterator[tuple[Path, str]]:
    """Each package that is neither ours nor Python's, with the file that imports it."""
    own = {"scenarios", "service", "workers", "tests"} | sys.stdlib_module_names
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named = [each.name for each in node.names]
            else:
                named = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            yield from ((path, package) for each in named if (package := each.split(".")[0]) not in own)


@pytest.mark.parametrize("room", ["scenarios", "service", "workers", "tests"])
def test_what_is_imported_is_declared(room: str) -> None:
    asked = DEPENDENCIES + (FOR_TESTS if room == "tests" else [])
    declared = {canonicalize_name(Requirement(each).name) for each in asked}
    providers = packages_distributions()
    for path, package in foreign_imports(room):
        found = {canonicalize_name(each) for each in providers.get(package, [])}
        assert found & declared, f"{path.relative_to(ROOT)} imports {package}, which pyproject.toml does not ask for"
