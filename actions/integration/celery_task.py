"""Runs a task of another Celery app as a step, and holds no worker while that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    CELERY_TASK_ENDED,
    ActionContext,
    ActionError,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    CeleryTask,
    ConditionalVisibility,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    ExpressionError,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    ValidationRules,
    register_action,
    render_value,
)

WEEK = 604_800
SENT, SUCCESS = "SENT", "SUCCESS"
#: States after which Celery does nothing more with a task, and what a step says of the failures.
FAILURES = {
    "FAILURE": "celery_task_failed",
    "REVOKED": "celery_task_revoked",
}
NOTHING: Mapping[str, Any] = {
    "task_id": None,
    "app": None,
    "state": None,
    "result": None,
    "error": None,
}

META = ActionMeta(
    type="celery_task",
    name="Celery Task",
    category="Integration",
    description="Runs a task of another Celery app and waits for its result.",
    icon="stack",
    color="#37814A",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    idempotent=False,
    parks_when=ConditionalVisibility("wait", equals=True),
    unrendered_params=frozenset({"result"}),
    adds_names=frozenset({"result"}),
    params=[
        ParamDefinition(
            "name",
            "Task",
            required=True,
            placeholder="reports.build",
            description="The name by which its workers know it.",
            secrets=False,
        ),
        ParamDefinition(
            "args",
            "Arguments",
            ParamType.JSON,
            default=[],
            description="By their places.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "kwargs",
            "Named arguments",
            ParamType.JSON,
            default={},
            description="By their names.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "app",
            "App",
            description="One of PIPELINE_CELERY_APPS; not needed where there is only one.",
            secrets=False,
        ),
        ParamDefinition(
            "queue", "Queue", description="In place of the queue of the app.", secrets=False
        ),
        ParamDefinition(
            "wait",
            "Wait",
            ParamType.BOOLEAN,
            default=True,
            description="Whether the step ends with the task, or as soon as that is sent.",
        ),
        ParamDefinition(
            "result",
            "Result",
            ParamType.JSON,
            description="What the step keeps, made of result; without it, all of that.",
            show_when=ConditionalVisibility("wait", not_equals=False),
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            description="After so long without an end the step ends as TIMEOUT.",
            validation=ValidationRules(min=1, max=WEEK),
            show_when=ConditionalVisibility("wait", not_equals=False),
        ),
        ParamDefinition(
            "terminate",
            "Terminate",
            ParamType.BOOLEAN,
            default=False,
            description="Whether a cancel stops a task that has begun; else only one that has not.",
            show_when=ConditionalVisibility("wait", not_equals=False),
        ),
    ],
    outputs=[
        OutputDefinition("task_id", "string", "The id of the task; null if it was not sent."),
        OutputDefinition("app", "string", "The app that has it."),
        OutputDefinition("state", "string", "SENT, or how it has ended, in Celery's words."),
        OutputDefinition("result", "any", "What it has returned, or what was made of that."),
        OutputDefinition("error", "string", "The type and the words of its exception; else null."),
    ],
    examples=[
        ActionExample(
            "Build a report",
            {
                "name": "reports.build",
                "kwargs": {"month": "{{ params.month }}"},
                "queue": "reports",
                "result": {"file": "{{ result.path }}", "rows": "{{ result.rows }}"},
                "max_wait_seconds": 3600,
            },
        ),
        ActionExample("Send and go on", {"name": "mail.send", "args": [7], "wait": False}),
    ],
)


@register_action(META)
class RunCeleryTask(BaseActionExecutor):
    """Sends the task, parks, and is told its end by the engine."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Send the task, unless an attempt before has, and it was not over."""
        waits = context.params.get("wait") is not False
        try:
            task = _sent(context, waits=waits)
        except ActionError as error:
            return ActionResult(
                success=False,
                error=str(error),
                error_code=error.error_code,
                retryable=error.retryable,
                # The task that an attempt before had: the next one's id is made of it.
                outputs={**NOTHING, **_of_before(context), "error": str(error)},
            )
        outputs = {**NOTHING, "task_id": task.task_id, "app": task.app, "state": SENT}
        if not waits:
            return ActionResult(success=True, outputs=outputs)
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=task.external_id,
            timeout_seconds=context.params.get("max_wait_seconds") or None,
            outputs=outputs,
        )

    def on_event(self, context: EventContext) -> EventResult:
        """End as the task has ended."""
        told, state = context.event_data, context.event_data.get("state")
        if told.get("type") != CELERY_TASK_ENDED or state not in (SUCCESS, *FAILURES):
            return EventResult(action=EventAction.IGNORE)
        if state != SUCCESS:
            error = str(told.get("error") or f"The task has ended as {state}")
            return _failed(FAILURES[state], error, {"state": state, "error": error})
        if told.get("too_large"):
            error = f"The result cannot be kept: {told['too_large']}"
            return _failed("result_too_large", error, {"state": state, "error": error})
        return _completed(context)

    def cleanup(self, context: ActionContext) -> None:
        """Revoke what the step waits for no more."""
        for task in filter(None, map(CeleryTask.of, context.external_workflow_ids)):
            context.revoke_celery_task(task, terminate=context.params.get("terminate") is True)


def _sent(context: ActionContext, *, waits: bool) -> CeleryTask:
    params, before = context.params, context.stored_outputs
    if before.get("state") == SENT and context.may_repeat:
        # It was not over in time, and nobody has revoked it: it is waited for again.
        return CeleryTask(str(before["app"]), str(before["task_id"]))
    return context.send_celery_task(
        str(params["name"]),
        params.get("args") or [],
        params.get("kwargs") or {},
        app=params.get("app") or None,
        queue=params.get("queue") or None,
        waits=waits,
        instead_of=_ended_before(context),
    )


def _of_before(context: ActionContext) -> dict[str, Any]:
    names = ("task_id", "app", "state")
    return {name: context.stored_outputs.get(name) for name in names}


def _ended_before(context: ActionContext) -> str | None:
    """The task of an attempt before that is over: by its end, or revoked before this attempt."""
    task_id = context.stored_outputs.get("task_id")
    return None if task_id is None else str(task_id)


def _completed(context: EventContext) -> EventResult:
    result, wanted = context.event_data.get("result"), context.params.get("result")
    if wanted is not None:
        # From the scope: there a secret in it is one.
        scope = {**context.scope, "result": context.scope.get("event", {}).get("result")}
        try:
            result = render_value(wanted, scope)
        except ExpressionError as error:
            return _failed(error.code, f"result: {error}", {"state": SUCCESS, "error": str(error)})
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.COMPLETED,
        outputs={"state": SUCCESS, "result": result},
    )


def _failed(code: str, error: str, outputs: dict[str, Any]) -> EventResult:
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.FAILED,
        error=error,
        error_code=code,
        outputs=outputs,
    )
