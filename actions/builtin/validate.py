"""Stops a pipeline whose values break a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    evaluate_condition,
    in_words,
    register_action,
    render_value,
)

META = ActionMeta(
    type="validate",
    name="Validate",
    category="Control Flow",
    description="Fails when one of its rules does not hold.",
    icon="check-circle",
    color="#14b8a6",
    cheap=True,
    unrendered_params=frozenset({"rules"}),
    params=[
        ParamDefinition(
            "rules",
            "Rules",
            ParamType.JSON,
            required=True,
            description="A list of {condition, message}; each condition has to hold.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "fail_on_error",
            "Fail",
            ParamType.BOOLEAN,
            default=True,
            description="Whether a broken rule fails the step; otherwise outputs tell.",
        ),
    ],
    outputs=[
        OutputDefinition("valid", "boolean", "Whether every rule holds."),
        OutputDefinition("errors", "array", "The messages of the rules that do not."),
    ],
    examples=[
        ActionExample(
            "Before a deployment",
            {
                "rules": [
                    {"condition": "{{ params.replicas <= 8 }}", "message": "At most 8 replicas"}
                ]
            },
        )
    ],
)


@register_action(META)
class Validate(BaseActionExecutor):
    """Evaluates every rule, also after the first that is broken."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check the shape of the rules."""
        return list(_rule_problems(params.get("rules")))

    def execute(self, context: ActionContext) -> ActionResult:
        """Return the messages of broken rules."""
        rules = context.params.get("rules")
        shapeless = list(_rule_problems(rules))
        errors = shapeless or [
            _message(rule, index, context)
            for index, rule in enumerate(rules or [])
            if not evaluate_condition(rule["condition"], context.scope)
        ]
        failed = bool(shapeless) or bool(errors and context.params.get("fail_on_error", True))
        return ActionResult(
            success=not failed,
            error="; ".join(errors) if failed else None,
            error_code="validation_failed" if failed else None,
            retryable=False,
            outputs={"valid": not errors, "errors": errors},
        )


def _message(rule: dict[str, Any], index: int, context: ActionContext) -> str:
    message = render_value(rule.get("message"), context.scope)
    return in_words(message or f"Rule {index} does not hold: {rule['condition']}")


def _rule_problems(rules: Any) -> Iterator[str]:
    if not isinstance(rules, list):
        yield "rules must be a list"
        return
    for index, rule in enumerate(rules):
        if not isinstance(rule, dict) or "condition" not in rule:
            yield f"Rule {index} must be an object with a condition"
