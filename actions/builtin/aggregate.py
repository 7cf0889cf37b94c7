"""Makes one value out of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    is_templated,
    join_texts,
    number_in_range,
    pay_for,
    register_action,
)

SEPARATOR = ", "


def _are_numbers(values: list[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _sum(values: list[Any]) -> Any:
    return number_in_range(sum(values)) if _are_numbers(values) else 0


def _average(values: list[Any]) -> Any:
    if not values or not _are_numbers(values):
        return None
    return number_in_range(sum(values) / len(values))


def _merge(values: list[Any]) -> dict[str, Any]:
    return dict(chain.from_iterable(v.items() for v in values if isinstance(v, dict)))


def _flatten(values: list[Any]) -> list[Any]:
    return [part for v in values for part in (v if isinstance(v, list) else [v])]


OPERATIONS: Mapping[str, Callable[[list[Any]], Any]] = {
    "list": lambda values: values,
    "sum": _sum,
    "join": lambda values: values,  # needs the separator: see Aggregate
    "merge": _merge,
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "min": lambda values: min(values) if values and _are_numbers(values) else None,
    "max": lambda values: max(values) if values and _are_numbers(values) else None,
    "average": _average,
    "count": len,
    "flatten": _flatten,
}

META = ActionMeta(
    type="aggregate",
    name="Aggregate",
    category="Control Flow",
    description="Makes one value out of many.",
    icon="stack",
    color="#f59e0b",
    cheap=True,
    params=[
        ParamDefinition(
            "inputs",
            "Inputs",
            ParamType.JSON,
            default=[],
            description="The values; what is no list counts as a list of one.",
        ),
        ParamDefinition(
            "operation",
            "Operation",
            ParamType.SELECT,
            default="list",
            description="How to put them together.",
            options=[SelectOption(name, name.capitalize()) for name in OPERATIONS],
        ),
        ParamDefinition(
            "separator", "Separator", default=SEPARATOR, description="What join puts between them."
        ),
    ],
    outputs=[
        OutputDefinition("result", "any", "The value; null when there is none."),
        OutputDefinition("count", "number", "How many inputs there were; 0 if they were no list."),
        OutputDefinition("operation", "string", "The operation as it was given."),
    ],
    examples=[ActionExample("Add up", {"inputs": [1, 2, "{{ params.n }}"], "operation": "sum"})],
)


@register_action(META)
class Aggregate(BaseActionExecutor):
    """Applies one operation to a list."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what can be seen before the step runs."""
        inputs, operation = params.get("inputs", []), params.get("operation", "list")
        problems = []
        if not isinstance(inputs, list) and not is_templated(inputs):
            problems.append("inputs must be a list")
        known = isinstance(operation, str) and operation in OPERATIONS
        if not known and not is_templated(operation):
            problems.append(f"Invalid operation: {operation}")
        return problems

    def execute(self, context: ActionContext) -> ActionResult:
        """Return the value; what is no list is treated as a list of one."""
        inputs = context.params.get("inputs", [])
        operation = context.params.get("operation", "list")
        values = inputs if isinstance(inputs, list) else [inputs]
        pay_for(values)
        if operation == "join":
            separator = context.params.get("separator", SEPARATOR)
            result: Any = join_texts(values, separator)
            context.keep_secret(result, values, separator)
        else:
            name = operation if isinstance(operation, str) else "list"
            result = OPERATIONS.get(name, OPERATIONS["list"])(values)
        count = len(inputs) if isinstance(inputs, list) else 0
        return ActionResult(
            success=True, outputs={"result": result, "count": count, "operation": operation}
        )
