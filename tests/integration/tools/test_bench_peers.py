"""A comparison is worth nothing if a peer that failed, or did half of the work, has figures."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.machine import Machine
from benchmarks.peers import ours, page, report
from benchmarks.peers.aims import judge, lost
from benchmarks.peers.asking import Timing, asking
from benchmarks.peers.contestants import CHEAP, CONTESTANTS, OURS, Contestant
from benchmarks.peers.environments import environment_in, install_from_npm
from benchmarks.peers.failures import ContestantFailed
from benchmarks.peers.inside import work
from benchmarks.peers.measuring import Outcome, measure
from benchmarks.peers.report import Results
from benchmarks.peers.rows import ROWS, SHORT, SIGNALS
from benchmarks.peers.starting import PLUGIN
from benchmarks.workers import REPOSITORY
from pipeline_engine.domain import checks
from pipeline_engine.registry import TRUSTING, Registry
from pipeline_engine.sdk import QueueName
from pipeline_engine.services.actions import Catalogue

ROUNDS = ("warm-row", "warm-map", "short", "map-100", "crowd")
LOOP = Contestant(
    name="loop",
    setup="a loop",
    module="benchmarks.peers.inside.with_nothing",
    commit="nothing",
    advantage="It keeps nothing.",
    workloads=ROUNDS,
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
    rounds_of = {name: len(rounds) for name, rounds in outcome.timings.items()}
    assert rounds_of == {"short": 2, "map-100": 2, "crowd": 2}
    assert all(0 < t.worked <= t.answered for rounds in outcome.timings.values() for t in rounds)


def test_a_contestant_is_timed_only_for_the_workloads_that_are_wanted(starting):
    outcome = measure(LOOP, starting("-m", LOOP.module), repeat=1, only=("short", "signal"))

    assert list(outcome.timings) == ["short"]


def test_a_signal_is_timed_from_when_it_was_sent_until_the_step_behind_it_ran(starting):
    does = (
        "started = lambda w: [do_step(first, w.fibo) for first in w.firsts]\n"
        "send = lambda first: (time.sleep(0.05), do_step(first + 1, 10))\n"
        "answer_requests(lambda w: started(w) and signal_each(w, send, end=lambda first: 55))"
    )
    signals = replace(LOOP, workloads=("warm-signal", "signal"))

    outcome = measure(signals, starting("-c", CHEAT + does), repeat=1)

    assert outcome.failure is None
    signalled = outcome.timings["signal"][0].signalled
    assert len(signalled) == 40
    assert 0.05 <= min(signalled) <= max(signalled) < outcome.timings["signal"][0].answered


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


def test_a_peer_that_npm_brings_says_so_where_there_is_no_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ContestantFailed, match="npm is needed"):
        install_from_npm(tmp_path, ("@scope/server@1.0",))


def an_outcome(name: str, *seconds: float, failure: str | None = None) -> Outcome:
    timings = [Timing(answered=one, worked=one / 2) for one in seconds]
    contestant = replace(LOOP, name=name, requirements=(f"{name}==1.0",))
    return Outcome(contestant, {"short": timings} if timings else {}, failure=failure)


def with_signals(outcome: Outcome, *seconds: float) -> Outcome:
    timings = [Timing(answered=9.0, worked=9.0, signalled=seconds)]
    return replace(outcome, timings=outcome.timings | {"signal": timings})


def of(*outcomes: Outcome) -> Results:
    return Results(list(outcomes), MACHINE, datetime(2026, 11, 27, tzinfo=UTC))


def test_a_figure_is_the_median_of_its_rounds():
    assert an_outcome(OURS, 1.0, 2.0, 9.0).value(SHORT) == 2.0
    assert an_outcome(OURS).value(SHORT) is None


def test_signals_are_told_by_their_percentiles_in_milliseconds():
    outcome = with_signals(an_outcome(OURS), *(number / 1000 for number in range(1, 102)))

    assert [outcome.value(row) for row in SIGNALS] == pytest.approx([51, 96])


def verdicts(*outcomes: Outcome) -> dict[str, str]:
    cells = [report.verdict_cells(verdict) for verdict in judge(outcomes)]
    return {f"{about} {target}": f"{row} {ratio} {end}" for about, row, ratio, target, end in cells}


def test_an_aim_is_judged_by_the_fastest_variant_of_a_rival_and_our_worst_row():
    found = verdicts(
        with_signals(an_outcome(OURS, 1.0), 0.010),
        with_signals(an_outcome("dbos", 4.0), 0.011),
        an_outcome("dbos (gathered)", 0.5),
    )

    assert found["blocking, every row: dbos ≤ 1"] == "short (dbos (gathered)) 2.00 no"


def test_an_aim_that_was_not_measured_is_not_reached():
    found = verdicts(an_outcome(OURS, 1.0), an_outcome("temporal", failure="asleep"))

    assert found["blocking, all but long: temporal ≤ 0.1"].split() == ["not", "measured"]


def test_cheap_steps_are_compared_with_everybody_but_ourselves_and_a_bare_loop():
    found = verdicts(
        an_outcome(OURS, 0.1),
        an_outcome("no engine", 0.001),
        an_outcome(CHEAP, 1.0),
        an_outcome("restate", 4.0),
        an_outcome("celery", 2.0),
    )

    assert found["cheap, all but long: everybody ≤ 0.5"] == "short (celery) 0.50 yes"


def test_what_we_lose_is_told_with_its_reason_and_what_we_win_is_not():
    outcomes = [an_outcome(OURS, 1.0), an_outcome("fast", 0.5), an_outcome("slow", 2.0)]

    assert list(lost(outcomes, OURS)) == ["fast"]
    made = page.made_of(of(*outcomes))
    assert (
        "- With blocking steps to **fast**: `short` 1.00 against 0.500 s (2.0 to 1)."
        " It keeps nothing." in made
    )
    assert "**slow**" not in made


def test_a_page_made_on_a_busy_machine_says_so():
    idle = an_outcome(OURS, 1.0)

    assert "Other programs ran" not in page.made_of(of(idle))
    assert "Other programs ran" in page.made_of(of(replace(idle, load=4.0)))


def test_only_what_stands_between_the_marks_of_the_page_is_written_anew():
    before = f"above\n{page.BEGIN}old\n{page.END}below\n"

    after = page.with_results(before, "new")

    assert after == f"above\n{page.BEGIN}\nnew\n\n{page.END}below\n"
    assert page.with_results(after, "new") == after
    with pytest.raises(ValueError, match="no place for results"):
        page.with_results("above", "new")


def test_the_page_has_its_place_for_results_and_names_every_workload_and_contestant():
    text = page.PATH.read_text()

    assert page.with_results(text, "new") != text
    names = {one.name for one in work.WORKLOADS if one.counts}
    assert [name for name in names if f"`{name}`" not in text] == []
    engines = {one.engine for one in CONTESTANTS}
    assert [name for name in engines if f"| {name} |" not in text] == []


def test_the_report_shows_failures_beside_figures_and_fits_a_terminal(tmp_path):
    console = Console(width=80, record=True, file=(tmp_path / "shown").open("w"))

    report.show(
        of(an_outcome(OURS, 1.0), an_outcome("peer", 2.5), an_outcome("late", failure="asleep")),
        console,
    )

    shown = console.export_text()
    assert "2.50 (2.50)" in shown
    assert "late not installed: not measured: asleep" in shown
    assert "…" not in shown
    console.file.close()


def test_every_number_is_kept_and_can_be_shown_again(tmp_path):
    path = tmp_path / "kept" / "run.json"
    peer = next(one for one in CONTESTANTS if one.name == "dbos")
    outcome = with_signals(replace(an_outcome("dbos", 2.5), contestant=peer), 0.25)

    report.write(of(outcome, an_outcome("gone", 1.0)), path)

    assert report.read(path) == of(outcome)


def test_the_workloads_are_those_that_others_publish_and_larger_maps_signals_and_a_crowd():
    counted = [one for one in work.WORKLOADS if one.counts]

    assert {one.name: (one.workflows, one.items, one.fibo, one.answer) for one in counted} == {
        "short": (1, 40, 10, 55),
        "long": (1, 10, 33, 3_524_578),
        "map-100": (1, 100, 10, 5_500),
        "map-400": (1, 400, 10, 22_000),
        "map-1000": (1, 1000, 10, 55_000),
        "signal": (40, 2, 10, 2_200),
        "crowd": (100, 20, 10, 5_500),
    }
    assert {row.workload for row in ROWS} == {one.name for one in counted}


def test_every_peer_is_pinned_and_variants_share_their_environment():
    peers = [one for one in CONTESTANTS if one.requirements]

    assert all("==" in one.requirements[0] for one in peers)
    assert all(pin.rpartition("@")[2][0].isdigit() for one in peers for pin in one.npm_packages)
    assert len({one.environment for one in peers}) == len({one.requirements for one in peers})


@pytest.mark.parametrize("action", ["fibo", "fibo_once", "fibo_cheap"])
def test_our_own_pipelines_are_valid_and_say_how_their_steps_run(monkeypatch, action):
    monkeypatch.syspath_prepend(PLUGIN)

    registry = Registry.discover(terms=TRUSTING)
    reports = [
        checks.check(ours.document(workload, action), Catalogue(registry))
        for workload in work.WORKLOADS
    ]

    assert [report.errors for report in reports] == [()] * len(work.WORKLOADS)
    assert registry.get("fibo").meta.runs_on == QueueName.CPU
    assert (registry.get("fibo").meta.cheap, registry.get("fibo_cheap").meta.cheap) == (False, True)
