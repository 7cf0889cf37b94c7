"""What was measured, as a table for people and as JSON for later comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.measuring import Comparison

COLUMNS = (
    "shape (results)",
    "raw Celery",
    "raw/s",
    "accept s",
    "run s",
    "steps/s",
    "whole ratio",
    "ratio",
    "target",
)


def show(comparisons: Sequence[Comparison], machine: Machine, console: Console) -> None:
    """Print the table."""
    table = Table(*COLUMNS, title="Pipeline Engine ÷ raw Celery (medians)", box=SIMPLE_HEAD)
    for column in table.columns[2:]:
        column.justify = "right"
    for comparison in comparisons:
        table.add_row(*_cells(comparison))
    console.print(table)
    console.print(
        f"{machine.system}, {machine.cpus} CPUs, load {machine.load}, Python {machine.python},"
        f" PostgreSQL {machine.postgresql} (fsync on), Celery {machine.packages['celery']},"
        f" commit {machine.commit}"
    )
    console.print(
        "ratio: from acceptance to the end; whole ratio: checking and storing the definition too"
    )


def _cells(comparison: Comparison) -> tuple[str, ...]:
    mark = "✓" if comparison.reached else "✗"
    return (
        f"{comparison.shape.name} ({comparison.shape.results:,})",
        str(comparison.shape.baseline),
        f"{comparison.raw_rate:,.0f}",
        f"{median(timing.accepting for timing in comparison.engine):.3f}",
        f"{median(timing.running for timing in comparison.engine):.3f}",
        f"{comparison.rate:,.0f}",
        f"{comparison.whole_ratio:.2f}",
        f"{comparison.ratio:.2f}",
        f"{mark} {comparison.shape.target:g}",
    )


def write(comparisons: Sequence[Comparison], machine: Machine, path: Path) -> None:
    """Write every single measurement to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine),
        "shapes": {c.shape.name: _document(c) for c in comparisons},
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _document(comparison: Comparison) -> dict[str, Any]:
    return {
        "steps": len(comparison.shape.document["steps"]),
        "edges": comparison.shape.edges,
        "results": comparison.shape.results,
        "raw": str(comparison.shape.baseline),
        "raw_seconds": comparison.raw,
        "accepting_seconds": [timing.accepting for timing in comparison.engine],
        "running_seconds": [timing.running for timing in comparison.engine],
        "ratio": round(comparison.ratio, 3),
        "whole_ratio": round(comparison.whole_ratio, 3),
        "target": comparison.shape.target,
        "reached": comparison.reached,
    }
