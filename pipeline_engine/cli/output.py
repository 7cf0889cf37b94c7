"""How results are printed: tables for people, ``--json`` for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

WIDEST = 10_000  #: columns of a line that nobody reads on a screen
ESCAPES = {"\n": " ", "\t": " "}
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


def terminal(*, stderr: bool = False, width: int | None = None) -> Console:
    """The screen. Texts on it come from outside: none of them is markup, an emoji or a number."""
    return Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=width)


def printable(text: object) -> str:
    """*text* in one line that cannot move the cursor: control characters become escapes."""
    return "".join(c if c.isprintable() else ESCAPES.get(c) or ascii(c)[1:-1] for c in str(text))


def print_json(document: Any) -> None:
    """Print a document as programs want it."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(*columns: str, rows: Iterable[tuple[str | Text, ...]]) -> None:
    """Print rows under column names; what is no ``Text`` is somebody's words."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # an id that was cut is worth nothing
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else printable(cell) for cell in row))
    # Piped into another program, no line may break where a terminal would.
    terminal(width=None if sys.stdout.isatty() else WIDEST).print(table)


def when(moment: str | None) -> str:
    """A point in time, for people on a screen in their own time and to the second."""
    if moment is None or not sys.stdout.isatty():
        return moment or "-"
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def state(word: str) -> Text:
    """Say a state with its icon, in its colour."""
    icon, colour = STATES.get(word.upper(), ("?", ""))
    return Text(f"{icon} {word.lower()}", style=colour)
