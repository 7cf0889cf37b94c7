"""What was measured, as a table for people and as JSON for later comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.judging import Figure, Outcome
from benchmarks.machine import Machine

COLUMNS = ("row", "figure", "engine", "against", "", "measured", "target", "")
NUMBERS = (2, 4, 5, 6)  # columns that are read from their right end


def show(outcomes: Sequence[Outcome], machine: Machine, console: Console) -> None:
    """Print the table."""
    table = Table(*COLUMNS, title="Pipeline Engine (medians of the rounds)", box=SIMPLE_HEAD)
    for number in NUMBERS:
        table.columns[number].justify = "right"
    for outcome in outcomes:
        for cells in _lines(outcome):
            table.add_row(*cells)
    console.print(table)
    console.print(
        f"{machine.system}, {machine.processor}, {machine.cpus} CPUs, load {machine.load},"
        f" Python {machine.python}, PostgreSQL {machine.postgresql} (fsync on),"
        f" Celery {machine.packages['celery']}, commit {machine.commit}"
    )
    missed = [outcome.row for outcome in outcomes if not outcome.is_reached]
    console.print(f"targets missed: {', '.join(missed) or 'none'}")


def _lines(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    for number, figure in enumerate(outcome.figures):
        yield (
            outcome.row if number == 0 else "",
            figure.name,
            _amount(figure.ours, figure.measured_in),
            outcome.against if number == 0 else "",
            _amount(figure.theirs, figure.measured_in),
            _amount(figure.value, f" {figure.unit}"),
            str(figure.target or ""),
            _mark(figure),
        )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}{unit}" if abs(value) >= 100 else f"{value:.3g}{unit}"


def _mark(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return "✓" if figure.is_reached else "✗"


def write(outcomes: Sequence[Outcome], machine: Machine, path: Path) -> None:
    """Write every single measurement to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine),
        "rows": {outcome.row: _document(outcome) for outcome in outcomes},
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "work": outcome.work,
        "against": outcome.against,
        "reached": outcome.is_reached,
        "figures": [_figure(figure) for figure in outcome.figures],
        "rounds": dict(outcome.rounds),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "target": str(figure.target) if figure.target else None,
        "reached": figure.is_reached if figure.target else None,
        "engine": figure.ours,
        "against": figure.theirs,
        "measured_in": figure.measured_in.strip(),
    }
