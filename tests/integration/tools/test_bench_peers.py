"""A comparison is worth nothing if a peer that failed, or did half of the work, has figures."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import psutil
import pytest
from rich.console import Console

from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.machine import Machine
from benchmarks.peers import ours, report
from benchmarks.peers.asking import Timing, asking
from benchmarks.peers.contestants import CONTESTANTS, OURS, Contestant
from benchmarks.peers.environments import environment_in
from benchmarks.peers.failures import ContestantFailed
from benchmarks.peers.inside import work
from benchmarks.peers.measuring import Outcome, measure
from benchmarks.peers.report import MEASURES
from benchmarks.peers.starting import PLUGIN
from benchmarks.workers import REPOSITORY
from pipeline_engine.domain import checks
from pipeline_engine.registry import Registry
from pipeline_engine.sdk import QueueName
from pipeline_engine.services.actions import Catalogue

ROUNDS = ("warm-row", "warm-map", "short", "map")
LOOP = Contestant(
    name="loop", setup="a loop", module="benchmarks.peers.inside.with_nothing", workloads=ROUNDS
)
MACHINE = Machine(
    system="Linux",
    processor="fast",
    memory_gib=8.0,
    cpus=2,
    load=0.0,
    python="3.11",
    postgresql="18",
    packages={},
    commit="abc",
)
ANSWERED, WORKED = MEASURES.values()

#: A peer that does what the test writes below it.
CHEAT = """
from benchmarks.peers.inside.work import *
"""


@pytest.fixture
def starting(tmp_path: Path):
    """Starts a program as a contestant, in this environment."""

    def starts(*command: str):
        @contextmanager
        def start(outcome: Outcome):
            ledger = Ledger(tmp_path / "home" / "ledger")
            told = {"PYTHONPATH": str(REPOSITORY), LEDGER_VARIABLE: str(ledger.path)}
            with asking((sys.executable, *command), told, tmp_path / "home", ledger) as asked:
                yield asked

        return start

    return starts


def test_a_contestant_is_timed_for_every_workload_it_takes_part_in(starting):
    outcome = measure(LOOP, starting("-m", LOOP.module), repeat=2)

    assert outcome.failure is None
    assert {name: len(rounds) for name, rounds in outcome.timings.items()} == {"short": 2, "map": 2}
    assert all(0 < t.worked <= t.answered for rounds in outcome.timings.values() for t in rounds)


def test_a_contestant_whose_round_takes_minutes_is_measured_once(starting):
    outcome = measure(replace(LOOP, rounds=1), starting("-m", LOOP.module), repeat=3)

    assert outcome.rounds == 1


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("answer_requests(lambda workload: workload.answer)", "0 records instead of 5"),
        ("answer_requests(lambda workload: 1 / 0)", "ZeroDivisionError: division by zero"),
        ("answer_requests(lambda workload: 7)", "7 instead of 55"),
        ("raise SystemExit('no such server')", "no such server"),
    ],
)
def test_a_contestant_that_fails_has_a_reason_instead_of_figures(starting, does, reason):
    outcome = measure(LOOP, starting("-c", CHEAT + does), repeat=1)

    assert outcome.timings == {}
    assert outcome.failure is not None
    assert reason in outcome.failure


def test_a_step_that_ran_twice_spoils_the_figures(starting):
    does = (
        "answer_requests(lambda w: [do_step(n, w.fibo) for n in range(w.items) for _ in 'ab'][0])"
    )

    outcome = measure(LOOP, starting("-c", CHEAT + does), repeat=1)

    assert outcome.failure is not None
    assert "10 records instead of 5" in outcome.failure


def test_what_a_library_prints_is_not_taken_for_an_answer(starting):
    does = "answer_requests(lambda w: print('hello') or [do_step(n, w.fibo) for n in range(5)][0])"

    outcome = measure(
        replace(LOOP, workloads=("warm-row",)), starting("-c", CHEAT + does), repeat=1
    )

    assert outcome.failure is None


def test_what_a_dead_contestant_has_started_is_stopped_too(starting, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.peers.asking.STOP_WITHIN_SECONDS", 0.1)
    does = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "Path('pid').write_text(str(child.pid))\n"
        "raise SystemExit('dead')"
    )

    outcome = measure(LOOP, starting("-c", CHEAT + does), repeat=1)

    assert outcome.failure == "dead"
    pid = int((tmp_path / "home" / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_an_installation_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(ContestantFailed, match=r"installation: .*no-such-distribution"):
        environment_in(tmp_path / "environment", ("no-such-distribution==1.0",))

    assert not (tmp_path / "environment" / "requirements").exists()


def an_outcome(name: str, *seconds: float, failure: str | None = None) -> Outcome:
    timings = [Timing(answered=one, worked=one / 2) for one in seconds]
    contestant = replace(LOOP, name=name, requirements=(f"{name}==1.0",))
    return Outcome(contestant, {"short": timings} if timings else {}, failure=failure)


def test_the_ratio_is_the_median_of_one_divided_by_that_of_the_other():
    mine, theirs = an_outcome(OURS, 1.0, 2.0, 9.0), an_outcome("peer", 3.0, 4.0, 5.0)

    assert theirs.ratio(mine, "short", ANSWERED) == 2.0
    assert theirs.ratio(mine, "short", WORKED) == 2.0


def test_there_is_no_ratio_where_one_side_was_not_measured():
    mine, theirs = an_outcome(OURS, 1.0), an_outcome("peer")

    assert theirs.ratio(mine, "short", ANSWERED) is None
    assert mine.ratio(theirs, "short", ANSWERED) is None


def test_the_report_shows_failures_beside_figures_and_keeps_every_number(tmp_path):
    outcomes = [
        an_outcome(OURS, 1.0),
        an_outcome("peer", 2.5),
        an_outcome("late", failure="asleep"),
    ]
    console = Console(width=120, record=True, file=(tmp_path / "shown").open("w"))

    report.show(outcomes, MACHINE, console)
    report.write(outcomes, MACHINE, tmp_path / "kept" / "run.json")

    shown = console.export_text()
    assert "2.500 (2.50)" in shown
    assert "late not installed: not measured: asleep" in shown
    kept = orjson.loads((tmp_path / "kept" / "run.json").read_bytes())
    assert kept["contestants"]["peer"]["seconds"]["short"] == [{"answered": 2.5, "worked": 1.25}]
    assert kept["contestants"]["late"]["failure"] == "asleep"
    console.file.close()


def test_the_workloads_are_those_that_others_publish():
    sizes = {one.name: (one.items, one.fibo, one.joined) for one in work.WORKLOADS if one.counts}

    assert sizes == {"short": (40, 10, False), "long": (10, 33, False), "map": (100, 10, True)}
    assert {one.name: one.answer for one in work.WORKLOADS if one.counts} == {
        "short": 55,
        "long": 3_524_578,
        "map": 5_500,
    }


def test_every_peer_is_pinned_and_variants_share_their_environment():
    peers = [one for one in CONTESTANTS if one.requirements]

    assert all("==" in one.requirements[0] for one in peers)
    assert len({one.environment for one in peers}) == len({one.requirements for one in peers})


@pytest.mark.parametrize("action", ["fibo", "fibo_cheap"])
def test_our_own_pipelines_are_valid_and_say_how_their_steps_run(monkeypatch, action):
    monkeypatch.syspath_prepend(PLUGIN)

    registry = Registry.discover()
    reports = [
        checks.check(ours.document(workload, action), Catalogue(registry))
        for workload in work.WORKLOADS
    ]

    assert [report.errors for report in reports] == [()] * len(work.WORKLOADS)
    assert registry.get("fibo").meta.runs_on == QueueName.CPU
    assert (registry.get("fibo").meta.cheap, registry.get("fibo_cheap").meta.cheap) == (False, True)
