from __future__ import annotations

import asyncio

import pytest
from support.contexts import a_context, an_event

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    FanOutActionExecutor,
    register_action,
    run_maybe_async,
)

META = ActionMeta(type="t", name="T", category="C", description="D")


@register_action(META)
class Plain(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"step": context.step_id})


class Awaiting(BaseActionExecutor):
    async def execute(self, context: ActionContext) -> ActionResult:
        await asyncio.sleep(0)
        return ActionResult(success=True, outputs={"step": context.step_id})


@pytest.mark.parametrize("executor", [Plain(), Awaiting()])
def test_plain_and_async_actions_end_alike(executor):
    assert run_maybe_async(executor.execute(a_context())).outputs == {"step": "step_1"}


class Cancelled(BaseActionExecutor):
    async def execute(self, _: ActionContext) -> ActionResult:
        raise asyncio.CancelledError


def test_a_cancelled_task_is_a_failure_although_it_is_no_exception():
    with pytest.raises(ActionError, match="was cancelled"):
        run_maybe_async(Cancelled().execute(a_context()))


def test_registering_ties_metadata_to_the_class_and_changes_nothing_else():
    assert Plain.meta is META
    assert not hasattr(Awaiting, "meta")


def test_an_action_that_reads_no_events_says_so():
    with pytest.raises(NotImplementedError, match="Plain does not read events"):
        Plain().on_event(an_event({}))


def test_waking_keeps_the_outputs_that_were_stored_when_the_step_parked():
    woken = run_maybe_async(Plain().on_wake(a_context(stored_outputs={"a": 1})))

    assert (woken.success, woken.outputs) == (True, {"a": 1})


def test_an_action_has_to_do_something():
    with pytest.raises(TypeError, match="abstract"):
        BaseActionExecutor()
    with pytest.raises(TypeError, match="abstract"):
        FanOutActionExecutor()
