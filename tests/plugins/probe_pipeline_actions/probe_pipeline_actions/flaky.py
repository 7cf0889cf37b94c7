"""Fails a given number of times."""

from __future__ import annotations

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

from .ledger import count, note

META = ActionMeta(
    type="probe_flaky",
    name="Flaky",
    category="Probe",
    description="Fail some times, then succeed.",
    params=(
        ParamDefinition(name="ledger", label="Ledger", required=True),
        ParamDefinition(name="failures", label="Failures", type=ParamType.NUMBER, default=1),
        ParamDefinition(name="raises", label="Raises", type=ParamType.BOOLEAN, default=False),
    ),
    outputs=(OutputDefinition(name="attempt", type="integer"),),
)


@register_action(META)
class Flaky(BaseActionExecutor):
    """Counts its attempts in the ledger."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Fail as often as the params say."""
        note(context, "started")
        if count(context, "started") <= context.params.get("failures", 1):
            if context.params.get("raises"):
                raise RuntimeError("out of luck")
            return ActionResult(success=False, error="out of luck", error_code="no_luck")
        return ActionResult(success=True, outputs={"attempt": context.attempt})
