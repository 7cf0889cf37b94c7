"""A view loads its schema, calls one service and returns what is dumped; others do the rest."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

VIEWS = Path(__file__).parents[2] / "web" / "api"
SERVICES = "pipeline_engine.services"


def views(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions that a blueprint serves."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(map(_serves, node.decorator_list)):
            yield node


def _serves(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "on"


def services(tree: ast.Module) -> set[str]:
    """The names under which a module knows services, as modules or as functions."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SERVICES)
        for alias in node.names
    }


def calls(node: ast.AST, known: set[str]) -> int:
    """How often services are called; to make a value of one of their classes is no call."""
    return sum(isinstance(one, ast.Call) and _is_service(one.func, known) for one in ast.walk(node))


def _is_service(function: ast.expr, known: set[str]) -> bool:
    if isinstance(function, ast.Attribute):
        owner = function.value
        return isinstance(owner, ast.Name) and owner.id in known and function.attr.islower()
    return isinstance(function, ast.Name) and function.id in known and function.id.islower()


def most_calls(statements: Sequence[ast.stmt], known: set[str]) -> int:
    """The calls on the path with the most of them."""
    if not statements:
        return 0
    first, rest = statements[0], statements[1:]
    if not isinstance(first, ast.If):
        return calls(first, known) + most_calls(rest, known)
    ways = ([*way, *(() if _leaves(way) else rest)] for way in (first.body, first.orelse))
    return calls(first.test, known) + max(most_calls(way, known) for way in ways)


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], ast.Return | ast.Raise)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("return services.get(1)", 1),
        ("services.look(1)\n    return services.get(1)", 2),
        ("if x: return services.get(1)\n    return services.get(2)", 1),
        ("if x: y = services.get(1)\n    else: y = 2\n    return services.get(y)", 2),
        ("with services.open(1) as y:\n        return get(y)", 2),
        ("return services.Wanted(caller())", 0),
    ],
)
def test_every_call_on_a_path_is_counted(body: str, count: int) -> None:
    known = {"services", "get"}

    assert most_calls(ast.parse(f"def f():\n    {body}").body[0].body, known) == count  # type: ignore[attr-defined]


def test_a_view_calls_one_service() -> None:
    trees = {path.stem: ast.parse(path.read_text()) for path in VIEWS.glob("*.py")}
    found = {
        f"{module}.{view.name}": most_calls(view.body, services(tree))
        for module, tree in trees.items()
        for view in views(tree)
    }

    assert len(found) > 25
    assert {name: count for name, count in found.items() if count > 1} == {}


def test_nobody_but_the_blueprint_ends_the_transaction_of_a_request() -> None:
    found = {
        path.stem
        for path in VIEWS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback", "begin"}
    }

    assert found == {"context"}  # whose ``commit`` the blueprint calls
