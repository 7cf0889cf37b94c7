"""Chooses one of several branches; the steps behind the others are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    BudgetSpent,
    ExpressionError,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SecretMisused,
    evaluate_condition,
    register_action,
    render_value,
)

META = ActionMeta(
    type="conditional",
    name="Conditional Branch",
    category="Control Flow",
    description="Takes the first branch whose condition holds and skips the targets of the others.",
    icon="git-branch",
    color="#8b5cf6",
    cheap=True,
    # Rendered first, a condition would be a mere text or a bare true.
    unrendered_params=frozenset({"branches", "condition"}),
    params=[
        ParamDefinition(
            "branches",
            "Branches",
            ParamType.BRANCHES,
            default=[],
            description="In order: {id, label, condition, target_step}.",
        ),
        ParamDefinition(
            "condition",
            "Condition",
            ParamType.TEMPLATE,
            default=True,
            description="Without branches: chooses between the two results.",
        ),
        ParamDefinition(
            "true_result",
            "Result if true",
            ParamType.JSON,
            default={"branch": "true"},
            description="The result when the condition holds.",
        ),
        ParamDefinition(
            "false_result",
            "Result if false",
            ParamType.JSON,
            default={"branch": "false"},
            description="The result when it does not.",
        ),
    ],
    outputs=[
        OutputDefinition("result", "any", "The label of the branch, or the chosen result."),
        OutputDefinition("branch", "string", "The id of the branch, or 'none'."),
        OutputDefinition("matched_branch", "string", "The id of the branch, or null."),
        OutputDefinition("matched_label", "string", "The label of the branch, or 'none'."),
        OutputDefinition("target_step", "string", "The step behind the branch, or null."),
    ],
    examples=[
        ActionExample(
            "By size",
            {
                "branches": [
                    {
                        "id": "large",
                        "condition": "{{ params.gpus > 8 }}",
                        "target_step": "deploy_large",
                    },
                    {"id": "small", "condition": "true", "target_step": "deploy_small"},
                ]
            },
        )
    ],
)


@register_action(META)
class Conditional(BaseActionExecutor):
    """Evaluates conditions with the scope of the step."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check the shape of the branches."""
        return list(_branch_problems(params.get("branches") or []))

    def execute(self, context: ActionContext) -> ActionResult:
        """Choose."""
        branches = context.params.get("branches") or []
        if not branches:
            return _chosen_result(context)
        matched = _matched(branches, context)
        target = matched.get("target_step")
        label = render_value(matched.get("label", matched.get("id")), context.scope)
        others = [b.get("target_step") for b in branches]
        return ActionResult(
            success=True,
            outputs={
                "result": label,
                "branch": matched.get("id", "none"),
                "matched_branch": matched.get("id"),
                "matched_label": label or "none",
                "target_step": target,
            },
            skip_targets=[step for step in dict.fromkeys(others) if step and step != target],
        )


def _branch_problems(branches: Any) -> Iterator[str]:
    yield from _shape_problems(branches)
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield from (
                f"Branch {index} missing '{key}' field"
                for key in ("id", "condition")
                if key not in branch
            )


def _shape_problems(branches: Any) -> Iterator[str]:
    if not isinstance(branches, list):
        yield "branches must be a list"
        return
    for index, branch in enumerate(branches):
        if not isinstance(branch, dict):
            yield f"Branch {index} must be a dictionary"
            continue
        yield from (
            f"'{key}' of branch {index} must be a text"
            for key in ("id", "target_step")
            if not isinstance(branch.get(key), str | None)
        )


def _matched(branches: Any, context: ActionContext) -> dict[str, Any]:
    problems = list(_shape_problems(branches))
    if problems:
        raise InvalidActionParams("; ".join(problems))
    return next((b for b in branches if _holds(b.get("condition", "true"), context)), {})


def _holds(condition: Any, context: ActionContext) -> bool:
    try:
        return evaluate_condition(condition, context.scope)
    except (BudgetSpent, SecretMisused):  # nothing can be evaluated after it; nobody may look
        raise
    except ExpressionError as error:
        # A branch that cannot be evaluated is not taken; the next one may be the way out.
        context.log.warning("branch_condition_failed", code=error.code, error=str(error))
        return False


def _chosen_result(context: ActionContext) -> ActionResult:
    holds = evaluate_condition(context.params.get("condition", True), context.scope)
    word = "true" if holds else "false"
    return ActionResult(
        success=True,
        outputs={
            "result": context.params.get(f"{word}_result", {"branch": word}),
            "branch": word,
            "matched_branch": word,
            "matched_label": word,
            "target_step": None,
        },
    )
