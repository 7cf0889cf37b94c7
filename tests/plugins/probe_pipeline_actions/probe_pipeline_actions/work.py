"""Work that takes its time; one kind may be repeated after a crash, the other may not."""

from __future__ import annotations

import threading
from dataclasses import replace

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    register_action,
)

from .ledger import note, wait_for_others

META = ActionMeta(
    type="probe_work",
    name="Work",
    category="Probe",
    description="Take some time.",
    params=(
        ParamDefinition(name="ledger", label="Ledger", required=True),
        ParamDefinition(name="seconds", label="Seconds", type=ParamType.NUMBER, default=0),
        ParamDefinition(name="others", label="Others first", type=ParamType.NUMBER, default=0),
    ),
    outputs=(OutputDefinition(name="attempt", type="integer"),),
)


@register_action(META)
class Work(BaseActionExecutor):
    """Writes down its start and its end."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Wait for as long as the params say, and until so many others have finished."""
        note(context, "started")
        wait_for_others(context, int(context.params.get("others", 0)))
        threading.Event().wait(float(context.params.get("seconds", 0)))
        note(context, "finished")
        return ActionResult(success=True, outputs={"attempt": context.attempt})

    def cleanup(self, context: ActionContext) -> None:
        """Write down that nobody waits any more."""
        note(context, "cleaned up")


@register_action(replace(META, type="probe_busy", name="Busy", cheap=True))
class Busy(Work):
    """The same as a cheap action, which it should not be: it holds up whoever runs it."""


@register_action(replace(META, type="probe_work_once", name="Work once", idempotent=False))
class WorkOnce(Work):
    """The same, but a repetition would do harm."""
