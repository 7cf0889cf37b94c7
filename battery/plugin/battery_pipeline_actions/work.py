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

from .ledger import effect

META = ActionMeta(
    type="battery_work",
    name="Work",
    category="Battery",
    description="Take some time, and fail a number of times first.",
    params=(
        ParamDefinition(name="seconds", label="Seconds", type=ParamType.NUMBER, default=0),
        ParamDefinition(name="failures", label="Failures", type=ParamType.NUMBER, default=0),
        ParamDefinition(name="raises", label="Raises", type=ParamType.BOOLEAN, default=False),
        ParamDefinition(name="note", label="Note", type=ParamType.JSON),
    ),
    outputs=(OutputDefinition(name="attempt", type="integer"),),
)


@register_action(META)
class Work(BaseActionExecutor):
    """Writes down its begin and its end."""

    idempotent = True

    def execute(self, context: ActionContext) -> ActionResult:
        """Wait for as long as the params say; the note is for errors, which may quote it."""
        with effect(context, idempotent=self.idempotent):
            threading.Event().wait(float(context.params.get("seconds", 0)))
        if context.retry_count < int(context.params.get("failures", 0)):
            words = f"out of luck: {context.params.get('note')}"
            if context.params.get("raises"):
                raise RuntimeError(words)
            return ActionResult(success=False, error=words, error_code="no_luck")
        return ActionResult(success=True, outputs={"attempt": context.attempt})


@register_action(replace(META, type="battery_work_once", name="Work once", idempotent=False))
class WorkOnce(Work):
    """The same, but a repetition would do harm."""

    idempotent = False


@register_action(replace(META, type="battery_mark", name="Mark", cheap=True))
class Mark(Work):
    """Work that shares its message and its transaction with others."""
