"""The part of the page about peers that is made from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.peers.aims import Pair, judge, lost
from benchmarks.peers.contestants import CHEAP, CONTESTANTS, OURS
from benchmarks.peers.measuring import Outcome
from benchmarks.peers.report import Results, verdict_cells, version
from benchmarks.peers.rows import ROWS, Row
from benchmarks.workers import REPOSITORY

PATH = REPOSITORY / "docs" / "reference" / "peers.md"
BEGIN = "<!-- made by `python -m benchmarks.peers --publish`: begin -->\n"
END = "<!-- made by `python -m benchmarks.peers --publish`: end -->\n"
KINDS = {OURS: "blocking", CHEAP: "cheap"}
NOT_MEASURED = "–"  # noqa: RUF001 (as in the other tables of the page)


def publish(results: Results) -> None:
    """Put what was measured into the page, in the place of what was there."""
    PATH.write_text(with_results(PATH.read_text(), made_of(results)))


def with_results(page: str, made: str) -> str:
    """Return *page* with *made* between its two marks.  Raises ``ValueError`` without them."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError("the page has no place for results")
    return f"{before}{BEGIN}\n{made}\n\n{END}{after}"


def made_of(results: Results) -> str:
    """Return the tables, and where we lose, in Markdown."""
    outcomes = results.outcomes
    return "\n".join(
        [
            *_where(results),
            "",
            *_figures(outcomes),
            "",
            *_failures(outcomes),
            "### What was to be reached",
            "",
            "The worst row of each; a rival's fastest variant counts.",
            "",
            *_table(
                ("Steps, rows: rival", "Worst row", "Ours ÷ theirs", "Target", "Reached"),
                map(verdict_cells, judge(outcomes)),
            ),
            "",
            "### Where we lose, and why",
            "",
            *_losses(outcomes),
            "",
            "### What a commit is",
            "",
            *_commits(),
        ]
    )


def _where(results: Results) -> Iterator[str]:
    machine, loads = results.machine, [outcome.load for outcome in results.outcomes]
    busy = f"{min(loads, default=0):.1f} to {max(loads, default=0):.1f}"
    yield (
        f"Measured on {results.measured_at:%Y-%m-%d}: {machine.cpus} CPUs ({machine.processor}),"
        f" {machine.memory_gib:.0f} GiB, {machine.system}, Python {machine.python},"
        f" PostgreSQL {machine.postgresql}; load before each contestant {busy}."
    )
    if max(loads, default=0) > machine.cpus / 2 + 1:
        yield (
            "**Other programs ran at the same time:"
            " differences below a factor of two say nothing here.**"
        )


def _figures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    header = ("", *(f"`{row.name}` {row.unit}" for row in ROWS), "rounds", "bare `fibo(33)`")
    lines = (
        (
            f"{outcome.contestant.name} {version(outcome)}".rstrip(),
            *(_figure(outcome, row) for row in ROWS),
            str(outcome.rounds),
            f"{outcome.bare_seconds:.2f}",
        )
        for outcome in outcomes
        if not outcome.failure
    )
    return _table(header, lines)


def _figure(outcome: Outcome, row: Row) -> str:
    value = outcome.value(row)
    if value is None:
        return NOT_MEASURED
    found = [row.of(timing) for timing in outcome.timings[row.workload]]
    if len(found) == 1:
        return row.text(value)
    return f"{row.text(value)} ({row.text(min(found))} to {row.text(max(found))})"


def _failures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.failure:
            yield f"{outcome.contestant.name} was not measured: {outcome.failure}"
            yield ""


def _losses(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a line for each of our kinds of steps and each rival that is faster somewhere."""
    any_lost = False
    for ours, kind in KINDS.items():
        for rival, pairs in lost(outcomes, ours).items():
            any_lost = True
            where = ", ".join(map(_loss, pairs))
            why = pairs[0].rival.advantage or "We have no explanation."
            yield f"- With {kind} steps to **{rival}**: {where}. {why}"
    if not any_lost:
        yield "Nowhere in this run."


def _loss(pair: Pair) -> str:
    row = pair.row
    times = f"{row.text(pair.ours)} against {row.text(pair.theirs)} {row.unit}"
    return f"`{row.name}` {times} ({pair.ratio:.1f} to 1)"


def _commits() -> Iterator[str]:
    """Yield what is on the disk when a step counts as done, for each engine."""
    told = [one for one in CONTESTANTS if one.engine in (one.name, OURS)]
    return _table(("", "A step is done with"), ((one.name, one.commit) for one in told))


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for cells in lines:
        yield f"| {' | '.join(cells)} |"
