"""I9: no secret is written where it does not belong, or shown where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from battery.evidence import Evidence
from pipeline_engine.services import history
from pipeline_engine.services.callers import SYSTEM
from pipeline_engine.services.pages import Page

#: What belongs to an execution is kept as it is, because later steps read it, and is redacted
#: on its way out: here the question is what the API would show of it.
REDACTED_WHEN_SHOWN = {
    ("executions", "params"): "id",
    ("executions", "given_params"): "id",
    ("executions", "outputs"): "id",
    ("executions", "error"): "id",
    ("step_executions", "item"): "execution_id",
    ("step_executions", "outputs"): "execution_id",
    ("step_executions", "error_message"): "execution_id",
    ("events", "details"): "execution_id",
}
MOST_READ = 50  #: executions that are shown; all have gone through the same redaction
_COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'character varying')"
    " ORDER BY table_name, ordinal_position"
)


def leaked_secrets(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Where a canary is in a log, in a row or in an answer; the canary itself is not repeated."""
    if not evidence.canaries:
        return
    for path in evidence.logs:
        yield from _in_log(path, evidence.canaries)
    holders: set[UUID] = set()
    for table, column in connection.exec_driver_sql(_COLUMNS).all():
        owner = REDACTED_WHEN_SHOWN.get((table, column))
        found = _owners(connection, table, column, owner or "NULL::uuid", evidence.canaries)
        if owner is not None:
            holders.update(found)
        elif found:
            yield f"a secret is in a row of {table}, column {column}"
    for execution in sorted(holders)[:MOST_READ]:
        yield from _shown(connection, execution, evidence.canaries)


def _in_log(path: Path, canaries: Sequence[str]) -> Iterator[str]:
    with path.open(errors="replace") as log:
        for number, line in enumerate(log, start=1):
            if any(canary in line for canary in canaries):
                yield f"a secret is in {path.name}, line {number}"


def _owners(
    connection: Connection, table: str, column: str, owner: str, canaries: Sequence[str]
) -> list[UUID]:
    # Names come from the catalogue; strpos takes a canary with a percent sign as it is.
    return list(
        connection.exec_driver_sql(
            f'SELECT DISTINCT {owner} FROM "{table}" t'
            " CROSS JOIN unnest(%(canaries)s::text[]) AS c(canary)"
            f' WHERE strpos(t."{column}"::text, c.canary) > 0 LIMIT {MOST_READ}',
            {"canaries": list(canaries)},
        ).scalars()
    )


def _shown(connection: Connection, execution: UUID, canaries: Sequence[str]) -> Iterator[str]:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        steps = history.steps(session, SYSTEM, execution)
        answers = {
            "execution": history.execution(session, SYSTEM, execution),
            "steps": steps,
            "events": history.events(
                session, SYSTEM, execution, history.EventFilter(limit=1000)
            ).entries,
            "items": [
                history.items(session, SYSTEM, execution, parent_id=step.id, page=Page(1, 100))
                for step in steps
                if step.items
            ],
        }
    for name, answer in answers.items():
        if any(canary in repr(answer) for canary in canaries):
            yield f"a secret is shown with the {name} of execution {execution}"
