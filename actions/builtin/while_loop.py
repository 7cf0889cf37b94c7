"""Runs an action again and again while a condition holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

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
    evaluate_condition,
    register_action,
    render_value,
)

MAX_ITERATIONS = 100

META = ActionMeta(
    type="while",
    name="While",
    category="Control Flow",
    description="Runs an action again and again while a condition on its last outputs holds.",
    icon="arrow-clockwise",
    color="#8b5cf6",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    unrendered_params=frozenset({"condition", "action_params"}),
    adds_names=frozenset({"result", "iteration"}),
    inner=InnerAction(),
    params=[
        ParamDefinition(
            "condition",
            "Condition",
            ParamType.TEMPLATE,
            required=True,
            description="Evaluated before each iteration, with result and iteration (from 0).",
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
            description="Rendered for each iteration, with result and iteration.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "max_iterations",
            "Iterations",
            ParamType.NUMBER,
            default=MAX_ITERATIONS,
            description="After so many, a condition that still holds fails the step.",
            validation=ValidationRules(min=1, max=10_000),
        ),
        ParamDefinition(
            "delay_seconds",
            "Delay",
            ParamType.NUMBER,
            default=0,
            description="The pause between two iterations.",
            validation=ValidationRules(min=0, max=86_400),
        ),
        ParamDefinition(
            "timeout_seconds",
            "Time for all",
            ParamType.NUMBER,
            description="After so long, no further iteration begins and the step fails.",
            validation=ValidationRules(min=1),
        ),
        ParamDefinition(
            "iteration_timeout_seconds",
            "Time for an iteration",
            ParamType.NUMBER,
            description="For each attempt of one; without it, what its action is given.",
            validation=ValidationRules(min=1),
        ),
    ],
    outputs=[
        OutputDefinition("result", "object", "The outputs of the last iteration."),
        OutputDefinition("iterations", "number", "How many there were."),
    ],
    examples=[
        ActionExample(
            "Poll",
            {
                "condition": "{{ result.body.state != 'ready' }}",
                "action": "http_request",
                "action_params": {"url": "https://jobs.example.com/{{ params.job }}"},
                "delay_seconds": 10,
                "max_iterations": 60,
            },
        )
    ],
)


@register_action(META)
class While(FanOutActionExecutor):
    """Has one item at a time; its join decides whether there is another."""

    def expand(self, context: ActionContext) -> list[Item]:
        """Begin with the first iteration, unless the condition fails at once."""
        if not context.params.get("action"):
            raise InvalidActionParams("action is required")
        started_at = datetime.now(UTC).isoformat()
        return [_iteration(context, 0, {}, started_at)] if _goes_on(context, 0, {}) else []

    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems:
        """Ask for another iteration, or end."""
        if not results:
            return _ended({}, 0)
        last, done = results[-1], len(results)
        if not last.succeeded:
            return _ended(last.outputs, done, last.error or "failed", last.error_code)
        if not _goes_on(context, done, last.outputs):
            return _ended(last.outputs, done)
        if done >= int(context.params.get("max_iterations") or MAX_ITERATIONS):
            message = f"The condition still holds after {done} iterations"
            return _ended(last.outputs, done, message, "max_iterations_reached")
        started_at = results[0].value["started_at"]
        if _is_late(context, started_at):
            message = f"The condition still holds after {context.params['timeout_seconds']} s"
            return _ended(last.outputs, done, message, "while_timeout")
        return MoreItems(items=[_iteration(context, done, last.outputs, started_at)])

    def max_concurrency(self, context: ActionContext) -> int | None:  # noqa: ARG002 - the contract
        """Return one: an iteration needs the result of the one before."""
        return 1


def _scope(context: ActionContext, iteration: int, result: dict[str, Any]) -> dict[str, Any]:
    return context.scope_with(result=result, iteration=iteration)


def _goes_on(context: ActionContext, iteration: int, result: dict[str, Any]) -> bool:
    scope = _scope(context, iteration, result)
    return evaluate_condition(context.params.get("condition"), scope)


def _iteration(
    context: ActionContext, iteration: int, result: dict[str, Any], started_at: str
) -> Item:
    template = context.params.get("action_params") or {}
    delay = float(context.params.get("delay_seconds") or 0)
    return Item(
        value={"iteration": iteration, "started_at": started_at},
        key=str(iteration),
        action=str(context.params["action"]),
        params=render_value(template, _scope(context, iteration, result)),
        delay_seconds=delay if iteration else 0,
        timeout_seconds=context.params.get("iteration_timeout_seconds"),
    )


def _is_late(context: ActionContext, started_at: str) -> bool:
    limit = context.params.get("timeout_seconds")
    if limit is None:
        return False
    elapsed = datetime.now(UTC) - datetime.fromisoformat(started_at)
    return elapsed.total_seconds() >= float(limit)


def _ended(
    result: dict[str, Any], iterations: int, error: str | None = None, code: str | None = None
) -> ActionResult:
    return ActionResult(
        success=error is None,
        error=error,
        error_code=code,
        outputs={"result": result, "iterations": iterations},
    )
