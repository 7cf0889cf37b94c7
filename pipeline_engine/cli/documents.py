"""Reads what users give as files or words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

TEXTS = frozenset({"string", "secret"})
WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, as strictly read as the API reads a body."""
    from pipeline_engine.domain import json_guard

    try:
        document = json_guard.loads(path.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error
    except json_guard.JsonRejected as error:
        raise click.UsageError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise click.UsageError(f"{path}: not a JSON object")
    return document


def read_params(words: Mapping[str, str], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the *words* stand for, by the types that *document* declares."""
    types = {
        declared.get("name"): declared.get("type") or "string"
        for declared in document.get("parameters") or ()
        if isinstance(declared, Mapping)
    }
    return {name: read_value(word, types.get(name)) for name, word in words.items()}


def read_value(word: str, type_name: str | None = None) -> Any:
    """Return what a word on the command line stands for.

    A parameter that is declared a text takes the word as it is. Everything else is JSON if it is
    JSON, and a text if it is not; whether that fits is for the API to say.
    """
    from pipeline_engine.domain.validation.types import REFERENCE_SUFFIX

    if type_name is not None and (type_name in TEXTS or type_name.endswith(REFERENCE_SUFFIX)):
        return word
    if type_name in {"integer", "float"} and WHOLE.fullmatch(word):
        return int(word)
    if type_name == "boolean" and word.lower() in {"true", "false"}:
        return word.lower() == "true"
    try:
        return json.loads(word, parse_constant=_no_json)
    except ValueError:
        return word


def _no_json(word: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(word)
