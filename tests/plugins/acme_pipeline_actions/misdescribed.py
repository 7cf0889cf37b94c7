"""Says too little about itself."""

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ParamDefinition,
    ParamType,
    register_action,
)


@register_action(
    ActionMeta(
        type="acme_misdescribed",
        name="",
        category="Acme",
        description="Has no name.",
        params=[ParamDefinition("mode", "Mode", ParamType.SELECT)],
    )
)
class Misdescribed(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True)
