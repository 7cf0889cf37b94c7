"""What waits for the outside world, whatever execution it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import redactor_for
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.storage import parked as storage
from pipeline_engine.storage.diagnostics import awaited_ids
from pipeline_engine.storage.parked import ParkedFilter, ParkedKind, ParkedRow

PARKED_KINDS: tuple[str, ...] = tuple(ParkedKind)
#: Outputs of an approval that say what is asked, of whom, and what they have said so far.
ASKED = ("message", "asked", "decisions", "deadline", "page_url")


@dataclass(frozen=True, slots=True)
class ParkedStep:
    """A step that waits, and for what."""

    row: ParkedRow
    external_ids: Sequence[str]

    @property
    def approval(self) -> Mapping[str, Any] | None:
        """What an approval asks; it may quote params that are secret."""
        if self.row.kind != ParkedKind.APPROVAL:
            return None
        redactor = redactor_for(self.row.params or {}, self.row.parameters)
        outputs = self.row.outputs or {}
        return {name: redactor.redact(outputs.get(name)) for name in ASKED}


def parked(
    caller: Caller, session: Session, wanted: ParkedFilter, page: Page
) -> Listed[ParkedStep]:
    """The steps of executions in sight that wait for something outside, the oldest first."""
    rows, total = storage.parked(session, caller, wanted, limit=page.size, offset=page.offset)
    awaited = awaited_ids(session.connection(), [row.id for row in rows])
    return Listed([ParkedStep(row, awaited.get(row.id, ())) for row in rows], total, page)
