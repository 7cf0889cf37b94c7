"""Docstrings and tables as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable


def text(docstring: str | None) -> str:
    """A docstring with one line per paragraph."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(map(_in_one_line, paragraphs))


def line(docstring: str | None) -> str:
    """A docstring as one cell of a table."""
    return cell(" ".join(text(docstring).split("\n\n")))


def cell(written: str) -> str:
    """What stands in a table may hold no bare bar."""
    return written.replace("|", "\\|")


def code(written: str) -> str:
    """Text in backticks."""
    return f"``{written}``" if "`" in written else f"`{written}`"


def table(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table below *header*, whose columns are divided by bars."""
    rule = "|".join("---" for _ in header.split("|"))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(
        [f"| {' | '.join(part.strip() for part in header.split('|'))} |", f"|{rule}|", *lines]
    )


def _in_one_line(paragraph: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(paragraph.split()))
