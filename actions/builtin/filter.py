"""Keeps the items of a list that meet a condition."""

from __future__ import annotations

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    InvalidActionParams,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    evaluate_condition,
    register_action,
)

META = ActionMeta(
    type="filter",
    name="Filter",
    category="Control Flow",
    description="Keeps the items of a list that meet a condition.",
    icon="funnel",
    color="#0ea5e9",
    cheap=True,
    unrendered_params=frozenset({"condition"}),
    adds_names=frozenset({"item", "item_index"}),
    params=[
        ParamDefinition(
            "items",
            "Items",
            ParamType.JSON,
            required=True,
            description="The list to look through.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "condition",
            "Condition",
            ParamType.TEMPLATE,
            required=True,
            description="Evaluated for each item, as item and item_index.",
        ),
    ],
    outputs=[
        OutputDefinition("result", "array", "The items that were kept, in their order."),
        OutputDefinition("count", "number", "How many were kept."),
        OutputDefinition("total", "number", "How many there were."),
    ],
    examples=[
        ActionExample(
            "Large clusters",
            {"items": "{{ params.clusters }}", "condition": "{{ item.gpus >= 8 }}"},
        )
    ],
)


@register_action(META)
class Filter(BaseActionExecutor):
    """Evaluates one condition per item."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Return what was kept."""
        items = context.params.get("items")
        if not isinstance(items, list):
            raise InvalidActionParams(f"items must be a list, got {type(items).__name__}")
        condition = context.params.get("condition")
        kept = [
            item
            for index, item in enumerate(items)
            if evaluate_condition(condition, context.scope_with(item=item, item_index=index))
        ]
        return ActionResult(
            success=True, outputs={"result": kept, "count": len(kept), "total": len(items)}
        )
