"""``/audit-log``: who did what to which row, when, from where, and what came of it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import audit_log as services

from .blueprint import Blueprint
from .context import caller, session
from .schemas.audit_log import AuditLogQuery, AuditLogSchema

audit_log = Blueprint("audit_log", __name__, description="Who did what.")


@audit_log.on("GET", operation="read_audit_log", scope=Scope.AUDIT_LOG_READ)
@audit_log.query(AuditLogQuery)
@audit_log.answers(200, AuditLogSchema)
def read(query: dict[str, Any]) -> Any:
    """List what was done and refused, newest first; with `after`, oldest first, to follow it.

    Who is bound to owners sees what was done to their rows, and what was refused to them.
    """
    return services.listed(caller(), session(), services.Wanted(**query))
