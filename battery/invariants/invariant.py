"""An invariant: a sentence, and the look at rows and ledger that would refute it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from battery.evidence import Evidence, Finding

SHOWN = 20  #: violations of one invariant; more say nothing new


class NotChecked(Exception):
    """An invariant cannot be checked here; the message is the reason that is printed."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that must hold over the whole history."""

    name: str
    sentence: str
    violations: Callable[[Connection, Evidence], Iterable[str]]

    def check(self, connection: Connection, evidence: Evidence) -> Finding:
        """Look for what refutes the sentence."""
        try:
            found = list(islice(self.violations(connection, evidence), SHOWN))
        except NotChecked as reason:
            return Finding(self.name, self.sentence, [], skipped=str(reason))
        return Finding(self.name, self.sentence, found)


@dataclass(frozen=True, slots=True)
class Look:
    """A query that finds nothing while all is well; *says* names its columns in braces."""

    says: str
    query: str

    def violations(self, connection: Connection) -> Iterator[str]:
        """One sentence for each row that must not exist."""
        for row in connection.exec_driver_sql(self.query).mappings():
            yield self.says.format(**row)
