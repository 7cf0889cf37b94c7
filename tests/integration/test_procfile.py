"""The Procfile under honcho, which stops everything as soon as one process ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_engine.embedded.ports import free_port

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def honcho(tmp_path, database_url):
    """``honcho start`` of all processes; stand-ins for those that serve, the real release."""
    for program in ("celery", "python"):
        stand_in = tmp_path / program
        stand_in.write_text('#!/bin/sh\necho "listens on $PORT"\nexec sleep 60\n')
        stand_in.chmod(0o755)
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "PATH": f"{tmp_path}:{BIN}:{os.environ['PATH']}",
        "PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
    }
    command = (BIN / "honcho", "-f", ROOT / "Procfile", "start")
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    process.port = environment["PORT"]
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_the_end_of_the_release_does_not_end_the_rest(honcho):
    said = []
    for line in honcho.stdout:
        said.append(line)
        if "up to date" in line:
            break

    with pytest.raises(subprocess.TimeoutExpired):
        honcho.wait(timeout=1.5)  # it notices an end within a tenth of a second
    assert re.search(rf"web\.1 +\| listens on {honcho.port}\b", "".join(said)), said


def test_a_platform_s_release_ends_when_the_schema_is_up(database_url):
    line = next(one for one in (ROOT / "Procfile").read_text().splitlines() if "release" in one)
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "DATABASE_URL": database_url}

    done = subprocess.run(
        ["/bin/sh", "-c", line.removeprefix("release: ")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "The schema is up to date.\n"
