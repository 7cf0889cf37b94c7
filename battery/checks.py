"""What was checked: printed as it happens, counted, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import click

from battery.evidence import Finding

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold after a block, and whether it did."""

    block: str
    sentence: str
    violations: Sequence[str] = ()
    skipped: str | None = None  #: why it could not be checked

    @property
    def verdict(self) -> str:
        """``passed``, ``FAILED`` or ``skipped``."""
        if self.skipped is not None:
            return "skipped"
        return "FAILED" if self.violations else "passed"


@dataclass(slots=True)
class Checks:
    """All checks of a run so far."""

    made: list[Check] = field(default_factory=list)

    def add(
        self, block: str, sentence: str, violations: Iterable[str] = (), skipped: str | None = None
    ) -> None:
        """Keep a check and print it."""
        check = Check(block, sentence, list(violations), skipped)
        self.made.append(check)
        click.echo(f"{check.verdict:8} {block:7} {sentence}")
        if check.skipped:
            click.echo(f"{'':17}because {check.skipped}")
        for violation in check.violations[:SHOWN]:
            click.echo(f"{'':17}{violation}")
        if len(check.violations) > SHOWN:
            click.echo(f"{'':17}… and {len(check.violations) - SHOWN} more")

    def add_findings(self, block: str, findings: Iterable[Finding]) -> None:
        """Keep what the invariants say, one check each."""
        for found in findings:
            sentence = f"{found.invariant}: {found.sentence}"
            self.add(block, sentence, found.violations, found.skipped)

    def count(self, verdict: str) -> int:
        """Return how many checks have this verdict."""
        return sum(check.verdict == verdict for check in self.made)

    @property
    def summary(self) -> str:
        """The closing line."""
        return f"{self.count('passed')} passed, {self.count('FAILED')} failed"
