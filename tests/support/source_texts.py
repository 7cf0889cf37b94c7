"""The texts in a module: what its strings say, whichever way they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a module, with its line; the gaps of f-strings are filled with a mark."""
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in formatted for part in node.values}
    for node in formatted:
        parts = (p.value if isinstance(p, ast.Constant) else "?" for p in node.values)
        yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            yield node.lineno, node.value
