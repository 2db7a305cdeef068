"""What is installed: pinned, hashed, without addresses, and all that pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FILES = ["requirements.txt", "requirements-test.txt"]
PIN = re.compile(r"(?P<requirement>[a-z0-9-]+==[^ ]+( ; .+?)?)(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)")


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
    assert not re.search(r"://|\bindex|find-links|trusted-host|\bgit\+| @ |\.(org|com|io|net|cn)\b", text)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-test.txt", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]),
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
