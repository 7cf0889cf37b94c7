"""``make battery-bugs``: the battery notices each deliberate bug, and finds nothing without one.

Every bug gets an installation of its own and the smallest scene in which it can do harm. All
scenes are played once more, one after another, on an installation without a bug.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Event

import click
import psutil

from battery import jobs
from battery.bugs import NOTICED_BY, Bug
from battery.checks import Checks
from battery.invariants import check_all
from battery.jobs import Job
from battery.run import Run
from battery.stack import running_stack
from battery.timetable import Timetable
from battery.traffic import EVENTS, Traffic

SEED = 1
REST_WITHIN_SECONDS = 20.0  #: a bug may keep an execution from ever coming to rest
LOOK_EVERY_SECONDS = 0.05


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*map(str, Bug)]), metavar="[BUG]...")
def main(names: tuple[str, ...]) -> None:
    """Check the checker, with every bug or with these."""
    checks = Checks()
    wanted = [Bug(name) for name in names] or list(Bug)
    for bug in wanted:
        _demand(checks, bug)
    _demand_nothing(checks, wanted)
    click.echo(checks.summary)
    sys.exit(bool(checks.count("FAILED")))


def _demand(checks: Checks, bug: Bug) -> None:
    with _a_run(bug) as run:
        SCENES[bug](run)
        found = _violations(run)
    wanted = NOTICED_BY[bug]
    missed = [] if wanted in found else [f"found was {found or 'nothing'}"]
    noticed = next(iter(found.get(wanted, ())), "")
    checks.add("bugs", f"{bug} is noticed by {wanted}: {noticed}", missed)


def _demand_nothing(checks: Checks, bugs: list[Bug]) -> None:
    with _a_run(None) as run:
        for bug in bugs:
            SCENES[bug](run)
        found = _violations(run)
    violations = [f"{name}: {words}" for name, those in found.items() for words in those]
    checks.add("bugs", "without a bug the same scenes violate nothing", violations)


@contextmanager
def _a_run(bug: Bug | None) -> Iterator[Run]:
    folder = Path(tempfile.mkdtemp(prefix="pipeline-engine-battery-"))
    folder.chmod(0o711)  # as root, the servers run as nobody
    try:
        with running_stack(folder, bug=bug) as stack:
            traffic = Traffic(stack, SEED)
            try:
                with Timetable.of(stack) as timetable:
                    yield Run(stack, traffic, Checks(), SEED, timetable)
            finally:
                traffic.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _violations(run: Run) -> Mapping[str, list[str]]:
    _wait(lambda: not _one(run, STIRRING))
    found = check_all(run.evidence())
    return {f.invariant: list(f.violations) for f in found if f.violations}


# ── Scenes ───────────────────────────────────────────────────────────────────────────────


def die_after_each_answer(run: Run) -> None:
    """The web server is killed as soon as it has accepted a delivery."""
    job = jobs.many_parked(Random(SEED), 3)
    run.traffic.start(job, key="die-after-each-answer")
    for waiting in job.waiting:
        run.traffic.deliver(waiting, 1, wave="once")
        run.stack.kill("web")


def deliver_twice(run: Run) -> None:
    """A delivery comes twice, and Redis forgets the first one in between."""
    job = jobs.many_parked(Random(SEED + 1), 1)
    run.traffic.start(job, key="deliver-twice")
    run.traffic.deliver(job.waiting[0], 1, wave="doubled")
    run.stack.flush()
    run.traffic.deliver(job.waiting[0], 1, wave="doubled")


def stand_still(run: Run) -> None:
    """A worker stands still past its lease, and goes on while its successor works."""
    run.traffic.start(jobs.slow(3.0), key="stand-still")
    _wait(lambda: _one(run, HOLDER.format(1)))
    holder = psutil.Process(int(str(_one(run, HOLDER.format(1))).rpartition(":")[2]))
    holder.suspend()
    _wait(lambda: _one(run, HOLDER.format(2)))
    with suppress(psutil.NoSuchProcess):
        holder.resume()


def forget_a_join(run: Run) -> None:
    """Redis forgets everything while some items of a fan-out have ended and others have not."""
    job = _one_by_one(jobs.fan_out(Random(SEED), items=4, seconds=0.5))
    execution = run.traffic.start(job, key="forget-a-join")
    _wait(lambda: sum(e.key.startswith(str(execution)) for e in run.stack.ledger.effects()) > 4)
    run.stack.flush()


def come_twice_to_a_due_time(run: Run) -> None:
    """The rows of schedules are some seconds old again, as if their clock had been set back."""
    with run.timetable.running() as saved:
        ids = "{" + ",".join(map(str, saved)) + "}"
        _wait(lambda: _one(run, FIRED.format(ids)))
        with run.stack.engine.begin() as connection:
            connection.exec_driver_sql(SET_BACK.format(ids))
        _wait(lambda: _one(run, SETTLED.format(ids)))


def tell_what_nobody_wants(run: Run) -> None:
    """A step waits for one phase, and hears of another one first."""
    run.traffic.api.insist(
        "/api/v1/executions/run", {"pipeline_definition": jobs.one_phase(PHASES), "params": {}}
    )
    _wait(lambda: _one(run, WAITING.format(PHASES)))
    for phase in ("other", "wanted"):
        event = {"id": f"{PHASES}:{phase}", "workflow_id": PHASES, "phase": phase}
        run.traffic.api.insist(EVENTS, event)


def speak_for_another(run: Run) -> None:
    """Somebody sends an event with the key of somebody else's step."""
    job = jobs.many_parked(Random(SEED + 2), 1)
    run.traffic.start(job, key="speak-for-another")
    external_id = job.waiting[0].external_id
    _wait(lambda: _one(run, WAITING.format(external_id)))
    run.traffic.pretend(job.waiting[0])


SCENES: Mapping[Bug, Callable[[Run], None]] = {
    Bug.ACKNOWLEDGE_BEFORE_COMMIT: die_after_each_answer,
    Bug.INBOX_WITHOUT_KEY: deliver_twice,
    Bug.LEASE_WITHOUT_FENCE: stand_still,
    Bug.JOIN_IN_REDIS: forget_a_join,
    Bug.TICK_WITHOUT_ROW: come_twice_to_a_due_time,
    Bug.IGNORED_IS_USED_UP: tell_what_nobody_wants,
    Bug.OWNERS_ARE_NOT_ASKED: speak_for_another,
}
#: What will move by itself; parked steps will not, nor will what a bug has left behind.
STIRRING = (
    "SELECT (SELECT count(*) FROM step_executions WHERE queued_at IS NOT NULL"
    " OR leased_until IS NOT NULL OR (due_at IS NOT NULL AND NOT held))"
    " + (SELECT count(*) FROM inbox WHERE disposition = 'pending' AND queued_at IS NOT NULL)"
)
#: Some due times of each of these schedules have passed.
FIRED = "SELECT every(run_count > 2) FROM schedules WHERE id = ANY('{}'::uuid[])"
SET_BACK = (
    "UPDATE schedules SET settled_at = settled_at - interval '4 seconds', next_fire_at = now()"
    " WHERE id = ANY('{}'::uuid[])"
)
SETTLED = (
    "SELECT every(settled_at > now() - interval '2 seconds') FROM schedules"
    " WHERE id = ANY('{}'::uuid[])"
)
PHASES = "phases"
WAITING = (
    "SELECT 1 FROM correlations r JOIN step_executions s ON s.id = r.step_execution_id"
    " WHERE s.awaiting_event AND r.external_id = '{}'"
)
HOLDER = (
    "SELECT worker FROM step_executions WHERE step_id = 'slow' AND status = 'RUNNING'"
    " AND attempt = {}"
)


def _one_by_one(job: Job) -> Job:
    job.document["steps"][0]["for_each"]["max_concurrency"] = 1
    return job


def _one(run: Run, query: str) -> object:
    with run.stack.engine.connect() as connection:
        return connection.exec_driver_sql(query).scalar()


def _wait(done: Callable[[], object]) -> None:
    """Wait for something that a bug may keep from happening."""
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while not done() and time.monotonic() < ends_at:
        Event().wait(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
