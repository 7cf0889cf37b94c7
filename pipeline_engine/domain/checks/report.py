"""What a check found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.issues import Issue, dotted

# One comparison with 2,000 names takes about 10 ms: a document full of typing errors must not
# keep a web worker busy.
MAX_COMPARISONS = 50
MAX_COMPARED_NAMES = 2500
MAX_COMPARED_CHARACTERS = 100
MAX_SHOWN_CHARACTERS = 80
NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The verdict on a document."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    step_count: int  #: 0 when the document is not valid
    has_cycles: bool
    #: The version that each action would run in, by its name in the rows of steps.
    versions: Mapping[str, str]

    @property
    def valid(self) -> bool:
        """The document can be stored and executed."""
        return not self.errors


class Findings:
    """Errors and warnings while they are being collected."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.fuel = Fuel()  #: for all values and patterns that are looked into
        self._errors: list[Issue] = []
        self._warnings: list[Issue] = []
        self._comparisons = 0

    @property
    def count(self) -> int:
        """How many errors were found so far."""
        return len(self._errors)

    def error(self, pointer: str, code: str, message: str, hint: str | None = None) -> None:
        """Note what makes the document invalid."""
        self._note(self._errors, Issue(pointer, code, message, hint))

    def field_error(self, pointer: str, code: str, text: str, hint: str | None = None) -> None:
        """Note an error, with its place before the message: ``steps.0.name: Field required``."""
        self.error(pointer, code, f"{dotted(pointer)}: {text}", hint)

    def warning(self, pointer: str, code: str, message: str, hint: str | None = None) -> None:
        """Note what is probably not what the author meant."""
        self._note(self._warnings, Issue(pointer, code, message, hint))

    def did_you_mean(self, word: str, names: Collection[str]) -> str | None:
        """A hint for a name that is nearly one of *names*."""
        if len(word) > MAX_COMPARED_CHARACTERS or len(names) > MAX_COMPARED_NAMES:
            return None
        if self._comparisons == MAX_COMPARISONS:
            return None
        self._comparisons += 1
        found = get_close_matches(word, names, n=1)
        return f"Did you mean '{found[0]}'?" if found else None

    def report(self, step_count: int, versions: Mapping[str, str] = NO_VERSIONS) -> CheckReport:
        """The verdict on what was collected."""
        return CheckReport(
            errors=tuple(self._errors),
            warnings=tuple(self._warnings),
            step_count=0 if self._errors else step_count,
            has_cycles=any(issue.code == "cyclic_dependency" for issue in self._errors),
            versions=versions,
        )

    def _note(self, issues: list[Issue], issue: Issue) -> None:
        most = self.limits.max_issues
        if len(issues) < most:
            issues.append(issue)
        elif len(issues) == most:
            message = f"There are more than {most} of these; the others are not listed"
            issues.append(Issue("", "too_many_issues", message))


def shown(value: object) -> str:
    """A value inside a message, cut where it gets long."""
    text = str(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"
