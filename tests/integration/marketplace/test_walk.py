"""The page about the marketplace works when it is typed: from two folders to an update."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.documentation import DOCS, blocks

from .conftest import make_environment

PAGE = DOCS / "howto" / "marketplace.md"
SERVED_BY_US = "python -m http.server"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the two packages, and an environment whose commands are typed."""
    for folder, python, toml in zip(
        ("acme-text/acme_text.py", "acme-models/acme_models.py"),
        blocks(PAGE, "python"),
        blocks(PAGE, "toml"),
        strict=True,
    ):
        module = tmp_path / folder
        module.parent.mkdir()
        module.write_text(python)
        (module.parent / "pyproject.toml").write_text(toml)
    make_environment(tmp_path / "venv")
    for name, code in {
        "pip": "-m pip",
        "pipeline-engine": "-m pipeline_engine",
    }.items():
        script = tmp_path / "venv" / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {tmp_path}/venv/bin/python {code} "$@"\n')
        script.chmod(0o755)
    (tmp_path / "market").mkdir()
    return tmp_path


def test_what_the_page_says_to_type_works(desk: Path, offered: Callable[[Path], str]) -> None:
    url = offered(desk / "market")
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    typed = [line for line in lines if not line.startswith(SERVED_BY_US)]
    script = "\n".join(["set -eu", *typed]).replace("http://127.0.0.1:8800", url)

    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=desk,
        env={
            "PATH": f"{desk}/venv/bin:{os.environ['PATH']}",
            "PIP_NO_BUILD_ISOLATION": "0",  # no index: setuptools is here
            "HOME": str(desk),
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(typed) < len(lines)
    assert "model:write" in done.stdout
    assert "acme-text@1.0" in done.stdout
    assert installed(desk) == {"acme-models": "1.0", "acme-text": "1.1"}
    assert types_in(desk) >= {"acme_upper", "acme_model_name"}


def installed(desk: Path) -> dict[str, str]:
    state = desk / "venv" / "var" / "pipeline-engine" / "marketplace.json"
    kept = json.loads(state.read_text())["installed"]
    return {name: facts["version"] for name, facts in kept.items()}


def types_in(desk: Path) -> set[str]:
    """The types that an engine in the environment of *desk* finds."""
    code = (
        "import json; from pipeline_engine.registry import Registry;"
        "print(json.dumps(Registry.discover().types()))"
    )
    done = subprocess.run(
        [desk / "venv" / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))
