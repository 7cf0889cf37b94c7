"""Tables and lines on a terminal of 80 columns, and for another program."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import pytest

from pipeline_engine.cli.output import print_line, print_table

COLUMNS = 80
ID = "01a21ba0-2bb7-76f6-9e41-20d6def71abd"
LONG = "guardrail-cluster-recommendation of the whole platform, in all of its regions and zones"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(*columns: str, rows: list[tuple[object, ...]]) -> list[str]:
    return shown(lambda: print_table(*columns, rows=rows))


def shown(show: Callable[[], None]) -> list[str]:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(screen):
        patch.setenv("COLUMNS", str(COLUMNS))
        patch.setenv("TERM", "dumb")
        show()
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


def test_a_line_that_is_too_long_goes_on_below_between_words() -> None:
    lines = shown(lambda: print_line(f"  → {LONG}", ID, "running"))

    assert max(map(len, lines)) <= COLUMNS
    assert " ".join(line.strip() for line in lines) == f"→ {LONG} {ID} running"
    assert [len(line) - len(line.lstrip()) for line in lines] == [2, 6]


def test_a_word_that_is_wider_than_the_screen_stays_one_word() -> None:
    url = f"http://127.0.0.1:9082/callbacks/{'a' * 90}"

    assert shown(lambda: print_line("POST to", url, "now")) == ["POST to", f"    {url}", "    now"]


def test_a_row_of_wide_cells_is_broken_between_cells() -> None:
    row = ("s" * 60, "a" * 22, 1)

    lines = on_a_terminal("step", "action", "attempt", rows=[row])

    assert [line.strip() for line in lines[1:]] == ["s" * 60, "a" * 22, "1"]


def test_for_another_program_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(LONG, ID)

    assert capsys.readouterr().out == f"{LONG} {ID}\n"
