"""What a step may not do is refused to whoever has started its execution."""

from __future__ import annotations

from pipeline_engine.domain.audit_log import Act, Record, Result
from pipeline_engine.domain.scopes import Scope, missing_among
from pipeline_engine.errors import PermissionDenied
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.safe import may_use
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import audit_log
from pipeline_engine.storage.rows import StepRow


def record_denial(tx: Transaction, row: StepRow, planned: PlannedStep | None) -> None:
    """Tell the audit log what whoever started the execution may not do: once for all items."""
    facts = tx.runtime.facts(tx.connection, [row.execution_id])[row.execution_id]
    rights = facts.authority.rights
    missing = missing_among(rights, planned.meta.required_permissions) if planned else []
    if not missing and not may_use(rights):
        missing = [Scope.SECRETS_USE.value]
    record = Record(
        act=Act.STEP_RUN,
        principal=facts.authority.started_by or None,
        acted_for=facts.user_id,
        owner=facts.user_id,
        target=str(facts.id),
        result=Result.REFUSED,
        code=PermissionDenied.code,
        details={"step_id": row.step_id, "action": row.action, "missing": missing},
        once=f"{Act.STEP_RUN} {facts.id} {row.step_id}",
    )
    audit_log.write_once(tx.connection, [record])
