"""Every error has a sentence, a status and a line in the documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pipeline_engine import errors
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.marketplace import refusals

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
LINE = re.compile(r"^\| `(\w+)` \| (\d{3}|-) \| (.+) \|$", re.MULTILINE)
table = import_module("pipeline_engine_web.api.errors")


def known_errors() -> Iterator[type[PipelineEngineError]]:
    """The errors of the engine, and those that only HTTP knows."""
    for _, found in inspect.getmembers(errors, inspect.isclass):
        if issubclass(found, PipelineEngineError):
            yield found
    for _, found in inspect.getmembers(refusals, inspect.isclass):
        yield found
    yield from table.STATUS


@pytest.mark.parametrize("error", sorted(set(known_errors()), key=lambda e: e.__name__))
def test_an_error_is_documented_with_its_status(error: type[PipelineEngineError]) -> None:
    lines = {code: status for code, status, _ in LINE.findall(DOCUMENT.read_text())}

    assert (error.__doc__ or "").strip().partition("\n")[0].endswith(".")
    assert error.code in lines, f"docs/reference/errors.md has no line for {error.code}"
    if lines[error.code] != "-":
        made = error.__new__(error)
        assert table.status_of(made) == int(lines[error.code])


def test_codes_are_unique() -> None:
    codes = [error.code for error in set(known_errors())]

    assert sorted(codes) == sorted(set(codes))
