"""SQL stands in ``storage/``, each statement under the name of a function that says what it does.

A service may put a ``select`` together from the models, to ask about what a caller sees; text,
and whatever writes, is a matter of storage.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.source_texts import texts

ROOT = Path(__file__).parents[2]
STORAGE = ROOT / "pipeline_engine" / "storage"
#: Applications on the engine are services, too.
SERVICES = tuple(ROOT / "pipeline_engine" / name for name in ("services", "guardrails"))
#: Elsewhere, and why.
EXCEPTED = {
    "pipeline_engine/embedded/postgres.py": "creates the database that storage is in",
}

#: How a statement begins, or what it has in the middle, however it is written.
STATEMENT = re.compile(
    r"""
    ^\s*\(?\s*(
        SELECT\b
        | (?i:select\b.+\bfrom\s+[\w?]+)
        | (?i:insert\s+into\s+[\w?]+\s*(\(|values|select))
        | (?i:update\s+(only\s+)?[\w?]+(\s+(as\s+)?\w+)?\s+set\b)
        | (?i:delete\s+from\s+[\w?]+)
        | (?i:with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s+(materialized\s*)?\()
        | (?i:set\s+(local|session)\s+\w+)
        | SHOW\s+[\w?]+\s*$
        | (?i:(create|alter|drop)\s+(table|index|unique\s+index|database|type|sequence)\b)
        | (?i:(truncate|lock)\s+table\b)
        | (PREPARE|EXECUTE|DISCARD|NOTIFY|LISTEN|VACUUM|ANALYZE)\s+\w
    )
    """,
    re.VERBOSE | re.DOTALL,
)
WRITING = {"delete", "insert", "literal_column", "text", "update"}


def statements(tree: ast.AST, *, may_select: bool) -> Iterator[tuple[int, str]]:
    """What a module says to the database itself: its lines, and how."""
    documentation = set(_documentation(tree))
    for line, text in texts(tree):
        if STATEMENT.match(text) and text not in documentation:
            yield line, "text"
    forbidden = WRITING if may_select else WRITING | {"select"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "exec_driver_sql":
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            names = {alias.name for alias in node.names} & forbidden
            yield from ((node.lineno, name) for name in sorted(names))


def _documentation(tree: ast.AST) -> Iterator[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (found := ast.get_docstring(node, clean=False)):
            yield found


def found_in(path: Path) -> set[str]:
    """What a file says to the database itself."""
    may_select = any(map(path.is_relative_to, SERVICES))
    tree, name = ast.parse(path.read_text()), path.relative_to(ROOT).as_posix()
    return {f"{name}:{line} ({how})" for line, how in statements(tree, may_select=may_select)}


@pytest.mark.parametrize(
    "source",
    [
        "connection.exec_driver_sql(HIDDEN)",
        "sql = 'SELECT 1'",
        "sql = ' ( SELECT id' ' FROM executions)'",
        "sql = 'select status from executions'",
        "sql = f'SELECT {columns} FROM x'",
        "sql = 'INSERT INTO events (id) VALUES (1)'",
        "sql = f'UPDATE {table} s SET a = 1'",
        "sql = '''\n    WITH RECURSIVE up AS (SELECT 1) UPDATE executions SET a = 1'''",
        "sql = 'delete from events'",
        "sql = 'SET LOCAL statement_timeout TO 0'",
        "sql = f'SHOW {name}'",
        "from sqlalchemy import Connection, text",
        "from sqlalchemy import select",
        "from sqlalchemy.dialects.postgresql import insert",
    ],
)
def test_no_way_to_speak_to_the_database_escapes_this_test(source: str) -> None:
    assert list(statements(ast.parse(source), may_select=False))


@pytest.mark.parametrize(
    "source",
    [
        "'Select what you want from the list.'",
        "'Update what is there, and set the rest.'",
        "'With this, as (some say), all is well.'",
        "'Show me'",
        "def f():\n    'SELECT is what this function is about.'",
        "from sqlalchemy import Connection, Engine",
    ],
)
def test_english_is_no_sql(source: str) -> None:
    assert list(statements(ast.parse(source), may_select=False)) == []


def test_statements_are_in_storage_only() -> None:
    sources = [
        path
        for package in ("pipeline_engine", "web", "actions")
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(STORAGE) and path.relative_to(ROOT).as_posix() not in EXCEPTED
    ]

    assert set().union(*map(found_in, sources)) == set()


def test_what_is_excepted_has_statements() -> None:
    assert all(found_in(ROOT / name) for name in EXCEPTED)
