"""What is said when a command fails."""

from __future__ import annotations

import pytest

from pipeline_engine.cli.failures import fitted

SAID = "The step a-very-long-name-of-a-step has no parameter called x. [invalid_definition]"


def test_on_a_terminal_no_word_is_broken():
    lines = fitted(SAID, 30).split("\n")

    assert [word for line in lines for word in line.split()] == SAID.split()
    assert max(map(len, lines)) <= 30
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize("columns", [None, 200])
def test_lines_that_fit_and_lines_for_programs_stay_as_they_are(columns):
    assert fitted(f"{SAID}\n  and more", columns) == f"{SAID}\n  and more"


def test_a_word_that_is_too_long_stays_whole():
    assert fitted("see http://127.0.0.1:9082/docs", 10) == "see\n  http://127.0.0.1:9082/docs"
