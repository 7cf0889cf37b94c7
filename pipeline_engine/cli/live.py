"""Shows executions while they run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline_engine.cli.output import as_text, printable, span
from pipeline_engine.cli.states import PARKED, state
from pipeline_engine.client import Snapshot, StepView

HOUR = 3600
NOT_YET = state("pending").text


class Screen:
    """What the user looks at; a context manager, because a live table must be let go."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._began = time.monotonic()
        self._shown: dict[tuple[str, str], str] = {}
        self._execution_id = ""

    def say(self, line: str) -> None:
        """Print one line for good."""
        self._console.print(Text(f"{self._elapsed():6.1f} s  {printable(line)}"), soft_wrap=True)

    def show(self, snapshot: Snapshot) -> None:
        """Show how an execution stands."""
        if self._live is None:
            self._say_changes(snapshot)
            return
        if self._execution_id != snapshot.execution_id:
            self._execution_id = snapshot.execution_id
            self._live.stop()  # the table of the last execution stays above
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(_picture(snapshot), refresh=True)
        if snapshot.status.is_final:
            self._live.stop()  # what is said next stands below

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _say_changes(self, snapshot: Snapshot) -> None:
        for row in snapshot.rows:
            place, now = (snapshot.execution_id, row.id), _standing(row)
            if self._shown.get(place, NOT_YET) != now:
                self._shown[place] = now
                error = f": {row.error}" if row.error else ""
                name = f"{row.within}/{row.name}" if row.within else row.name
                self.say(f"{snapshot.name}  {snapshot.percentage:3.0f} %  {name}  {now}{error}")


def _picture(snapshot: Snapshot) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(printable(snapshot.name), style="bold"),
        as_text(state(snapshot.status)),
        ProgressBar(total=100, completed=snapshot.percentage, width=30),
        f"{snapshot.percentage:.0f} %",
        _eta(snapshot.eta_seconds),
    )
    rows = Table.grid(padding=(0, 2))
    for step in snapshot.steps:
        _add(rows, step, indent="  ")
    return Group(head, rows)


def _add(rows: Table, step: StepView, *, indent: str) -> None:
    """A row, and set in below it what it holds."""
    name, word = as_text(f"{indent}{step.name}"), as_text(state(_word(step)))
    rows.add_row(name, word, as_text(_remarks(step)))
    for item in step.items:
        _add(rows, item, indent=f"{indent}  ")


def _word(step: StepView) -> str:
    return PARKED if step.is_parked else str(step.status)


def _standing(step: StepView) -> str:
    return state(_word(step), f"(attempt {step.attempt})" if step.attempt > 1 else "").text


def _remarks(step: StepView) -> str:
    done = step.items_total - step.items_open
    remarks = (
        f"{done} of {step.items_total}" if step.items_total else "",
        f"attempt {step.attempt}" if step.attempt > 1 else "",
        f"{step.percentage:.0f} %" if 0 < step.percentage < 100 else "",
        step.error or "",
    )
    return "  ".join(remark for remark in remarks if remark)


def _eta(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"ETA {seconds // 60}:{seconds % 60:02d}" if seconds < HOUR else f"ETA {span(seconds)}"
