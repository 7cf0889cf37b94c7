"""Runs an action once for each item of a list."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    ExecutionMode,
    FanOutActionExecutor,
    InnerAction,
    InvalidActionParams,
    Item,
    ItemResult,
    JsonShape,
    MoreItems,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ValidationRules,
    collected,
    compile_templates,
    failures_in_words,
    register_action,
)

from .numbers import LONGEST_SECONDS, count, seconds

META = ActionMeta(
    type="for_each",
    name="For Each",
    category="Control Flow",
    description="Runs an action once for each item of a list, several at a time.",
    icon="repeat",
    color="#8b5cf6",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    unrendered_params=frozenset({"action_params"}),
    adds_names=frozenset({"item", "item_index"}),
    inner=InnerAction(),
    params=[
        ParamDefinition(
            "items",
            "Items",
            ParamType.JSON,
            required=True,
            description="The list.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "action",
            "Action",
            required=True,
            description="The type of the action.",
            secrets=False,
        ),
        ParamDefinition(
            "action_params",
            "Params of the action",
            ParamType.JSON,
            default={},
            description="Rendered for each item, as item and item_index.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "parallel",
            "Parallel",
            ParamType.BOOLEAN,
            default=True,
            description="Whether items run side by side.",
        ),
        ParamDefinition(
            "max_concurrency",
            "Items at once",
            ParamType.NUMBER,
            description="How many items run side by side.",
            validation=ValidationRules(min=1),
        ),
        ParamDefinition(
            "continue_on_error",
            "Continue on error",
            ParamType.BOOLEAN,
            default=False,
            description="Whether the step succeeds although items failed.",
        ),
        ParamDefinition(
            "tolerated_failures",
            "Tolerated failures",
            ParamType.NUMBER,
            default=0,
            description="How many items may fail before the step does.",
            validation=ValidationRules(min=0),
        ),
        ParamDefinition(
            "item_timeout_seconds",
            "Time for an item",
            ParamType.NUMBER,
            description="For each attempt of an item; without it, what its action is given.",
            validation=ValidationRules(min=1, max=LONGEST_SECONDS),
        ),
    ],
    outputs=[
        OutputDefinition(
            "results", "array", "In order: {index, key, item, status, outputs, error}."
        ),
        OutputDefinition("total", "number", "How many items there were."),
        OutputDefinition("completed", "number", "How many succeeded."),
        OutputDefinition(
            "failed", "number", "How many failed; those that were called off are not among them."
        ),
    ],
    examples=[
        ActionExample(
            "Check clusters",
            {
                "items": "{{ params.cluster_ids }}",
                "action": "http_request",
                "action_params": {"url": "https://status.example.com/{{ item }}"},
                "max_concurrency": 5,
            },
        )
    ],
)


@register_action(META)
class ForEach(FanOutActionExecutor):
    """Expands a list into items that another action runs."""

    def expand(self, context: ActionContext) -> list[Item]:
        """Render the params of the action for each item."""
        values = context.params.get("items")
        action = context.params.get("action")
        if not isinstance(values, list):
            raise InvalidActionParams(f"items must be a list, got {type(values).__name__}")
        if not action:
            raise InvalidActionParams("action is required")
        # Asked for again by the engine: what is wrong with them is said here.
        self.max_concurrency(context)
        self.tolerated_failures(context)
        params = compile_templates(context.params.get("action_params") or {})
        return [
            Item(
                value=value,
                action=str(action),
                params=params.render(context.scope_with(item=value, item_index=index)),
                timeout_seconds=seconds(context.params, "item_timeout_seconds"),
            )
            for index, value in enumerate(values)
        ]

    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems:
        """Collect the results in the order of the list."""
        outputs = collected(results)
        success = outputs["total"] - outputs["completed"] <= self.tolerated_failures(context)
        return ActionResult(
            success=success,
            error=None if success else failures_in_words(outputs),
            error_code=None if success else "items_failed",
            outputs=outputs,
        )

    def max_concurrency(self, context: ActionContext) -> int | None:
        """Return how many items may run side by side."""
        if context.params.get("parallel", True) is False:
            return 1
        return count(context.params, "max_concurrency") or None

    def tolerated_failures(self, context: ActionContext) -> int:
        """Return how many items may fail."""
        if context.params.get("continue_on_error", False):
            return len(context.params.get("items") or [])
        return count(context.params, "tolerated_failures")
