"""What a run found: as JSON for later comparisons, and as a table for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from battery.checks import Checks
from battery.programs import REPOSITORY
from battery.run import Run
from battery.size import Size
from benchmarks.machine import Machine

RESULT = REPOSITORY / ".pipeline" / "battery" / "battery.json"
PAGE = REPOSITORY / "docs" / "reference" / "battery.md"
BEGIN, END = "<!-- battery: begin -->", "<!-- battery: end -->"
KIND_NAMES = {
    "kill": "a process killed at a named place",
    "raise": "an exception at a named place",
    "stop": "a process frozen past its lease at a named place",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that is worth keeping of a run."""

    measured_at: str
    machine: Machine
    seed: int
    size: str
    checks: Checks
    seconds: Mapping[str, float]
    executions: int
    effects: int
    faults: Mapping[str, int]
    deaths: Mapping[str, int]
    deliveries: Mapping[str, int]
    held: Mapping[str, Any]
    answers: Mapping[str, int]

    @classmethod
    def of(cls, run: Run, size: Size) -> Result:
        """Take the result of a run whose stack still lives."""
        return cls(
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=Machine.here(run.stack.engine),
            seed=run.seed,
            size=size.name,
            checks=run.checks,
            seconds=dict(run.seconds),
            executions=len(run.traffic.started),
            effects=sum(1 for e in run.stack.ledger.effects() if e.moment == "begin"),
            faults=dict(run.faults),
            deaths=dict(run.stack.keeper.deaths),
            deliveries=dict(run.traffic.waves()),
            held=dict(run.held),
            answers={str(k): v for k, v in sorted(run.traffic.api.answers.items())},
        )


def write(result: Result, path: Path) -> Path:
    """Write all of it to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = asdict(result)
    document["checks"] = [asdict(c) | {"verdict": c.verdict} for c in result.checks.made]
    document["summary"] = result.checks.summary
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return path


def write_docs(result: Result, page: Path = PAGE) -> None:
    """Replace what stands between the markers of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(result)}\n{END}{after}")


def table(result: Result) -> str:
    """Return the result as Markdown."""
    machine, checks = result.machine, result.checks
    seconds = sum(result.seconds.values())
    run = f"seed {result.seed}, commit `{machine.commit}`, {result.measured_at[:10]}"
    where = (
        f"{machine.system}, {machine.cpus} CPUs (load {machine.load:g}), Python {machine.python},"
        f" PostgreSQL {machine.postgresql}, Celery {machine.packages['celery']}."
    )
    what = (
        f"{seconds:,.0f} s for all blocks, {result.executions:,} executions,"
        f" {result.effects:,} effects in the ledger."
    )
    lines = [
        f"{checks.summary}, {checks.count('skipped')} skipped; {run}.",
        where,
        what,
        *_part("Faults survived", ((KIND_NAMES.get(k, k), v) for k, v in result.faults.items())),
        *_part("Deliveries sent", result.deliveries.items()),
        *_part("Load held", result.held.items()),
    ]
    return "\n".join(lines)


def _part(title: str, entries: Any) -> Iterator[str]:
    yield from ("", f"| {title} | |", "|---|---|")
    for name, value in entries:
        yield f"| {name} | {value:,} |"
