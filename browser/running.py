"""Starts a browser, and opens pages in it that share nothing with each other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

#: The size of a page where nothing else is said.
USUAL = {"width": 1280, "height": 800}
#: Times are the same wherever it runs, and nothing is looked at halfway.
SAME_EVERYWHERE: dict[str, Any] = {
    "locale": "en-GB",
    "timezone_id": "Europe/Berlin",
    "reduced_motion": "reduce",
}


@contextmanager
def running(program: Path) -> Iterator[Browser]:
    """Run a browser without a window; what it keeps is deleted with it."""
    with tempfile.TemporaryDirectory(prefix="pipeline-engine-browser-") as home:
        folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), home)
        environment: dict[str, str | float | bool] = {**os.environ, **folders}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, env=environment)
            try:
                yield browser
            finally:
                browser.close()


@contextmanager
def somebody(browser: Browser, address: str, **more: Any) -> Iterator[BrowserContext]:
    """Somebody with cookies of his own, for whom paths begin at *address*."""
    options = {"base_url": address, "viewport": USUAL, **SAME_EVERYWHERE, **more}
    context = browser.new_context(**options)
    try:
        yield context
    finally:
        context.close()
