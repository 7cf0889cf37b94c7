"""The walk through the code that the documentation offers names what is there."""

from __future__ import annotations

import ast
import re

import pytest
from support.documentation import DOCS, ROOT, words

PAGE = DOCS / "concepts" / "how-an-execution-advances.md"
STATION = re.compile(r"^\| `([\w/]+\.py)` \| ([^|]+) \|", re.MULTILINE)
STATIONS = STATION.findall(PAGE.read_text(encoding="utf-8").partition("### From `POST`")[2])


def functions_of(file: str) -> set[str]:
    """Its functions, and the methods of its classes under ``Class.method``."""
    found: set[str] = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
    return found


def test_the_walk_is_found_on_the_page() -> None:
    assert len(STATIONS) > 20


@pytest.mark.parametrize(("file", "functions"), STATIONS)
def test_every_function_of_the_walk_is_in_its_file(file: str, functions: str) -> None:
    assert words(functions) <= functions_of(file)
