"""Make each fault in a copy of the checkout and see it found: `python -m tests.mutants [--widely] [NAME …]`.

A fault is a patch beside this file, whose head names the invariant it breaks, the test that must then fail, and what
that test must say. `--widely` runs the ledger's other tests too and names the files that fail besides. Ends non-zero
where a fault lives on.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "node_modules")
WIDELY = (
    *("ledger", "donations", "audit", "ledger_machine", "ledger_races", "bad_transfers", "reservations"),
    *("reservation_endings", "cancellations", "refunds", "retirements", "donation_uses", "certificates", "expiry"),
    *("check_ins", "transfer_log", "log_proofs", "merkle", "tallies"),
)
"""Nouns of the tests that could find a fault of the ledger."""


class Mutant(NamedTuple):
    """A fault: its patch, what it is in words, the invariant it breaks, the test that finds it and what that says."""

    path: Path
    what: str
    invariant: int
    test: str
    says: str

    @property
    def name(self) -> str:
        """As given on the command line."""
        return self.path.stem


class Outcome(NamedTuple):
    """Whether the fault was found by its test, the invariants that the audit then named, and what else found it."""

    killed: bool
    named: list[int]
    besides: list[str]


def mutants(names: Sequence[str] = ()) -> list[Mutant]:
    """Those named, or all, by their numbers. Raises LookupError for a name that is none."""
    found = [read(path) for path in sorted(HERE.glob("*.patch")) if not names or path.stem in names]
    if len(found) < len(names):
        raise LookupError(f"no such mutant among {', '.join(names)}")
    return found


def read(path: Path) -> Mutant:
    """A mutant by its patch's head. Raises ValueError where that lacks something."""
    head = path.read_text("utf-8").partition("\n--- ")[0]
    facts = dict(re.findall(r"^(\w+): (.+)$", head, re.MULTILINE))
    try:
        return Mutant(path, head.partition("\n")[0], int(facts["Invariant"]), facts["Test"], facts.get("Says", ""))
    except KeyError as missing:
        raise ValueError(f"{path.name} does not say its {missing.args[0]}") from None


def fits(mutant: Mutant, folder: Path = ROOT) -> str:
    """Why the patch does not apply to the code in a folder; nothing when it does."""
    return apply(mutant, folder, "--check")


def apply(mutant: Mutant, folder: Path, *more: str) -> str:
    """Apply the patch; return what git complains of."""
    command = ["git", "apply", *more, str(mutant.path)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stderr


@contextmanager
def mutated(mutant: Mutant) -> Iterator[Path]:
    """A copy of the checkout with the fault in it. Raises ValueError where the patch does not apply."""
    with tempfile.TemporaryDirectory(prefix="tanhui-mutant-") as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        if complaint := apply(mutant, copy):
            raise ValueError(f"{mutant.name}: {complaint}")
        yield copy


def pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run tests in a folder; how it ended and what it said."""
    command = [sys.executable, "-m", "pytest", "-vvv", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def try_out(mutant: Mutant, *, widely: bool) -> Outcome:
    """Whether its test finds the fault, by failing and saying what it should."""
    with mutated(mutant) as folder:
        code, said = pytest(folder, mutant.test)
        killed = code == 1 and mutant.says in said
        named = sorted({int(number) for number in re.findall(r"invariant (\d+): ", said)})
        return Outcome(killed, named, besides(folder, mutant) if widely else [])


def besides(folder: Path, mutant: Mutant) -> list[str]:
    """The files whose tests fail too, apart from the mutant's own test."""
    files = [f"tests/test_{noun}.py" for noun in WIDELY if (folder / f"tests/test_{noun}.py").exists()]
    _, said = pytest(folder, "--hypothesis-profile=unshrunk", "--deselect", mutant.test, *files)
    return sorted(set(re.findall(r"^(?:FAILED|ERROR) tests/test_(\w+)\.py", said, re.MULTILINE)))


def main() -> None:
    """Try those named, or all."""
    parser = ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--widely", action="store_true", help="which other tests find it too")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    out = Console(highlight=False, soft_wrap=True)
    survivors = 0
    for mutant in mutants(asked.names):
        outcome = try_out(mutant, widely=asked.widely)
        survivors += not outcome.killed
        named = ", ".join(map(str, outcome.named)) or "nothing"
        verdict = "killed  " if outcome.killed else "SURVIVES"
        also = f"  also: {', '.join(outcome.besides) or 'nothing'}" if asked.widely else ""
        out.print(f"{mutant.invariant:>2}  {verdict}  {mutant.what}  The audit named: {named}.{also}")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
