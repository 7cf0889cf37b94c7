"""A clause of the contract, and how an author is told that it is broken."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline_engine.contract_kit.case import Case
from pipeline_engine.contract_kit.trial import Misbehaved, Trial

#: Where each clause has its line.
PAGE = "docs/howto/test-an-action.md#what-is-checked"

Problems = Callable[[Trial], Iterator[str]]


class Breach(AssertionError):
    """An action breaks a clause of the contract."""

    def __init__(self, message: str, clause: str) -> None:
        super().__init__(message)
        self.clause = clause  #: the name of the clause


@dataclass(frozen=True)
class Clause:
    """One thing that every action promises; its docstring is what an author reads."""

    #: What the check is called.
    name: str
    #: The promise, in a sentence.
    says: str
    #: Yields what is wrong with an action, in sentences.
    problems: Problems
    #: Whether it looks at the action alone, and so is checked once whatever its cases are.
    once: bool
    #: Whether it can be checked only in a case that names the events of its job.
    needs_events: bool

    def applies(self, case: Case) -> bool:
        """Whether *case* says enough to check it."""
        return case.ends_by_event or not self.needs_events

    def check(self, trial: Trial) -> None:
        """Raise ``Breach`` with every problem."""
        found = self._found(trial)
        if found:
            heading = f"The action '{trial.action.meta.type}' breaks the clause {self.name}."
            told = "".join(f"\n  - {problem}" for problem in found)
            raise Breach(f"{heading}{told}\n  The clause: {self.says}\n  See {PAGE}", self.name)

    def _found(self, trial: Trial) -> list[str]:
        found = []
        try:
            for problem in self.problems(trial):
                found.append(problem)  # noqa: PERF402 - those before a crash count, too
        except Misbehaved as error:
            found.append(f"{error}.")
        return found


def clause(*, once: bool = False, needs_events: bool = False) -> Callable[[Problems], Clause]:
    """Make a clause of a function: its name, its docstring, and what it yields."""

    def made(problems: Problems) -> Clause:
        says = " ".join((inspect.getdoc(problems) or "").split())
        return Clause(problems.__name__, says, problems, once, needs_events)

    return made
