"""Runs an action again and again while a condition holds, or until one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    ConditionalVisibility,
    ExecutionMode,
    FanOutActionExecutor,
    InnerAction,
    InvalidActionParams,
    Item,
    ItemResult,
    JsonShape,
    MoreItems,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ValidationRules,
    evaluate_condition,
    register_action,
    render_value,
)

from .numbers import LONGEST_SECONDS, count, seconds
from .rounds import Round, collected_in, first_round, size

MAX_ITERATIONS = 100
LONGEST_DELAY = 86_400
BYTES_BESIDE = 256  #: of the names of the outputs, and the count
NAMES = frozenset({"result", "iteration", "carry", "failures"})

META = ActionMeta(
    type="while",
    name="While",
    category="Control Flow",
    description="Runs an action again and again while a condition holds, or until one does.",
    icon="arrow-clockwise",
    color="#8b5cf6",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    unrendered_params=frozenset(
        {"condition", "until", "action_params", "carry", "collect", "delay_seconds"}
    ),
    adds_names=NAMES,
    lacks_names={"carry/start": NAMES},
    names_need={"carry": "carry"},
    inner=InnerAction(),
    params=[
        ParamDefinition(
            "condition",
            "Condition",
            ParamType.TEMPLATE,
            required=True,
            description="Evaluated before each iteration, with result and iteration (from 0).",
            show_when=ConditionalVisibility("until", equals=""),
        ),
        ParamDefinition(
            "until",
            "Until",
            ParamType.TEMPLATE,
            default="",
            description="In place of condition: evaluated after each iteration, ends the loop.",
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
            "carry",
            "State",
            ParamType.JSON,
            description="{start, next}: what the first iteration finds as carry (null without it),"
            " and what the next one finds, made of carry and result.",
            shape=JsonShape.OBJECT,
            validation=ValidationRules(
                properties={
                    "start": NestedRules(type="json", required=False),
                    "next": NestedRules(type="json"),
                }
            ),
        ),
        ParamDefinition(
            "collect",
            "Collect",
            ParamType.JSON,
            description="Rendered after each iteration; collected has all of them.",
        ),
        ParamDefinition(
            "max_iterations",
            "Iterations",
            ParamType.NUMBER,
            default=MAX_ITERATIONS,
            description="After so many, a loop that would go on fails.",
            validation=ValidationRules(min=1, max=10_000),
        ),
        ParamDefinition(
            "delay_seconds",
            "Delay",
            ParamType.NUMBER,
            default=0,
            description="The pause before each iteration but the first; a template sees what it"
            " sees.",
            validation=ValidationRules(min=0, max=LONGEST_DELAY),
        ),
        ParamDefinition(
            "tolerated_failures",
            "Tolerated failures",
            ParamType.NUMBER,
            default=0,
            description="How many iterations may fail one after the other.",
            validation=ValidationRules(min=0, max=10_000),
        ),
        ParamDefinition(
            "timeout_seconds",
            "Time for all",
            ParamType.NUMBER,
            description="After so long, no further iteration begins and the step fails.",
            validation=ValidationRules(min=1, max=LONGEST_SECONDS),
        ),
        ParamDefinition(
            "iteration_timeout_seconds",
            "Time for an iteration",
            ParamType.NUMBER,
            description="For each attempt of one; without it, what its action is given.",
            validation=ValidationRules(min=1, max=LONGEST_SECONDS),
        ),
    ],
    outputs=[
        OutputDefinition("result", "object", "The outputs of the last iteration that succeeded."),
        OutputDefinition("iterations", "number", "How many there were."),
        OutputDefinition("carry", "any", "With carry: what a next iteration would find."),
        OutputDefinition("collected", "array", "With collect: one value of each that succeeded."),
    ],
    examples=[
        ActionExample(
            "Poll",
            {
                "until": "{{ result.body.state == 'ready' }}",
                "action": "http_request",
                "action_params": {"url": "https://jobs.example.com/{{ params.job }}"},
                "delay_seconds": 10,
                "tolerated_failures": 5,
                "max_iterations": 60,
            },
        ),
        ActionExample(
            "Follow pages",
            {
                "carry": {"start": "{{ params.first_page }}", "next": "{{ result.body.next }}"},
                "action": "http_request",
                "action_params": {"url": "{{ carry }}"},
                "collect": "{{ result.body.items }}",
                "until": "{{ not carry }}",
            },
        ),
    ],
)


@register_action(META)
class While(FanOutActionExecutor):
    """Has one item at a time; its join decides whether there is another."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that something ends the loop, and what it hands on."""
        try:
            _check(params)
        except InvalidActionParams as error:
            return [str(error)]
        return []

    def expand(self, context: ActionContext) -> list[Item]:
        """Begin with the first iteration, unless the condition fails at once."""
        _check(context.params)
        first = first_round(context, datetime.now(UTC).isoformat())
        return [_item(context, first, {})] if _goes_on(context, first, {}) else []

    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems:
        """Ask for another iteration, or end."""
        if not results:
            return _ended(context, results, first_round(context, ""), {})
        ended, last = Round.of(results[-1]), results[-1]
        if not last.succeeded:
            return _after_failure(context, results, ended)
        following = ended.after_success(context, last.outputs)
        if _is_too_large(context, following, last.outputs):
            kept = replace(following, collected=None)
            message = f"What was collected has more than {context.max_output_bytes} bytes"
            return _ended(context, results, kept, last.outputs, message, "collected_too_large")
        if _is_over(context, following, last.outputs):
            return _ended(context, results, following, last.outputs)
        return _next(context, results, following, last.outputs)

    def max_concurrency(self, context: ActionContext) -> int | None:  # noqa: ARG002 - the contract
        """Return one: an iteration needs the result of the one before."""
        return 1

    def tolerated_failures(self, context: ActionContext) -> int:
        """Return how many may fail in all: those between which others succeed count for nothing."""
        most = count(context.params, "max_iterations") or MAX_ITERATIONS
        return most if count(context.params, "tolerated_failures") else 0


def _after_failure(
    context: ActionContext, results: Sequence[ItemResult], ended: Round
) -> ActionResult | MoreItems:
    """Go on with the last good result, unless too many have failed one after the other."""
    failed, following = results[-1], ended.after_failure()
    tolerated = count(context.params, "tolerated_failures")
    if failed.called_off or following.failures > tolerated:
        error, code = failed.error or "failed", failed.error_code
        return _ended(context, results, following, failed.outputs, error, code)
    result = {} if ended.last is None else results[ended.last].outputs
    if not _goes_on(context, following, result):
        return _ended(context, results, following, result)
    return _next(context, results, following, result)


def _check(params: Mapping[str, Any]) -> None:
    if not params.get("action"):
        raise InvalidActionParams("action is required")
    given = [name for name in ("condition", "until") if params.get(name) not in (None, "")]
    if len(given) != 1:
        raise InvalidActionParams("Specify either condition or until" + ", not both" * bool(given))
    carry = params.get("carry")
    if carry is not None and (not isinstance(carry, dict) or carry.keys() - {"start", "next"}):
        raise InvalidActionParams("carry must be an object of start and next, and nothing else")
    for name in ("max_iterations", "tolerated_failures"):
        if not isinstance(params.get(name), str):  # a template, before it is rendered
            count(params, name)


def _goes_on(context: ActionContext, following: Round, result: dict[str, Any]) -> bool:
    condition = context.params.get("condition")
    return evaluate_condition(condition, following.scope(context, result))


def _is_over(context: ActionContext, following: Round, result: dict[str, Any]) -> bool:
    """Whether no round has to follow one that went well."""
    until = context.params.get("until")
    if until in (None, ""):
        return not _goes_on(context, following, result)
    scope = following.scope(context, result, iteration=following.iteration - 1)
    return evaluate_condition(until, scope)


def _next(
    context: ActionContext,
    results: Sequence[ItemResult],
    following: Round,
    result: dict[str, Any],
) -> ActionResult | MoreItems:
    """Return the next iteration, or the failure of a loop that has had enough of them."""
    done = following.iteration
    if done >= (count(context.params, "max_iterations") or MAX_ITERATIONS):
        message = f"{_still(context)} after {done} iterations"
        return _ended(context, results, following, result, message, "max_iterations_reached")
    if _is_late(context, following.started_at):
        message = f"{_still(context)} after {context.params['timeout_seconds']} s"
        return _ended(context, results, following, result, message, "while_timeout")
    return MoreItems(items=[_item(context, following, result)])


def _still(context: ActionContext) -> str:
    is_until = context.params.get("until") not in (None, "")
    return "until does not hold" if is_until else "The condition still holds"


def _item(context: ActionContext, round_: Round, result: dict[str, Any]) -> Item:
    scope = round_.scope(context, result)
    return Item(
        value=round_.value,
        key=str(round_.iteration),
        action=str(context.params["action"]),
        params=render_value(context.params.get("action_params") or {}, scope),
        delay_seconds=_delay(context, scope) if round_.iteration else 0,
        timeout_seconds=seconds(context.params, "iteration_timeout_seconds"),
    )


def _delay(context: ActionContext, scope: dict[str, Any]) -> float:
    given = render_value(context.params.get("delay_seconds") or 0, scope)
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not 0 <= given <= LONGEST_DELAY:
        raise InvalidActionParams(f"delay_seconds must be 0 to {LONGEST_DELAY}, got {given!r}")
    return float(given)


def _is_late(context: ActionContext, started_at: str) -> bool:
    limit = seconds(context.params, "timeout_seconds")
    if limit is None:
        return False
    elapsed = datetime.now(UTC) - datetime.fromisoformat(started_at)
    return elapsed.total_seconds() >= limit


def _is_too_large(context: ActionContext, following: Round, result: dict[str, Any]) -> bool:
    """Whether what was collected leaves no room for the other outputs."""
    if not following.bytes:
        return False
    room = context.max_output_bytes - size(result) - size(following.carry) - BYTES_BESIDE
    return following.bytes > room


def _ended(
    context: ActionContext,
    results: Sequence[ItemResult],
    following: Round,
    result: dict[str, Any],
    error: str | None = None,
    code: str | None = None,
) -> ActionResult:
    outputs: dict[str, Any] = {"result": result, "iterations": len(results)}
    if context.params.get("carry") is not None:
        outputs["carry"] = following.carry
    if context.params.get("collect") is not None:
        outputs["collected"] = collected_in(results, following)
    return ActionResult(success=error is None, error=error, error_code=code, outputs=outputs)
