from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline_engine.cli.documents import read_document, read_params, read_value
from pipeline_engine.client import issue_line
from pipeline_engine.domain.checks import Limits, check
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5),
        ("true", True),
        ("null", None),
        ('["a", 1]', ["a", 1]),
        ('"5"', "5"),
        ("plain text", "plain text"),
        ("", ""),
        ("01", "01"),
    ],
)
def test_a_word_that_is_json_is_read_as_json_and_any_other_is_a_text(word: str, value: Any) -> None:
    assert read_value(word) == value


@pytest.mark.parametrize(
    ("type_name", "word", "value"),
    [
        ("string", "1.5", "1.5"),
        ("string", "true", "true"),
        ("secret", "{}", "{}"),
        ("model_ref", "17", "17"),
        ("integer", "007", 7),
        ("float", "1e3", 1000.0),
        ("float", "NaN", "NaN"),
        ("json", "Infinity", "Infinity"),
        ("boolean", "True", True),
        ("array", "[1]", [1]),
        ("array", "one", "one"),
    ],
)
def test_a_word_becomes_what_the_type_of_its_parameter_says(
    type_name: str, word: str, value: Any
) -> None:
    assert read_value(word, type_name) == value


def test_a_parameter_without_a_type_is_a_text() -> None:
    document = {"parameters": [{"name": "version"}]}

    assert read_params({"version": "1.5", "n": "1.5"}, document) == {"version": "1.5", "n": 1.5}


def test_a_document_is_read_as_strictly_as_a_request(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text('{"name": "a", "name": "b"}')

    with pytest.raises(click.UsageError, match=r"pipeline\.json"):
        read_document(file)


@pytest.mark.parametrize("text", ["[]", "no json", ""])
def test_what_is_no_json_object_is_no_document(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text(text)

    with pytest.raises(click.UsageError):
        read_document(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="nowhere"):
        read_document(tmp_path / "nowhere.json")


def test_a_problem_says_its_place_once() -> None:
    """Clients of the reference service read the place in the message, too."""
    report = check({"steps": [{"id": "a"}]}, Catalogue(Registry.discover()), limits=Limits())

    lines = [issue_line(asdict(issue)) for issue in report.errors]

    assert "/steps/0/action: Field required" in lines
    assert not any("steps.0" in line for line in lines)
