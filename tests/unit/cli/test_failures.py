"""What is said when a command fails."""

from __future__ import annotations

import contextlib
import io

import pytest

from pipeline_engine.cli.failures import tell
from pipeline_engine.errors import InvalidDefinition

WORDS = "The step a-very-long-name-of-a-step has no parameter that is called exactly like this."


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(screen: io.StringIO, message: str = WORDS) -> list[str]:
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(screen):
        patch.setenv("COLUMNS", "40")
        patch.setenv("LINES", "25")  # without it, a dumb terminal has 80 columns
        patch.setenv("TERM", "dumb")
        tell(InvalidDefinition(message), as_json=False)
    return screen.getvalue().splitlines()


def test_on_a_terminal_no_word_of_an_error_is_broken():
    lines = told(Terminal())

    assert [word for line in lines for word in line.split()] == [
        *WORDS.split(),
        "[invalid_definition]",
    ]
    assert max(map(len, lines)) <= 40


def test_for_programs_an_error_stays_in_its_line():
    assert told(io.StringIO()) == [f"{WORDS} [invalid_definition]"]


def test_an_error_cannot_move_the_cursor():
    assert "\x1b" not in "".join(told(Terminal(), "red \x1b[31m"))
