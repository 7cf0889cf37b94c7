"""Where in an author's file an error comes from."""

from __future__ import annotations

import traceback
from pathlib import Path

OURS = Path(__file__).parents[1]


def place_of(error: BaseException) -> str | None:
    """The file and line that an author has to look at; None if the error names none.

    Of a traceback that is the innermost line that neither the engine nor Python's import wrote.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_of_an_author(frame.filename)]
    return f"{theirs[-1].filename}:{theirs[-1].lineno}" if theirs else None


def _is_of_an_author(file: str) -> bool:
    path = Path(file)
    is_python = file.startswith("<") or path.match("importlib/*.py")
    return not is_python and not path.is_relative_to(OURS)


def reason_in(error: Exception) -> str:
    """An error in one line: what it says, and where."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    place = place_of(error)
    return f"{place}: {words}" if place else words
