"""Steps that tests of blocks put in them: they say, fail, wait, book and undo what they booked."""

from __future__ import annotations

from typing import Any

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from support.factories import a_step, an_action


def says(step_id: str, value: Any, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A step that leaves a value as its output ``v``."""
    return a_step(
        step_id, *depends_on, action="set_output", params={"outputs": {"v": value}}, **fields
    )


def flaky() -> RegisteredAction:
    """An action that fails as often as its params say, counted by its param ``of``."""
    calls: dict[str, int] = {}

    def execute(context: ActionContext) -> ActionResult:
        of = str(context.params.get("of", ""))
        calls[of] = calls.get(of, 0) + 1
        if calls[of] <= int(context.params.get("times", 1)):
            return ActionResult(success=False, error="not yet", error_code="flaky")
        return ActionResult(success=True, outputs={"calls": calls[of]})

    return an_action("flaky", execute, cheap=True)


def parks(cleaned: list[str]) -> RegisteredAction:
    """An action that waits for an event with the id in its params, and notes its clean-ups."""

    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=f"job-{context.params['id']}"
        )

    def cleanup(context: ActionContext) -> None:
        cleaned.append(str(context.params["id"]))

    return an_action("parks", execute, cleanup=cleanup)


def parked(step_id: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return a_step(step_id, *depends_on, action="parks", **fields)


def books(log: list[str]) -> list[RegisteredAction]:
    """Actions that book and cancel what their param ``what`` names."""

    def book(context: ActionContext) -> ActionResult:
        what = context.params["what"]
        log.append(f"book {what}")
        return ActionResult(success=True, outputs={"id": f"{what}!"})

    def unbook(context: ActionContext) -> ActionResult:
        log.append(f"cancel {context.params['what']}")
        if context.params.get("fails"):
            return ActionResult(success=False, error="gone", error_code="gone", retryable=False)
        return ActionResult(success=True)

    return [an_action("book", book, cheap=True), an_action("unbook", unbook, cheap=True)]


def booked(step_id: str, what: str, *depends_on: str, **undo: Any) -> dict[str, Any]:
    compensate = {"action": "unbook", "params": {"what": f"{{{{ steps.{step_id}.outputs.id }}}}"}}
    compensate["params"] |= undo
    params = {"what": what}
    return a_step(step_id, *depends_on, action="book", params=params, compensate=compensate)
