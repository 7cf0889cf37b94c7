"""``pipeline-engine demo`` from nothing to its verdict, without a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_engine.embedded.errors import NotRunning
from pipeline_engine.embedded.stack import Stack

GIVEN = ("DATABASE_URL", "REDIS_URL", "PIPELINE_API_URL", "PIPELINE_API_TOKEN")


@pytest.mark.slow
def test_the_demo_keeps_all_its_promises_and_leaves_nothing_running(server_directory: Path) -> None:
    home = server_directory / "demo"
    command = [sys.executable, "-P", "-m", "pipeline_engine", "demo", "--directory", str(home)]
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}

    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=115, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "was killed with SIGKILL" in done.stdout
    assert "Lost: nothing" in done.stdout
    assert done.stdout.count("\n  ✓") == 14
    assert "\n  ✗" not in done.stdout
    assert re.search(r"^Console  http://\S+/console/executions/[0-9a-f-]{36} ", last_line(done))
    with pytest.raises(NotRunning):
        Stack.attach(home)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.rstrip().splitlines()[-1]
