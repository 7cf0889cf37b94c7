"""A virtual environment of its own, with the engine and others installed from wheels.

What they need of others is that of this environment: nothing is downloaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from pipeline_engine.embedded.ports import free_port
from support.installing import API_TOKEN
from support.waiting import TO_START_SECONDS, wait_until

OFFLINE = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
#: What a page tells to type, done without a network.
TYPED = """\
pip() {{ {here} -m pip --python {python} "$@" --ignore-installed {offline}; }}
pytest() {{ {python} -m pytest -q -p no:cacheprovider "$@"; }}
"""


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of a package as ``pip wheel`` does, without what that looks for before."""
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


class CleanEnvironment:
    """Finds what is installed in it, and nothing of the checkout."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "of_others.pth").write_text(sysconfig.get_path("purelib"))

    def install(self, *what: Path) -> None:
        """Install wheels, or folders of packages."""
        self.shell(f"pip install {' '.join(map(str, what))}", self.python.parent)

    def shell(self, script: str, folder: Path, **environment: str) -> str:
        """Type these lines in *folder*, and return what they print."""
        typed = TYPED.format(here=sys.executable, python=self.python, offline=" ".join(OFFLINE))
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", typed + script],
            cwd=folder,
            env={"PATH": f"{self.python.parent}:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def engine(self, folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Run a web process and a worker in *folder*; what a client of them has to know."""
        port = free_port()
        client = {
            "PIPELINE_API_URL": f"http://127.0.0.1:{port}",
            "PIPELINE_API_TOKEN": API_TOKEN,
        }
        pool = ("-P", "threads", "-c", "4", "-Q", "fast,io,cpu,system")
        web = ("--port", str(port), "--workers", "1")
        programs = (("pipeline_engine.worker", *pool), ("pipeline_engine_web", *web))
        with ExitStack() as running:
            for module, *options in programs:
                running.enter_context(self.program(folder, environment, "-m", module, *options))
            health = f"{client['PIPELINE_API_URL']}/health"
            wait_until(lambda: _answers(health), within=TO_START_SECONDS, what="the API")
            yield client

    @contextmanager
    def program(
        self, folder: Path, environment: Mapping[str, str], *words: str
    ) -> Iterator[subprocess.Popen[str]]:
        """A Python program that runs until the end of the block."""
        command = [str(self.python), *words]
        known = {"PATH": os.environ["PATH"], **environment}
        with subprocess.Popen(
            command, cwd=folder, env=known, stdout=subprocess.PIPE, text=True
        ) as program:
            try:
                yield program
            finally:
                program.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
