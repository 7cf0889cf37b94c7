"""A little of the battery: an installation is hurt in every way once, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_engine.failpoints import Failpoint

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(500)  # it takes a fifth of that on a machine that does nothing else
def test_an_installation_that_is_killed_cut_and_flooded_loses_nothing(tmp_path: Path) -> None:
    result = tmp_path / "battery.json"
    command = [sys.executable, "-m", "battery", "--smoke", "--json", str(result)]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=480, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text())
    checked = {check["sentence"] for check in found["checks"] if check["verdict"] == "passed"}
    survived = {f"killed at {place} ({place.number}): survived" for place in Failpoint}
    assert survived <= checked, "every named place is part of it"
    assert done.stdout.splitlines()[-1] == found["summary"]
    assert found["summary"].endswith(", 0 failed")
    assert min(found["faults"].values()) > 0
    assert {"early", "doubled", "late", "shuffled", "forged"} <= found["deliveries"].keys()
