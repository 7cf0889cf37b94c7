"""What was measured, as tables for people and as JSON for later comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.peers.aims import Verdict, judge
from benchmarks.peers.asking import Timing
from benchmarks.peers.contestants import CONTESTANTS, OURS, Contestant
from benchmarks.peers.inside.work import WORKLOADS, Workload
from benchmarks.peers.measuring import Outcome
from benchmarks.peers.rows import TABLES, Row

COUNTED = tuple(workload for workload in WORKLOADS if workload.counts)


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured, where and when."""

    outcomes: Sequence[Outcome]
    machine: Machine
    measured_at: datetime


def show(results: Results, console: Console) -> None:
    """Print the tables, the aims, then versions, setups and failures."""
    outcomes, machine = results.outcomes, results.machine
    ours = next((one for one in outcomes if one.contestant.name == OURS), None)
    for title, rows in TABLES.items():
        table = Table("", *(row.name for row in rows), title=f"{title} (x ours)", box=SIMPLE_HEAD)
        for outcome in outcomes:
            table.add_row(outcome.contestant.name, *(_cell(outcome, ours, row) for row in rows))
        console.print(table)
    console.print(_aims(outcomes))
    console.print(
        f"{machine.system}, {machine.cpus} CPUs, load {machine.load}, Python {machine.python},"
        f" PostgreSQL {machine.postgresql} (fsync on), commit {machine.commit}"
    )
    for outcome in outcomes:
        console.print(_line(outcome), highlight=False, markup=False)


def _cell(outcome: Outcome, ours: Outcome | None, row: Row) -> str:
    if outcome.failure:
        return "failed"
    value = outcome.value(row)
    if value is None:
        return ""
    base = ours.value(row) if ours else None
    return row.text(value) if base is None else f"{row.text(value)} ({value / base:.2f})"


def _aims(outcomes: Sequence[Outcome]) -> Table:
    table = Table("aim", "worst row", "x", "target", "", title="Ours ÷ theirs", box=SIMPLE_HEAD)
    for verdict in judge(outcomes):
        table.add_row(*verdict_cells(verdict))
    return table


def verdict_cells(verdict: Verdict) -> tuple[str, str, str, str, str]:
    """Return whom it is about, the row that is worst for us, the ratio, the target, the end."""
    aim, worst = verdict.aim, verdict.worst
    if worst is None:
        return (str(aim), "not measured", "", str(aim.target), "")
    row = f"{worst.row.name} ({worst.rival.name})"
    reached = "yes" if verdict.is_reached else "no"
    return (str(aim), row, f"{worst.ratio:.2f}", str(aim.target), reached)


def _line(outcome: Outcome) -> str:
    contestant = outcome.contestant
    name = f"{contestant.name} {version(outcome)}".rstrip()
    if outcome.failure:
        return f"{name}: not measured: {outcome.failure}"
    rounds = f"{outcome.rounds} round{'s' * (outcome.rounds != 1)}"
    return f"{name}: {contestant.setup} ({rounds}); a commit is {contestant.commit}"


def version(outcome: Outcome) -> str:
    """Return the version of what is compared: of the server, where there is one."""
    contestant = outcome.contestant
    pins = [pin.rpartition("@")[0] for pin in contestant.npm_packages] or [
        pin.partition("==")[0].partition("[")[0] for pin in contestant.requirements
    ]
    return outcome.versions.get(pins[0], "not installed") if pins else ""


def write(results: Results, path: Path) -> None:
    """Write every single measurement to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": results.measured_at.isoformat(timespec="seconds"),
        "machine": asdict(results.machine),
        "workloads": {workload.name: _workload(workload) for workload in COUNTED},
        "contestants": {one.contestant.name: _document(one) for one in results.outcomes},
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def read(path: Path) -> Results:
    """Return what :func:`write` wrote, as far as its contestants still take part."""
    document = orjson.loads(path.read_bytes())
    kept = document["contestants"]
    return Results(
        outcomes=[_outcome(one, kept[one.name]) for one in CONTESTANTS if one.name in kept],
        machine=Machine(**document["machine"]),
        measured_at=datetime.fromisoformat(document["measured_at"]),
    )


def _workload(workload: Workload) -> dict[str, Any]:
    return asdict(workload) | {"shape": workload.shape.value}


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "setup": outcome.contestant.setup,
        "requirements": [*outcome.contestant.requirements, *outcome.contestant.npm_packages],
        "failure": outcome.failure,
        "load": outcome.load,
        "bare_fibo_33_seconds": round(outcome.bare_seconds, 4),
        "seconds": {
            workload: [asdict(timing) for timing in timings]
            for workload, timings in outcome.timings.items()
        },
        "versions": outcome.versions,
    }


def _outcome(contestant: Contestant, kept: Any) -> Outcome:
    return Outcome(
        contestant,
        timings={name: [_timing(one) for one in each] for name, each in kept["seconds"].items()},
        versions=kept["versions"],
        failure=kept["failure"],
        load=kept["load"],
        bare_seconds=kept["bare_fibo_33_seconds"],
    )


def _timing(kept: Any) -> Timing:
    return Timing(kept["answered"], kept["worked"], tuple(kept["signalled"]))
