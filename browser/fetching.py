"""Fetches Playwright's own browser into ``.venv``, if the place where it lies answers soon."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from browser.finding import FETCHED

#: As Playwright calls it: where its browsers lie, if not at the usual place.
HOST = "PLAYWRIGHT_DOWNLOAD_HOST"
USUAL_HOST = "https://cdn.playwright.dev"
#: Playwright by itself would wait for minutes before it says that nobody is there.
ANSWERS_WITHIN = 5.0
FETCHED_WITHIN = 300.0


class NotFetched(Exception):
    """It could not be brought, for the reason that is given."""


def fetch(environment: Mapping[str, str] = os.environ, into: Path = FETCHED) -> None:
    """Bring the one that fits to the Playwright that is installed.  Raises ``NotFetched``."""
    _ask(environment.get(HOST, USUAL_HOST))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium", "--only-shell"],
            env={**environment, "PLAYWRIGHT_BROWSERS_PATH": str(into)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCHED_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotFetched(f"it took longer than {FETCHED_WITHIN:g} s") from error
    if done.returncode:
        said = done.stdout.strip().splitlines() or [f"exit code {done.returncode}"]
        raise NotFetched(next((line for line in said if line.startswith("Error")), said[-1]))


def _ask(host: str) -> None:
    """Whether anybody is there; also a refusal is an answer."""
    request = urllib.request.Request(host, method="HEAD")  # noqa: S310 (Playwright's address)
    try:
        urllib.request.urlopen(request, timeout=ANSWERS_WITHIN).close()  # noqa: S310 (as above)
    except urllib.error.HTTPError as answer:
        answer.close()
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise NotFetched(f"{host} does not answer ({reason})") from error
