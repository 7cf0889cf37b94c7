"""The texts in a module: what its strings say, whichever way they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=1)  # one module is asked about several times, and then the next one
def texts(tree: ast.AST) -> list[tuple[int, str]]:
    """Every string of a module, with its line; the gaps of f-strings are filled with a mark."""
    return list(_texts(list(ast.walk(tree))))


def _texts(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    formatted = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in formatted for part in node.values}
    for node in formatted:
        parts = (p.value if isinstance(p, ast.Constant) else "?" for p in node.values)
        yield node.lineno, "".join(map(str, parts))
    for node in nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            yield node.lineno, node.value
