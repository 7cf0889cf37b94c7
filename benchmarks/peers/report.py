"""What was measured, as tables for people and as JSON for later comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.peers.asking import Timing
from benchmarks.peers.contestants import OURS
from benchmarks.peers.inside.work import WORKLOADS
from benchmarks.peers.measuring import Outcome

COUNTED = tuple(workload for workload in WORKLOADS if workload.counts)
TITLES = {
    "short": "40 x fibo(10) in a row",
    "long": "10 x fibo(33) in a row",
    "map": "map of 100 x fibo(10) + join",
}
MEASURES: Mapping[str, Callable[[Timing], float]] = {
    "from the request to the result": lambda timing: timing.answered,
    "from the request to the last step": lambda timing: timing.worked,
}


def show(outcomes: Sequence[Outcome], machine: Machine, console: Console) -> None:
    """Print a table for each measure, then versions, setups and failures."""
    ours = next((one for one in outcomes if one.contestant.name == OURS), None)
    for title, measure in MEASURES.items():
        table = Table("", *TITLES.values(), title=f"Seconds {title} (x ours)", box=SIMPLE_HEAD)
        for outcome in outcomes:
            table.add_row(outcome.contestant.name, *_cells(outcome, ours, measure))
        console.print(table)
    console.print(
        f"{machine.system}, {machine.cpus} CPUs, load {machine.load}, Python {machine.python},"
        f" PostgreSQL {machine.postgresql} (fsync on), commit {machine.commit}"
    )
    for outcome in outcomes:
        console.print(_line(outcome), soft_wrap=True, highlight=False, markup=False)


def _cells(outcome: Outcome, ours: Outcome | None, measure: Callable[[Timing], float]) -> list[str]:
    return [_cell(outcome, ours, workload.name, measure) for workload in COUNTED]


def _cell(
    outcome: Outcome, ours: Outcome | None, workload: str, measure: Callable[[Timing], float]
) -> str:
    if outcome.failure:
        return "failed"
    seconds = outcome.seconds(workload, measure)
    if seconds is None:
        return ""
    ratio = outcome.ratio(ours, workload, measure) if ours else None
    return f"{seconds:.3f}" if ratio is None else f"{seconds:.3f} ({ratio:.2f})"


def _line(outcome: Outcome) -> str:
    contestant = outcome.contestant
    names = [name.partition("==")[0].partition("[")[0] for name in contestant.requirements[:1]]
    versions = "".join(f" {outcome.versions.get(name, 'not installed')}" for name in names)
    if outcome.failure:
        return f"{contestant.name}{versions}: not measured: {outcome.failure}"
    rounds = f"{outcome.rounds} round{'s' * (outcome.rounds != 1)}"
    return f"{contestant.name}{versions}: {contestant.setup} ({rounds})"


def write(outcomes: Sequence[Outcome], machine: Machine, path: Path) -> None:
    """Write every single measurement to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine),
        "workloads": {workload.name: asdict(workload) for workload in COUNTED},
        "contestants": {outcome.contestant.name: _document(outcome) for outcome in outcomes},
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "setup": outcome.contestant.setup,
        "requirements": list(outcome.contestant.requirements),
        "failure": outcome.failure,
        "load": outcome.load,
        "bare_fibo_33_seconds": round(outcome.bare_seconds, 4),
        "seconds": {
            workload: [asdict(timing) for timing in timings]
            for workload, timings in outcome.timings.items()
        },
        "versions": outcome.versions,
    }
