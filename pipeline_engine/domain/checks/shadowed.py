"""Entries of ``catch`` and policies of ``retry`` that those before them leave nothing to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.error_codes import is_among
from pipeline_engine.domain.issues import dotted
from pipeline_engine.domain.retries import ONLY_WHEN_NAMED

EVERYTHING = "*"
FIRST_COUNTS = "The first that speaks of a failure counts: put the more special ones before it."


@dataclass(frozen=True, slots=True)
class _Listed:
    """One of several that are asked in their order."""

    pointer: str
    patterns: Collection[str]  #: what it speaks of
    before: Collection[str]  #: what those before it speak of
    by_name: Collection[str] = ()  #: codes that a pattern does not speak of

    def is_shadowed(self) -> bool:
        """Whether nothing is left to it."""
        return bool(self.patterns) and all(map(self._is_taken, self.patterns))

    def _is_taken(self, pattern: str) -> bool:
        # A pattern that another one fits as if it were a code fits nothing that the other does not.
        fits = pattern not in self.by_name and is_among(pattern, self.before)
        return fits or pattern in self.before


def check_shadowed(outline: Outline, findings: Findings) -> None:
    """Warn of entries and policies that never decide about a failure."""
    for one in (*_entries(outline), *_policies(outline)):
        if one.is_shadowed():
            message = f"{dotted(one.pointer)}: Those before it speak of all that it speaks of"
            findings.warning(one.pointer, "never_reached", message, FIRST_COUNTS)


def _entries(outline: Outline) -> Iterator[_Listed]:
    for node in outline.steps:
        before: list[str] = []
        for pointer, entry in node.catches:
            patterns = _texts(entry.get("errors"))
            yield _Listed(pointer, patterns, tuple(before))
            before += patterns


def _policies(outline: Outline) -> Iterator[_Listed]:
    for place, given in _lists_of_policies(outline):
        before: list[str] = []
        for index, policy in enumerate(given if isinstance(given, list) else ()):
            if isinstance(policy, Mapping):
                patterns = _texts(policy.get("retry_on")) or [EVERYTHING]
                yield _Listed(f"{place}/{index}", patterns, tuple(before), ONLY_WHEN_NAMED)
                # What it leaves out, one behind it may take.
                before += [] if policy.get("no_retry_on") else patterns


def _lists_of_policies(outline: Outline) -> Iterator[tuple[str, JSON]]:
    yield "/settings/retry_policy", outline.retry_policy
    for node in outline.nodes:
        yield f"{node.pointer}/retry", node.body.get("retry")
        yield f"{node.pointer}/compensate/retry", node.compensation.get("retry")


def _texts(given: JSON) -> list[str]:
    listed = given if isinstance(given, list) else [given]
    return [one for one in listed if isinstance(one, str)]
