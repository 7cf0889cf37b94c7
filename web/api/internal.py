"""``/internal``: what the service mesh asks for by the clock, for bindings of the old service."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope, schedules

from .auth import for_parties
from .blueprint import Blueprint
from .context import caller, runtime
from .schemas.schedules import PolledSchema

internal = Blueprint("internal", __name__, description="Bells that others ring; rows decide.")


@internal.on("POST", "/schedule-poll", operation="poll_schedules", scope=Scope.SCHEDULES_CONTROL)
@internal.answers(200, PolledSchema)
@for_parties
def poll() -> Any:
    """Fire what is due, as the engine does by itself; nothing needs this call."""
    found = schedules.poll(caller(), runtime())
    triggered = [one for one in found.fired if one.fire.outcome == "fired"]
    errors = [one for one in found.fired if one.message is not None]
    return {
        "polled_at": found.at,
        "due_count": found.looked_at,
        "triggered_count": len(triggered),
        "error_count": len(errors),
        "triggered": triggered,
        "errors": errors,
    }
