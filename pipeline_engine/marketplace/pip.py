"""pip, as a program of the environment that it changes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline_engine.marketplace.refusals import InstallFailed

QUIET = ("--disable-pip-version-check", "--no-input", "--quiet")
#: Seconds for a package that is on this disk, and for those that come from an index of pip's.
HERE_SECONDS, ELSEWHERE_SECONDS = 120.0, 900.0
#: Names of variables whose values stay out of pip's process: it needs none of ours.
OURS = ("PIPELINE_", "DATABASE_URL", "REDIS_URL", "APP_API_TOKEN", "DAPR_API_TOKEN")


@dataclass(frozen=True, slots=True)
class Pip:
    """pip of one Python."""

    python: str

    def install_file(self, path: str) -> None:
        """Install a wheel and nothing else. Raises ``InstallFailed``.

        ``--isolated``: no file and no variable says where else it should go.
        """
        options = ("--isolated", "--no-deps", "--no-index", "--no-compile")
        self._run(HERE_SECONDS, "install", *options, path)

    def install_from_index(self, requirements: list[str], constraints: str) -> None:
        """Get packages from where pip is configured to, without changing what is there."""
        self._run(ELSEWHERE_SECONDS, "install", "--constraint", constraints, *requirements)

    def uninstall(self, *names: str) -> None:
        """Take packages away. Raises ``InstallFailed``."""
        self._run(HERE_SECONDS, "uninstall", "--yes", *names)

    def _run(self, seconds: float, verb: str, *arguments: str) -> None:
        # -P: no pip.py of the folder that somebody happens to be in.
        command = [self.python, "-P", "-m", "pip", verb, *QUIET, *arguments]
        try:
            done = subprocess.run(  # noqa: S603  (no shell; names and paths of ours)
                command,
                env=_environment(),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallFailed(f"pip {verb}: {error}") from error
        if done.returncode:
            told = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise InstallFailed(f"pip {verb}: {told[-2000:]}")


def _environment() -> Mapping[str, str]:
    return MappingProxyType(
        {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    )
