"""What a step may not do is refused to whoever has started its execution."""

from __future__ import annotations

from pipeline_engine.domain.audit_log import Act, Record, Result
from pipeline_engine.domain.scopes import missing_among
from pipeline_engine.errors import PermissionDenied
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import ActionResult
from pipeline_engine.storage import audit_log


def record_denial(tx: Transaction, step: Prepared, result: ActionResult) -> None:
    """Tell the audit log what whoever started the execution may not do: once for all items."""
    if result.success or result.error_code != PermissionDenied.code:
        return
    authority, facts, meta = step.facts.authority, step.facts, step.planned.meta
    record = Record(
        act=Act.STEP_RUN,
        principal=authority.started_by or None,
        acted_for=facts.user_id,
        owner=facts.user_id,
        target=str(facts.id),
        result=Result.REFUSED,
        code=PermissionDenied.code,
        details={
            "step_id": step.row.step_id,
            "action": meta.type,
            "missing": missing_among(authority.rights, meta.required_permissions),
        },
    )
    audit_log.write_once(tx.connection, record)
