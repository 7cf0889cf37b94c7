"""An action that looks into the engine."""

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    register_action,
)


@register_action(ActionMeta(type="nosy", name="Nosy", category="Faults", description="Looks."))
class Nosy(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"status": StepStatus.COMPLETED})
