"""The SQL of guardrail workflows: begin one once, find those whose pipeline has ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.executions import OPEN
from pipeline_engine.storage.tables.guardrails import GuardrailRun, GuardrailWorkflow

#: As long as this whoever has cancelled a workflow may take to tell its execution.
TELLING = timedelta(seconds=5)


def insert_new(connection: Connection, **columns: Any) -> bool:
    """Store a workflow; false if a request with its key was faster."""
    statement = insert(GuardrailWorkflow).values(**columns).on_conflict_do_nothing()
    return connection.execute(statement.returning(GuardrailWorkflow.id)).first() is not None


class Due(NamedTuple):
    """A run that somebody has to look after."""

    workflow_id: UUID
    execution_id: UUID
    owner: str | None
    reason: str | None  #: why the workflow was cancelled
    is_open: bool  #: it goes on, although its workflow is cancelled, and nobody has told it


# Runs that go on have the only entries in the index by which they are found. An execution that is
# cancelled says so from the moment on at which somebody has told it.
_DUE = f"""
SELECT r.workflow_id, r.execution_id, w.user_id, w.reason, coalesce(x.{OPEN}, false)
FROM guardrail_runs r JOIN guardrail_workflows w ON w.id = r.workflow_id
LEFT JOIN executions x ON x.id = r.execution_id
WHERE r.ended_at IS NULL AND (x.id IS NULL OR NOT x.{OPEN}
    OR (w.phase = '{Phase.CANCELLING.value}' AND x.cancel_requested_at IS NULL
        AND w.updated_at < now() - %(patience)s))
ORDER BY r.started_at LIMIT %(most)s
"""


def due(connection: Connection, *, most: int) -> list[Due]:
    """The runs whose execution has ended or is gone, and those that nobody has cancelled yet."""
    asked = {"most": most, "patience": TELLING}
    return [Due(*row) for row in driver.fetch(connection, _DUE, asked)]


def runs_of(session: Session, workflow_ids: Collection[UUID]) -> dict[UUID, list[GuardrailRun]]:
    """The runs of these workflows, the oldest first."""
    found: dict[UUID, list[GuardrailRun]] = {one: [] for one in workflow_ids}
    rows = session.scalars(
        select(GuardrailRun)
        .where(GuardrailRun.workflow_id.in_(workflow_ids))
        .order_by(GuardrailRun.started_at, GuardrailRun.id)
        .execution_options(populate_existing=True)
    )
    for row in rows:
        found[row.workflow_id].append(row)
    return found


def link_rule(connection: Connection, owner: str | None, rule_id: str, model_id: str) -> None:
    """Remember the model of a rule, instead of the one before."""
    driver.run(
        connection,
        "INSERT INTO guardrail_rule_models (id, user_id, rule_id, model_id)"
        " VALUES (%(id)s, %(owner)s, %(rule)s, %(model)s)"
        " ON CONFLICT (coalesce(user_id, ''), rule_id)"
        " DO UPDATE SET model_id = excluded.model_id, updated_at = now()",
        {"id": str(new_id()), "owner": owner, "rule": rule_id, "model": model_id},
    )


def linked_models(connection: Connection, owner: str | None) -> dict[str, str]:
    """The models that rules were given, by rule: those of *owner* before those of the system."""
    rows = driver.fetch(
        connection,
        "SELECT rule_id, model_id FROM guardrail_rule_models"
        " WHERE coalesce(user_id, '') IN ('', %(owner)s) ORDER BY user_id NULLS FIRST",
        {"owner": owner or ""},
    )
    return dict(rows)
