"""Whether the console can be looked at here, and what is said where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from browser.finding import NoBrowser, find

#: Says that a missing browser is a failure, as it is where one could be brought.
NEEDED = "PIPELINE_BROWSER_NEEDED"


def browser_of_tests(environment: Mapping[str, str]) -> Path:
    """Return a program, or leave out whoever asks, who fails where it is needed."""
    try:
        return find(environment)
    except NoBrowser as reason:
        if environment.get(NEEDED):
            pytest.fail(str(reason))
        pytest.skip(f"The console was not looked at. {reason}")
