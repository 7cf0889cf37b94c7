"""What the battery says about itself: every check once, and nothing that it did not find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from battery import jobs, report
from battery.checks import Checks
from battery.report import Result
from benchmarks.machine import Machine

MACHINE = Machine(
    system="Linux x86_64",
    processor="some processor",
    memory_gib=4.0,
    cpus=2,
    load=0.5,
    python="3.11.2",
    postgresql="18.6",
    packages={"celery": "5.7.0"},
    commit="0123456789ab",
)


@pytest.fixture
def result(capsys: pytest.CaptureFixture[str]) -> Result:
    checks = Checks()
    checks.add("named", "this holds")
    checks.add("named", "this does not", [f"violation {n}" for n in range(7)])
    checks.add("random", "nobody knows", skipped="there is no clock")
    return Result(
        measured_at="2026-01-02T03:04:05+00:00",
        machine=MACHINE,
        seed=7,
        size="full",
        checks=checks,
        seconds={"named": 1.0},
        executions=1000,
        effects=5,
        faults={"kill": 15, "beat killed": 1},
        deaths={},
        deliveries={"late": 3},
        held={"parked steps": 10_000},
        answers={"201": 1},
    )


def test_a_skipped_check_is_neither_passed_nor_failed_and_says_why(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result.checks.summary == "1 passed, 1 failed"
    assert result.checks.count("skipped") == 1


def test_every_check_is_printed_when_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    checks = Checks()

    checks.add("random", "nobody knows", skipped="there is no clock")
    checks.add("random", "this does not hold", [f"violation {n}" for n in range(7)])

    said = capsys.readouterr().out
    assert "skipped  random  nobody knows" in said
    assert "because there is no clock" in said
    assert "FAILED   random  this does not hold" in said
    assert "… and 2 more" in said


def test_the_file_keeps_every_violation(result: Result, tmp_path: Path) -> None:
    kept = json.loads(report.write(result, tmp_path / "deep" / "battery.json").read_text())

    assert [check["verdict"] for check in kept["checks"]] == ["passed", "FAILED", "skipped"]
    assert len(kept["checks"][1]["violations"]) == 7
    assert (kept["summary"], kept["seed"]) == ("1 passed, 1 failed", 7)


def test_the_table_replaces_what_stood_between_the_markers_and_nothing_else(
    result: Result, tmp_path: Path
) -> None:
    page = tmp_path / "battery.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")

    report.write_docs(result, page)
    report.write_docs(result, page)

    written = page.read_text()
    assert written.startswith(f"before\n{report.BEGIN}\n1 passed, 1 failed, 1 skipped; seed 7,")
    assert written.endswith(f"{report.END}\nafter\n")
    assert "| a process killed at a named place | 15 |" in written
    assert "| parked steps | 10,000 |" in written
    assert "old" not in written


@pytest.mark.parametrize("make", jobs.SHAPES.values(), ids=list(jobs.SHAPES))
def test_a_seed_makes_the_same_job_again(make: Callable[[Random], jobs.Job]) -> None:
    assert make(Random(5)) == make(Random(5))
