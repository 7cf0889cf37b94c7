"""Turns one value into another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
    pay_for,
    register_action,
    text_of,
)


def _in_each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Change a text, or the texts of a map one level deep."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: change(v) if isinstance(v, str) else v for key, v in value.items()}
    return value


def _flatten(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [part for item in value for part in (item if isinstance(item, list) else [item])]


def _unique(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    # Compared as JSON: in Python True == 1, and a map is not hashable.
    texts = (json.dumps(item, ensure_ascii=False, sort_keys=True) for item in value)
    return list(dict(zip(texts, value, strict=True)).values())


def _sort(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    pay_for(value, rounds=len(value).bit_length())
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=text_of)


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, list | str) else value


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict | str) else 0


OPERATIONS: Mapping[str, Callable[[Any], Any]] = {
    "passthrough": lambda value: value,
    "uppercase": lambda value: _in_each_text(value, str.upper),
    "lowercase": lambda value: _in_each_text(value, str.lower),
    "keys": lambda value: list(value) if isinstance(value, dict) else [],
    "values": lambda value: list(value.values()) if isinstance(value, dict) else [],
    "count": _length,
    "flatten": _flatten,
    "unique": _unique,
    "sort": _sort,
    "reverse": _reverse,
}

#: What leaves the texts inside of a value as they are, and says nothing of them.
PASS_ON = frozenset({"passthrough", "keys", "values", "flatten"})

META = ActionMeta(
    type="transform",
    name="Transform",
    category="Control Flow",
    description="Turns one value into another.",
    icon="swap",
    color="#10b981",
    cheap=True,
    params=[
        ParamDefinition("input", "Input", ParamType.JSON, default={}, description="The value."),
        ParamDefinition(
            "operation",
            "Operation",
            ParamType.SELECT,
            default="passthrough",
            description="What to do with it.",
            options=[SelectOption(name, name.capitalize()) for name in OPERATIONS],
        ),
    ],
    outputs=[
        OutputDefinition("result", "any", "The new value; null after a failure."),
        OutputDefinition("operation", "string", "The operation as it was given."),
        OutputDefinition("input_type", "string", "The type of the input: str, dict, list, int …"),
        OutputDefinition("output_type", "string", "The type of the result."),
    ],
    examples=[ActionExample("Count", {"input": "{{ params.models }}", "operation": "count"})],
)


@register_action(META)
class Transform(BaseActionExecutor):
    """Applies one operation."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Return the new value, or a failure for an operation that only a template could name."""
        value = context.params.get("input", {})
        operation = context.params.get("operation", "passthrough")
        known = isinstance(operation, str) and operation in OPERATIONS
        pay_for(value)
        if operation not in PASS_ON:
            context.refuse_secrets(value, "input")
        result = OPERATIONS[operation](value) if known else None
        return ActionResult(
            success=known,
            error=None if known else f"Unknown operation: {operation}",
            error_code=None if known else "invalid_params",
            retryable=False,
            outputs={
                "result": result,
                "operation": operation,
                "input_type": type(value).__name__,
                "output_type": type(result).__name__,
            },
        )
