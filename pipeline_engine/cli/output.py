"""How results are printed: tables and lines for people, ``--json`` for programs.

Rich is loaded when something is printed: help and completion print without it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

WIDEST = 10_000  #: columns of a line that nobody reads on a screen
ESCAPES = {"\n": " ", "\t": " "}
#: seconds, and how they are called
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Styled(NamedTuple):
    """Words of our own, and how they look; any other text is somebody else's."""

    text: str
    style: str = ""


def terminal(*, stderr: bool = False, width: int | None = None) -> Console:
    """The screen. Texts on it come from outside: none of them is markup, an emoji or a number."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=width)


def as_text(words: object) -> Text:
    """*words* as the screen takes them."""
    from rich.text import Text

    return Text(*words) if isinstance(words, Styled) else Text(printable(words))


def printable(text: object) -> str:
    """*text* in one line that cannot move the cursor: control characters become escapes."""
    return "".join(c if c.isprintable() else ESCAPES.get(c) or ascii(c)[1:-1] for c in str(text))


def print_line(*parts: object) -> None:
    """Print one line: a terminal may wrap it, and nothing is cut."""
    terminal().print(*map(as_text, parts), soft_wrap=True)


def print_json(document: Any) -> None:
    """Print a document as programs want it."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(*columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Print rows under column names."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # an id that was cut is worth nothing
    for row in rows:
        table.add_row(*map(as_text, row))
    # Piped into another program, no line may break where a terminal would.
    terminal(width=None if is_terminal() else WIDEST).print(table)


def is_terminal() -> bool:
    """Whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def when(moment: str | None) -> str:
    """A point in time, for people on a screen in their own time and to the second."""
    if moment is None or not is_terminal():
        return moment or "-"
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def age(moment: str | None) -> str:
    """How long ago a point in time was, for people on a screen; for programs the point itself."""
    if moment is None or not is_terminal():
        return moment or "-"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    return span(max(seconds, 0))


def span(seconds: int) -> str:
    """A length of time in its largest unit."""
    size, unit = next((u for u in UNITS if seconds >= 2 * u[0]), UNITS[-1])
    return f"{seconds // size} {unit}"
