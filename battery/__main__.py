"""``make battery``, or ``python -m battery --help``."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from battery import report
from battery.blocks import load, named_faults, random_faults, schedules
from battery.bugs import Bug
from battery.checks import Checks
from battery.run import Run, Stopwatch
from battery.size import FULL, SMOKE, Size
from battery.stack import BEAT, running_stack
from battery.subscriber import Subscriber
from battery.timetable import Timetable
from battery.traffic import Traffic

BLOCKS: Mapping[str, Callable[[Run, Size], None]] = {
    named_faults.NAME: lambda run, size: named_faults.run_block(run, kinds=size.kinds),
    random_faults.NAME: random_faults.run_block,
    load.NAME: load.run_block,
    schedules.NAME: schedules.run_block,
}
#: Blocks that are run only if they are asked for, and programs of which they want two.
ON_DEMAND: Mapping[str, Sequence[str]] = {schedules.NAME: (BEAT, schedules.SYSTEM)}


@click.command()
@click.option("--seed", type=int, help="Repeat the decisions of another run.")
@click.option("--block", "blocks", multiple=True, type=click.Choice(list(BLOCKS)), help="Only it.")
@click.option("--smoke", is_flag=True, help="A little of everything, in 90 seconds.")
@click.option(
    "--bug", type=click.Choice([*map(str, Bug)]), help="Plant it: the battery has to fail."
)
@click.option("--json", "path", type=click.Path(path_type=Path), help="Where the result goes.")
@click.option("--keep", is_flag=True, help="Keep the logs and the ledger.")
@click.option("--write-docs", is_flag=True, help="Write the table of the documentation, too.")
def main(
    seed: int | None,
    blocks: tuple[str, ...],
    smoke: bool,
    bug: str | None,
    path: Path | None,
    keep: bool,
    write_docs: bool,
) -> None:
    """Kill, cut and flood an installation of its own, and prove that nothing was lost."""
    if write_docs and (smoke or bug or blocks):
        raise click.UsageError("Only a whole run goes into the documentation.")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    click.echo(f"seed {seed}")
    folder = Path(tempfile.mkdtemp(prefix="pipeline-engine-battery-"))
    folder.chmod(0o711)  # as root, the servers run as nobody
    try:
        result = run_battery(
            folder,
            seed=seed,
            size=SMOKE if smoke else FULL,
            blocks=blocks or tuple(name for name in BLOCKS if name not in ON_DEMAND),
            bug=Bug(bug) if bug else None,
        )
    finally:
        if keep:
            click.echo(f"logs and ledger: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"every check: {report.write(result, path or report.RESULT)}")
    if write_docs:
        report.write_docs(result)
    click.echo(result.checks.summary)
    sys.exit(bool(result.checks.count("FAILED")))


def run_battery(
    folder: Path, *, seed: int, size: Size, blocks: tuple[str, ...], bug: Bug | None
) -> report.Result:
    """Start an installation, run the blocks, and return all that was found."""
    checks = Checks()
    doubled = {program for name in blocks for program in ON_DEMAND.get(name, ())}
    with (
        running_stack(folder, bug=bug, doubled=sorted(doubled)) as stack,
        Timetable.of(stack) as timetable,
    ):
        traffic = Traffic(stack, seed)
        subscriber = Subscriber()
        run = Run(stack, traffic, checks, seed, timetable, subscriber)
        try:
            traffic.subscribe(subscriber.url)
            traffic.store_child()
            traffic.store_trigger()
            traffic.hooks.store()
            for block in blocks:
                with Stopwatch(run.seconds, block):
                    BLOCKS[block](run, size)
        finally:
            traffic.close()
            subscriber.close()
        return report.Result.of(run, size)


if __name__ == "__main__":
    main()
