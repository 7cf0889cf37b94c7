"""What deploy/ starts is what the Procfile says, told what settings.md says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_engine.config import setting_names

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
#: read by a server or by another program, not by config.py
OTHERS = {
    *("POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "REDIS_PASSWORD"),
    *("FLOWER_BASIC_AUTH", "PORT"),
}


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def outside_of_honcho(command: str) -> list[str]:
    """The words of a command; what depends on honcho's variable is left out."""
    return re.sub(r"\$\{HONCHO_\w+:\+[^}]*\}", "", command).split()


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found["services"]


@pytest.mark.parametrize("name", procfile())
def test_run_becomes_a_process_of_the_procfile(tmp_path: Path, name: str) -> None:
    """Programs that print how they were called stand for the real ones."""
    program, *arguments = outside_of_honcho(procfile()[name])
    stand_in = tmp_path / program
    stand_in.write_text('#!/bin/sh\necho "$@"\n')
    stand_in.chmod(0o755)

    done = subprocess.run(
        [DEPLOY / "run", name],
        cwd="/",
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == arguments


def test_run_refuses_what_the_procfile_does_not_know() -> None:
    done = subprocess.run([DEPLOY / "run", "nothing"], capture_output=True, text=True, check=False)

    assert (done.returncode, "no process 'nothing'" in done.stderr) == (2, True)


def test_compose_runs_every_process_of_the_procfile(services: dict[str, dict[str, Any]]) -> None:
    commands = {
        name: service["command"]
        for name, service in services.items()
        if "build" in service and "entrypoint" not in service
    }

    assert commands == {name: [name] for name in procfile().keys() - {"flower"}}
    of_flower = " ".join(services["flower"]["entrypoint"])
    assert of_flower == procfile()["flower"].replace("127.0.0.1", "0.0.0.0")  # noqa: S104


def test_compose_shows_nothing_but_the_api_and_flower_behind_its_password(
    services: dict[str, dict[str, Any]],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published == {"web": ["9082:9082"], "flower": ["127.0.0.1:5555:5555"]}
    assert services["flower"]["environment"]["FLOWER_BASIC_AUTH"].endswith(":?}")


def test_compose_and_the_example_know_no_variable_that_nobody_reads(
    services: dict[str, dict[str, Any]],
) -> None:
    given = {name for one in services.values() for name in one.get("environment", {})}
    example = (DEPLOY / "example.env").read_text()
    listed = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    wanted = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))

    assert given | listed <= set(setting_names()) | OTHERS
    assert wanted <= listed


def test_the_target_wants_every_process_that_has_to_run() -> None:
    target = (DEPLOY / "systemd" / "pipeline-engine.target").read_text()

    wanted = set(re.findall(r"pipeline-engine@([\w-]+)\.service", target))

    assert wanted == procfile().keys() - {"release", "flower"}


def test_the_image_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text()

    copied = [line.split()[1] for line in text.splitlines() if re.match(r"COPY [^-]", line)]

    assert all((ROOT / name).exists() for name in copied)
    assert 'ENTRYPOINT ["/srv/pipeline-engine/deploy/run"]' in text
