from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipeline_engine.cli.live import Screen
from pipeline_engine.client import Snapshot, StepView
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


def a_step(name: str, status: StepStatus, **facts: object) -> StepView:
    known = {
        "id": name,
        "step_id": name,
        "action": "log",
        "attempt": 1,
        "percentage": 0.0,
        "is_parked": False,
        "parked_until": None,
        "error": None,
    }
    return StepView(name=name, status=status, **{**known, **facts})  # type: ignore[arg-type]


def a_snapshot(*steps: StepView) -> Snapshot:
    return Snapshot(
        execution_id="e1",
        name="pipeline",
        status=ExecutionStatus.RUNNING,
        percentage=50.0,
        eta_seconds=65,
        outputs=None,
        error=None,
        steps=steps,
    )


def shown(*snapshots: Snapshot, terminal: bool = False) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, color_system=None, width=100)
    with Screen(console) as screen:
        for snapshot in snapshots:
            screen.show(snapshot)
    return written.getvalue()


def test_without_a_terminal_every_change_is_one_line_and_what_stays_is_none() -> None:
    running = a_snapshot(a_step("a", StepStatus.RUNNING), a_step("b", StepStatus.PENDING))
    parked = a_snapshot(
        a_step("a", StepStatus.COMPLETED), a_step("b", StepStatus.RUNNING, is_parked=True)
    )

    lines = shown(running, running, parked, parked).splitlines()

    words = [line.split("  ", 1)[1].split() for line in lines]
    assert [line[-3:] for line in words] == [
        ["a", "●", "running"],
        ["a", "✓", "completed"],
        ["b", "◆", "parked"],
    ]


def test_a_repeated_attempt_and_an_error_are_told() -> None:
    text = shown(a_snapshot(a_step("a", StepStatus.FAILED, attempt=2, error="no luck")))

    assert "failed (attempt 2): no luck" in text


@pytest.mark.parametrize("words", ["pipeline", "50 %", "ETA 1:05", "◆ parked", "1 of 3", "item 2"])
def test_on_a_terminal_there_is_a_table_with_progress_items_and_what_is_parked(words: str) -> None:
    items = (a_step("item 2", StepStatus.RUNNING, is_parked=True),)
    fan_out = a_step("a", StepStatus.RUNNING, items_total=3, items_open=2, items=items)

    assert words in shown(a_snapshot(fan_out), terminal=True)


def test_what_is_in_a_block_stands_below_it_or_says_where_it_is() -> None:
    inner = a_step("Sign off", StepStatus.RUNNING, within="each[0]")
    item = a_step("item 0", StepStatus.RUNNING, items=(inner,))
    snapshot = a_snapshot(a_step("each", StepStatus.RUNNING, items=(item,)))

    assert "each[0]/Sign off  ● running" in shown(snapshot)
    assert "\n      Sign off" in shown(snapshot, terminal=True)
