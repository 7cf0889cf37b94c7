"""Why a contestant has no figures: printed and kept beside those of the others."""

from __future__ import annotations


class ContestantFailed(Exception):
    """It could not be installed or started, or did not do its work."""


FAREWELL = "A complete log of this run"  #: npm's last line, which says nothing of the reason


def last_line(said: str) -> str:
    """Return the last line of what a program said, which tells why it gave up."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and FAREWELL not in line]
    return lines[-1][:300] if lines else "it said nothing"
