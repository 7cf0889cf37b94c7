"""Tables on a terminal of 80 columns, and for another program."""

from __future__ import annotations

import contextlib
import io

import pytest

from pipeline_engine.cli.output import print_table

COLUMNS = 80
ID = "01a21ba0-2bb7-76f6-9e41-20d6def71abd"
LONG = "guardrail-cluster-recommendation of the whole platform, in all of its regions and zones"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(*columns: str, rows: list[tuple[object, ...]]) -> list[str]:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(screen):
        patch.setenv("COLUMNS", str(COLUMNS))
        patch.setenv("TERM", "dumb")
        print_table(*columns, rows=rows)
    return screen.getvalue().splitlines()


def test_a_row_that_fits_is_one_line() -> None:
    lines = on_a_terminal("id", "revision", "pipeline", rows=[(ID, 1, "release")])

    assert lines == [
        f"{'id':<36}  revision  pipeline",
        f"{ID}  1         release",
    ]


def test_what_is_too_long_for_its_row_goes_on_below_and_no_id_is_folded() -> None:
    rows: list[tuple[object, ...]] = [(ID, "completed", LONG), (ID, "running", "release")]

    lines = on_a_terminal("id", "status", "pipeline", rows=rows)

    assert max(map(len, lines)) <= COLUMNS
    assert lines[1] == f"{ID}  completed"
    assert lines[2].startswith("    guardrail-cluster-recommendation of")
    assert lines[-1] == f"{ID}  running    release"


def test_a_text_with_room_enough_is_wrapped_between_words_in_its_column() -> None:
    lines = on_a_terminal("action", "", rows=[("approval", LONG)])

    assert [line.rstrip() for line in lines[1:]] == [
        "approval  guardrail-cluster-recommendation of the whole platform, in all of its",
        "          regions and zones",
    ]


def test_one_wide_cell_does_not_push_the_cells_of_other_rows_off_the_screen() -> None:
    rows = [("x" * 70, "✓ completed"), ("a", "· pending")]

    assert on_a_terminal("step", "status", rows=rows)[-1] == f"{'a':<40}  · pending"


def test_for_another_program_a_row_is_one_line_however_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table("id", "pipeline", rows=[(ID, LONG)])

    assert capsys.readouterr().out.splitlines()[1] == f"{ID}  {LONG}"
