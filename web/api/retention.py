"""``/retention``: what is kept for how long, and deleting the rest now."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import retention as services

from .blueprint import Blueprint
from .context import caller, runtime
from .schemas.retention import CleanedSchema, RetentionSchema, RunBody

retention = Blueprint("retention", __name__, description="What is kept for how long.")


@retention.on("GET", operation="get_retention", scope=Scope.ADMIN)
@retention.answers(200, RetentionSchema)
def show() -> Any:
    """Say what is kept for how long, and what the next clean-up would delete."""
    return services.overview(runtime())


@retention.on("POST", "/run", operation="run_retention", scope=Scope.ADMIN, act=Act.RETENTION_RUN)
@retention.body(RunBody, required=False)
@retention.answers(200, CleanedSchema)
def run(body: dict[str, Any]) -> Any:
    """Delete what is old enough, as beat asks for every night; with `dry_run` only count it."""
    return services.clean_up(runtime(), by=caller(), dry_run=body["dry_run"])
