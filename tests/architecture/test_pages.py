"""Pages that are made from the code say what the code says today."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from pages import GENERATED
from pages.sdk import SECTIONS, members, page

from pipeline_engine import sdk


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_makes_of_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "make pages writes it anew"


def test_the_page_of_the_sdk_has_every_public_name_once() -> None:
    told = [name for _, names in SECTIONS.values() for name in names]

    assert sorted(told) == sorted(sdk.__all__)
    assert [name for name in told if f"\n### {name}\n" not in page()] == []


def silent() -> Iterator[str]:
    """Public classes, fields, methods and functions of the sdk that say nothing of themselves."""
    for name in sdk.__all__:
        found = getattr(sdk, name)
        if (inspect.isclass(found) or inspect.isfunction(found)) and not found.__doc__:
            yield name
        if is_dataclass(found) and not issubclass(found, enum.Enum):  # type: ignore[arg-type]
            section = page().partition(f"\n### {name}\n")[2].partition("\n### ")[0]
            rows = [row for row in section.splitlines() if row.startswith("| `")]
            told = {row.split("`")[1] for row in rows if not row.endswith("|  |")}
            yield from (f"{name}.{one.name}" for one in fields(found) if one.name not in told)
        if inspect.isclass(found):
            yield from (f"{name}.{one}" for one, member in members(found) if not member.__doc__)


def test_every_field_and_every_method_of_the_sdk_says_what_it_is() -> None:
    assert list(silent()) == []
