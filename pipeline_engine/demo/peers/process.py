"""The stand-ins as a process of their own, as the demo and the tests start them."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import requests

APPS = ("budapp", "budcluster", "budsim")


class PeersProcess:
    """Stand-ins that run as long as we do, and no longer."""

    def __init__(self) -> None:
        # The leash: the process ends when our end of its standard input is closed, even by SIGKILL.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline_engine.demo.peers", "--leashed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        assert self._process.stdout is not None
        self.url = str(json.loads(self._process.stdout.readline())["url"])

    @property
    def service_urls(self) -> str:
        """What the engine must be told as ``PIPELINE_SERVICE_URLS``."""
        return json.dumps({app: f"{self.url}/{app}" for app in APPS})

    def control(self, **switches: Any) -> None:
        """Set switches of the stand-ins' behaviour."""
        requests.post(f"{self.url}/control", json=switches, timeout=10).raise_for_status()

    def journal(self) -> dict[str, Any]:
        """Return every job that was started and every event that was sent."""
        response = requests.get(f"{self.url}/journal", timeout=10)
        response.raise_for_status()
        journal: dict[str, Any] = response.json()
        return journal

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
