"""Reads what users give as files or words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline_engine.domain import json_guard


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, as strictly read as the API reads a body."""
    try:
        document = json_guard.loads(path.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error
    except json_guard.JsonRejected as error:
        raise click.UsageError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise click.UsageError(f"{path}: not a JSON object")
    return document


def read_value(text: str) -> Any:
    """Return what a word on the command line stands for: JSON if it is JSON, else the text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
