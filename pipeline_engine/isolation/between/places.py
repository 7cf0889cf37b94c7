"""Where in an author's file an error comes from."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

#: Folders of code that is not an author's: the engine's, and that of Python's import.
NOT_THEIRS = (Path(__file__).parents[2], Path(importlib.__file__).parent)


def place_of(error: BaseException) -> tuple[Path, int] | None:
    """The file and line that an author has to look at; None if the error names none.

    Of a traceback that is the innermost line that neither the engine nor Python's import wrote.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_of_an_author(frame.filename)]
    return (Path(theirs[-1].filename), theirs[-1].lineno or 1) if theirs else None


def _is_of_an_author(file: str) -> bool:
    return not file.startswith("<") and not any(map(Path(file).is_relative_to, NOT_THEIRS))


def reason_in(error: BaseException, *, whole_path: bool = False) -> str:
    """An error in one line: what it says, and where.

    Only for the author's own eyes with the *whole path*, which tells of the machine.
    """
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    place = place_of(error)
    if place is None:
        return words
    path, line = place
    return f"{path if whole_path else _as_imported(path)}:{line}: {words}"


def _as_imported(path: Path) -> Path:
    """The path below the folder that Python has found the file in."""
    folders = [Path(one) for one in sys.path if one and path.is_relative_to(one)]
    nearest = max(folders, key=lambda folder: len(folder.parts), default=path.parent)
    return path.relative_to(nearest)
