"""The house's rules that a short test can check: who imports whom, how long a function may be, where SQL stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import asyncpg
import pytest

from service.schema import PAGE, describe

ROOT = Path(__file__).parent.parent
FILES = sorted(path for room in ("scenarios", "service", "workers") for path in (ROOT / room).rglob("*.py"))
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|LISTEN|NOTIFY|CREATE|DROP|ALTER)\b")
EDGES = tuple(f"service.{each}" for each in ("api", "pages", "cli", "app", "local", "demo", "replay"))
ASKS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def is_edge(name: str) -> bool:
    return name.startswith(EDGES)


def starts(name: str, *roots: str) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def test_each_room_imports_only_what_it_may() -> None:
    for name, imported in ((name_of(each), imported) for each in FILES for imported in imports(each)):
        said = f"{name} imports {imported}"
        assert not starts(imported, "tests", "deploy"), said
        if name.startswith("scenarios"):
            assert not starts(imported, "service", "workers", "litestar", "asyncpg", "arq", "datetime.now"), said
        elif name.startswith("service") and not is_edge(name):
            assert not starts(imported, "litestar", "workers"), said
            assert not is_edge(imported), said
            assert not starts(imported, "arq") or name == "service.nudges", said
        elif name.startswith("workers"):
            assert not starts(imported, "litestar", "service.api", "service.pages", "service.app"), said


def test_files_fit_a_head() -> None:
    outgrown = [name_of(path) for path in FILES if path.read_text("utf-8").count("\n") > 420]
    assert outgrown == []


def test_functions_fit_a_screen() -> None:
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{name_of(path)}.{node.name} takes {length} lines"


def test_public_functions_say_what_a_caller_must_know() -> None:
    for path in FILES:
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
                assert ast.get_docstring(node), f"{name_of(path)}.{node.name} has no docstring"


def statements() -> Iterator[tuple[str, str]]:
    """Every SQL statement in the service, with where it stands."""
    for path in FILES:
        for node in nodes(path):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKS):
                continue
            for argument in node.args[:1]:
                where = f"{name_of(path)}:{argument.lineno}"
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    if STATEMENT.match(argument.value):
                        yield where, argument.value
                else:
                    assert not isinstance(argument, ast.JoinedStr), f"{where}: SQL in an f-string"


def test_sql_stands_only_in_domain_modules() -> None:
    for where, _ in statements():
        assert where.startswith("service."), where
        assert not where.startswith(("service.api", "service.pages")), where


async def test_every_statement_fits_the_schema(database: asyncpg.Pool) -> None:
    found = list(statements())
    assert len(found) > 40, "the collector finds what there is"
    wrong = []
    async with database.acquire() as connection:
        for where, statement in found:
            if re.match(r"\s*(LISTEN|NOTIFY|CREATE|DROP|ALTER)\b", statement):
                continue
            try:
                await connection.prepare(statement)
            except asyncpg.PostgresError as error:
                wrong.append(f"{where}: {error}")
    assert not wrong


async def test_the_data_models_page_is_fresh(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        if connection.get_server_version().major != 18:
            pytest.skip("PostgreSQL 18 writes the page; other versions word views their own way")
        assert await describe(connection) == PAGE.read_text("utf-8"), "run `python -m service.schema`"
