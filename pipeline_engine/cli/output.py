"""How results are printed: tables for people, ``--json`` for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

WIDEST = 10_000
#: a state is a word and an icon first, and a colour second
STATES = {
    "PENDING": ("·", "dim"),
    "RUNNING": ("●", "cyan"),
    "PARKED": ("◆", "magenta"),
    "COMPLETED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "TIMEOUT": ("✗", "red"),
    "INTERRUPTED": ("■", "yellow"),
    "RETRYING": ("↻", "yellow"),
    "SKIPPED": ("-", "dim"),
}


def print_json(document: Any) -> None:
    """Print a document as programs want it."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(*columns: str, rows: Iterable[tuple[str | Text, ...]]) -> None:
    """Print rows under column names."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # an id that was cut is worth nothing
    for row in rows:
        table.add_row(*row)
    # Piped into another program, no line may break where a terminal would.
    Console(width=None if sys.stdout.isatty() else WIDEST).print(table)


def state(word: str) -> Text:
    """Say a state with its icon, in its colour."""
    icon, colour = STATES.get(word.upper(), ("?", ""))
    return Text(f"{icon} {word.lower()}", style=colour)
