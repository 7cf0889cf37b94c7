"""Do the rows of an execution, its history and the rules of the engine agree?

The events of an execution are fed, in the order in which they were written, to the pure rules
of ``domain/``. What was recorded must be what those rules say: which steps began, and not
before they were ready; which were skipped, and why; what was tried again; how it all ended.
And what the rows say must be what the events and the rows that they count add up to.

Everything is read in one snapshot. A move and its event are written in one transaction, so the
rows of an execution that still runs agree with its history as those of an ended one do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.definitions import OnFailure, PipelineDefinition, parse
from pipeline_engine.domain.given_values import document_for
from pipeline_engine.services.audit.findings import FIND_THE_CAUSE, Disagreement, Finding
from pipeline_engine.services.audit.history_audit import HistoryAudit
from pipeline_engine.services.audit.recorded import Recorded
from pipeline_engine.services.audit.row_findings import worded
from pipeline_engine.services.visibility import not_found, require_visible
from pipeline_engine.storage import audit as statements
from pipeline_engine.storage import rows
from pipeline_engine.storage.audit import DefinedStep
from pipeline_engine.storage.tables.events import ALERTS
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.visibility import visible_to

__all__ = [
    "FIND_THE_CAUSE",
    "MOST_EVENTS",
    "Audit",
    "Disagreement",
    "Finding",
    "Recorded",
    "audit",
    "audit_rows",
    "differences",
    "newest",
]

#: Events of an execution in memory, at most; about a kilobyte each.
MOST_EVENTS = 100_000
#: Findings of one kind of check in the list, at most.
MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit of one execution has found."""

    execution_id: UUID
    status: str
    events: int  #: that decide something; news about progress are none
    most_events: int  #: with more than these the history is not retold
    findings: Sequence[Finding]
    left_out: int  #: findings that are not listed

    @property
    def is_retold(self) -> bool:
        """Whether the history was held against the rules; the rows always are against it."""
        return self.events <= self.most_events

    @property
    def is_clean(self) -> bool:
        """Nothing disagrees in what was looked at."""
        return not self.findings


def audit(
    caller: Caller, session: Session, execution_id: UUID, *, most_events: int = MOST_EVENTS
) -> Audit:
    """Audit one execution, ended or not; needs a session that has not begun a transaction.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    require_visible(caller, session, execution_id)
    return audit_rows(connection, execution_id, most_events=most_events)


def newest(caller: Caller, session: Session, *, limit: int) -> list[UUID]:
    """The executions that were accepted last, as many as *limit*."""
    visible = select(Execution.id).where(visible_to(Execution, caller))
    return list(session.scalars(visible.order_by(Execution.created_at.desc()).limit(limit)))


def audit_rows(
    connection: Connection, execution_id: UUID, *, most_events: int = MOST_EVENTS
) -> Audit:
    """The same for the engine itself, in one snapshot of the caller's.

    Raises ``ExecutionNotFound``.
    """
    header = statements.header(connection, execution_id)
    if header is None:
        raise not_found(execution_id)
    statements.allow_time(connection)
    document = rows.revision(connection, header.revision_id).document
    definition = parse(document_for(document, header.params))
    events = statements.count_events(connection, execution_id)
    retold: list[Finding] = []
    if events <= most_events:
        told = [Recorded(*event) for event in statements.events(connection, execution_id)]
        history = [event for event in told if event.type not in ALERTS]  # no moves
        retold = differences(definition, history)
    found, left_out = _of_rows(connection, execution_id, definition)
    return Audit(
        execution_id=execution_id,
        status=header.status,
        events=events,
        most_events=most_events,
        findings=[*found, *retold[:MOST_LISTED]],
        left_out=left_out + max(len(retold) - MOST_LISTED, 0),
    )


def differences(definition: PipelineDefinition, history: Iterable[Recorded]) -> list[Finding]:
    """What a history has against the rules; nothing if it is as it should be."""
    in_order = sorted(history, key=lambda event: event.id)
    return HistoryAudit(definition, in_order).findings()


def _of_rows(
    connection: Connection, execution_id: UUID, definition: PipelineDefinition
) -> tuple[list[Finding], int]:
    found: list[Finding] = []
    left_out = 0
    for disagreements in statements.row_disagreements(
        connection,
        execution_id,
        steps=list(_defined(definition)),
        most=MOST_LISTED,
    ):
        found += map(worded, disagreements.listed)
        left_out += disagreements.total - len(disagreements.listed)
    return found, left_out


def _defined(definition: PipelineDefinition) -> Iterator[DefinedStep]:
    """All steps, and those inside of blocks."""
    inside = definition.enclosing
    for step in (*definition.steps, *(definition.step(step_id) for step_id in inside)):
        around = inside.get(step.id)
        yield DefinedStep(
            step.id,
            holder=around[-1] if around else None,
            is_repeated=around is not None and definition.step(around[-1]).repeats_block,
            is_tolerated=step.on_failure is OnFailure.CONTINUE,
        )
