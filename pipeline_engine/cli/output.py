"""How results are printed: tables and lines for people, ``--json`` for programs.

Rich is loaded when something is printed: help and completion print without it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

WIDEST_CELL = 40  #: columns up to which a cell of a table moves the cells of other rows
GAP = "  "  #: between the columns of a table
ROOMY = 32  #: columns in which a text can be wrapped and still be read
BELOW = 4  #: columns by which a cell is set in that goes on below its row
ESCAPES = {"\n": " ", "\t": " "}
#: Seconds of each unit, and its abbreviation.
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Styled(NamedTuple):
    """Words of our own with a style; texts from outside are plain ``str``."""

    text: str
    style: str = ""


def terminal(*, stderr: bool = False, width: int | None = None) -> Console:
    """The screen. Texts on it come from outside: none of them is markup, an emoji or a number."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=width)


def keep_log_apart() -> None:
    """Send our own log lines to the standard error stream: the other one is for the result.

    Commands that load actions call it, as a broken one is logged; loading structlog takes longer
    than most commands have.
    """
    import structlog

    def on_stderr(*_: object) -> structlog.PrintLogger:
        return structlog.PrintLogger(sys.stderr)

    if isinstance(structlog.get_config()["logger_factory"], structlog.PrintLoggerFactory):
        structlog.configure(logger_factory=on_stderr)


def as_text(words: object) -> Text:
    """*words* as the screen takes them."""
    from rich.text import Text

    return Text(*words) if isinstance(words, Styled) else Text(printable(words))


def printable(text: object) -> str:
    """*text* in one line that cannot move the cursor: control characters become escapes."""
    return "".join(c if c.isprintable() else ESCAPES.get(c) or ascii(c)[1:-1] for c in str(text))


def print_line(*parts: object) -> None:
    """Print one line; on a narrow terminal it is broken at blanks, and nothing is cut."""
    from rich.text import Text

    _print_whole(terminal(), Text(" ").join(map(as_text, parts)))


def print_error(text: str) -> None:
    """Print lines to the standard error stream, broken where ``print_line`` breaks."""
    console = terminal(stderr=True)
    for line in text.split("\n"):
        _print_whole(console, as_text(line))


def _print_whole(console: Console, line: Text) -> None:
    """Print *line*, and set in what goes on below; a word that is too long stays one word.

    Piped into another program, no line may break where a terminal would.
    """
    fits = not console.file.isatty() or line.cell_len <= console.width
    margin = " " * (len(line.plain) - len(line.plain.lstrip()) + BELOW)
    breaks = [] if fits else _breaks(line.plain, console.width, len(margin))
    first, *rest = line.divide(breaks)
    console.print(first, soft_wrap=True)
    for part in rest:
        blanks = len(part.plain) - len(part.plain.lstrip())
        console.print(margin, part[blanks:], sep="", soft_wrap=True)


def _breaks(text: str, width: int, margin: int) -> list[int]:
    """Return before which words *text* goes on in a new line, set in by *margin* columns."""
    from rich.cells import cell_len

    found, used = [], 0
    for word in re.finditer(r"\s*\S+", text):
        columns = cell_len(word.group())
        if used and used + columns > width:
            found.append(word.start())
            used = margin + cell_len(word.group().lstrip())
        else:
            used += columns
    return found


def print_json(document: Any) -> None:
    """Print a document as programs want it."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(*columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Print rows under column names, each in one line wherever that fits.

    On a terminal that is too narrow for a row, its last cell is wrapped in its column, or goes on
    below where that is too narrow to read. No other cell is folded: half of an id is worth nothing.
    """
    head = tuple(Styled(column, "bold") for column in columns)
    cells = [tuple(map(as_text, row)) for row in (head, *rows)]
    widest = (max(cell.cell_len for cell in column) for column in zip(*cells, strict=True))
    widths = [min(width, WIDEST_CELL) for width in widest]
    console = terminal()
    for row in cells:
        _print_row(console, row, widths)


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and what they are below each other; there is nothing to write above them."""
    width = max((len(name) for name, _ in facts), default=0)
    for name, value in facts:
        print_line(f"{name:<{width}}  {value}")


def _print_row(console: Console, row: Sequence[Text], widths: Sequence[int]) -> None:
    from rich.padding import Padding
    from rich.table import Column, Table
    from rich.text import Text

    *first, last = row
    line = Text()
    for cell, width in zip(first, widths, strict=False):
        line += cell + " " * (max(width - cell.cell_len, 0) + len(GAP))
    room = console.width - line.cell_len
    if not is_terminal() or last.cell_len <= room:
        line += last
        line.rstrip()
        _print_whole(console, line)
    elif room >= ROOMY:
        grid = Table.grid(Column(width=line.cell_len), Column(overflow="fold"))
        grid.add_row(line, last)
        console.print(grid)
    else:
        line.rstrip()
        _print_whole(console, line)
        console.print(Padding(last, (0, 0, 0, BELOW)))


def is_terminal() -> bool:
    """Whether the output goes to a terminal."""
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
