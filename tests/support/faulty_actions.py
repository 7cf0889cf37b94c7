"""An action that keeps its contract, and others each of which breaks one clause of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from pipeline_engine.contract_kit import JOB_ID, NEW_ID, Case
from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    FanOutActionExecutor,
    Item,
    OutputDefinition,
    ParamDefinition,
    ServiceError,
    StepStatus,
    path_segment,
)
from support.nosy_action import Nosy

META = ActionMeta(
    type="job",
    name="Job",
    category="Faults",
    description="Does a job.",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    params=[ParamDefinition("name", "Name", required=True, description="What it is called.")],
    outputs=[OutputDefinition(name, "string", "It.") for name in ("status", "made")],
    examples=[ActionExample("As usual", {"name": "Ann"})],
)
PEERS = {"jobs": {"POST /jobs": {"id": NEW_ID}, "POST /jobs/{id}/cancel": {}, "GET /made/{id}": {}}}
ENDED = {"workflow_id": JOB_ID, "type": "workflow_completed", "status": "COMPLETED"}
BROKEN = {"workflow_id": JOB_ID, "type": "workflow_failed", "reason": "Out of paper"}
CASE = Case(
    params={"name": "Ann"},
    succeeds=True,
    completed_by=[{**ENDED, "type": "progress", "status": "RUNNING"}, ENDED],
    failed_by=BROKEN,
)


COLORED = replace(CASE, workflow_params={"colors": []})


class Job(BaseActionExecutor):
    """Keeps every clause."""

    meta = META

    def execute(self, context: ActionContext) -> ActionResult:
        try:
            job_id = self.start(context)
        except ServiceError as error:
            return self.failed(str(error))
        return self.parked(job_id)

    def start(self, context: ActionContext) -> str:
        started = context.invoke_service("jobs", "/jobs", {"name": context.params["name"]})
        if not isinstance(started.get("id"), str):
            raise ServiceError("No id came back", retryable=False)
        return started["id"]

    def failed(self, error: str) -> ActionResult:
        return ActionResult(success=False, error=error, outputs={"status": "failed", "made": None})

    def parked(self, job_id: str) -> ActionResult:
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=job_id,
            outputs={"status": "running", "made": None},
        )

    def on_event(self, context: EventContext) -> EventResult:
        event = EventEnvelope.of(context.event_data)
        if event.has_failed:
            return ended(StepStatus.FAILED, event.message or "It failed")
        if event.type == "workflow_completed":
            return ended(StepStatus.COMPLETED)
        return EventResult(action=EventAction.IGNORE)

    def cleanup(self, context: ActionContext) -> None:
        for job_id in context.external_workflow_ids:
            context.invoke_service("jobs", f"/jobs/{path_segment(job_id)}/cancel")


def ended(status: StepStatus, error: str | None = None) -> EventResult:
    outputs = {"status": status.value}
    return EventResult(action=EventAction.COMPLETE, status=status, error=error, outputs=outputs)


class Batch(FanOutActionExecutor):
    """Keeps every clause, too."""

    meta = replace(META, execution_mode=ExecutionMode.SYNC)

    def expand(self, context: ActionContext) -> list[Item]:
        return [Item(value=letter) for letter in context.params["name"]]

    def execute_item(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"letter": context.item})

    def join(self, context: ActionContext, results: Any) -> ActionResult:
        failed = [result for result in results if not result.succeeded]
        outputs = {"status": "failed" if failed else "completed", "made": len(results)}
        error = "Some failed" if failed else None
        return ActionResult(success=not failed, outputs=outputs, error=error)


@dataclass(frozen=True)
class Fault:
    """An action, the clause that it breaks, and words of the message about it."""

    clause: str
    says: str
    action: Any
    case: Case = CASE


FAULTS: list[Fault] = []


def fault(clause: str, says: str, case: Case = CASE, **meta: Any) -> Callable[[Any], Any]:
    """Note a faulty action; what is given of *meta* replaces that of the good one."""

    def noted(action: Any) -> Any:
        action.meta = replace(action.meta, **meta)
        FAULTS.append(Fault(clause, says, action, case))
        return action

    return noted


# ── What it says about itself ────────────────────────────────────────────────────────────


@fault("metadata_is_complete", "'name' has no description", params=[ParamDefinition("name", "N")])
class Undescribed(Job):
    pass


@fault(
    "metadata_is_json",
    "/params/0/default",
    params=[replace(META.params[0], default=object(), required=False)],
)
class WithAnObject(Job):
    pass


@fault(
    "metadata_is_json",
    "META.params[0].default is a datetime",
    params=[replace(META.params[0], default=datetime(2026, 1, 1, tzinfo=UTC), required=False)],
)
class WithADate(Job):
    pass


@fault("examples_fit", "Missing required parameter: name", examples=[ActionExample("Bad", {})])
class WithABadExample(Job):
    pass


@fault("it_is_made_without_arguments", "__init__ raised TypeError")
class WithArguments(Job):
    def __init__(self, address: str) -> None:
        self.address = address


@fault("it_is_made_without_arguments", "Unfinished does not implement execute")
class Unfinished(BaseActionExecutor):
    meta = META


@fault("it_says_whether_it_waits", "SYNC", execution_mode=ExecutionMode.SYNC)
class Silent(Job):
    pass


FAULTS.append(Fault("it_imports_the_sdk_only", "pipeline_engine.domain.states", Nosy, Case()))


@fault("any_params_are_judged", "validate_params raised")
class Choosy(Job):
    def validate_params(self, params: dict[str, Any]) -> list[str]:
        return [] if params["name"].strip() else ["name: is empty"]


@fault("any_params_are_judged", "It answered None")
class Mute(Job):
    def validate_params(self, params: dict[str, Any]) -> list[str]:
        return None


@fault("good_params_are_taken", "never content")
class NeverContent(Job):
    def validate_params(self, params: dict[str, Any]) -> list[str]:
        return ["name: I am never content"]


# ── What comes of it ─────────────────────────────────────────────────────────────────────


@fault("it_ends_as_described", "has failed with action_failed: Not today")
class Reluctant(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        return self.failed("Not today")


@fault("it_ends_as_described", "execute raised KeyError", replace(CASE, params={"name": "x"}))
class Crashing(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        return self.parked(context.params["no such thing"])


@fault("it_ends_as_described", "say in completed_by", Case(params={"name": "x"}, succeeds=True))
class WithoutItsEvents(Job):
    pass


@fault("it_ends_as_described", "META says that it is SYNC", execution_mode=ExecutionMode.SYNC)
class WaitingUnsaid(Job):
    pass


@fault("failures_say_why", "without an error", Case(params={"name": "x"}))
class Wordless(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=False, outputs={"status": "failed", "made": None})


@fault("it_leaves_what_it_declares", "'made' is missing after execute")
class Forgetful(Job):
    def parked(self, job_id: str) -> ActionResult:
        return replace(super().parked(job_id), outputs={"status": "running"})


@fault("it_leaves_what_it_declares", "'extra' is left by the completing event")
class Generous(Job):
    def on_event(self, context: EventContext) -> EventResult:
        verdict = super().on_event(context)
        return replace(verdict, outputs={**verdict.outputs, "extra": 1})


@fault("it_leaves_the_same_when_a_peer_is_down", "'status' is missing after execute")
class UsedToSunshine(Job):
    def failed(self, error: str) -> ActionResult:
        return ActionResult(success=False, error=error)


@fault("it_leaves_the_same_when_a_peer_is_down", "execute raised KeyError")
class Trusting(Job):
    def start(self, context: ActionContext) -> str:
        return str(context.invoke_service("jobs", "/jobs")["id"])


@fault("what_it_leaves_can_be_stored", "cannot be stored")
class Unstorable(Job):
    def parked(self, job_id: str) -> ActionResult:
        return replace(super().parked(job_id), outputs={"status": object(), "made": None})


SECRET = replace(CASE, params={"name": "swordfish-1234"}, secrets=["name"])


@fault("secrets_stay_secret", "is in the outputs", SECRET)
class Talkative(Job):
    def parked(self, job_id: str) -> ActionResult:
        return super().parked(job_id)

    def execute(self, context: ActionContext) -> ActionResult:
        made = context.params["name"].upper()
        return replace(super().execute(context), outputs={"status": "running", "made": made})


@fault("secrets_stay_secret", "is in what it prints", SECRET)
class Printing(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        print(context.params)  # noqa: T201 - the fault
        return super().execute(context)


# ── Repeated, and beside each other ──────────────────────────────────────────────────────


@fault("a_repeated_attempt_changes_nothing", "by another key")
class WithKeysOfItsOwn(Job):
    def start(self, context: ActionContext) -> str:
        context.idempotency_key = str(uuid4())
        return super().start(context)


@fault("a_repeated_attempt_changes_nothing", "carries no idempotency key")
class Keyless(Job):
    def start(self, context: ActionContext) -> str:
        context.idempotency_key = ""
        return super().start(context)


@fault("a_repeated_attempt_changes_nothing", "sends something else")
class Changeable(Job):
    def start(self, context: ActionContext) -> str:
        context.params["name"] += str(uuid4())
        return super().start(context)


@fault("another_step_is_another_job", "the second would get the job of the first")
class WithOneKey(Job):
    def start(self, context: ActionContext) -> str:
        context.idempotency_key = "always the same"
        return super().start(context)


@fault("it_keeps_nothing_on_itself", "execute stores self.last")
class Keeping(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        self.last = context.params["name"]
        return super().execute(context)


@fault("it_keeps_nothing_on_itself", "Hoarding.seen")
class Hoarding(Job):
    seen: list[str] = []  # noqa: RUF012 - the fault

    def execute(self, context: ActionContext) -> ActionResult:
        self.seen.append(context.execution_id)
        return super().execute(context)


@fault("what_it_is_given_stays_as_it_is", "execute changes context.params")
class Filling(Job):
    def start(self, context: ActionContext) -> str:
        context.params.setdefault("color", "red")
        return super().start(context)


@fault("what_it_is_given_stays_as_it_is", "changes context.workflow_params", COLORED)
class Appending(Job):
    def start(self, context: ActionContext) -> str:
        context.workflow_params["colors"].append("red")
        return super().start(context)


@fault("two_steps_do_not_mix", "something else than each alone")
class Mixing(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        self.key = context.idempotency_key
        time.sleep(0.02)  # until the other thread has stored its own
        context.idempotency_key = self.key
        return super().execute(context)


# ── Events ───────────────────────────────────────────────────────────────────────────────


@fault("the_completing_event_completes_it", "comes to IGNORE")
class Deaf(Job):
    def on_event(self, context: EventContext) -> EventResult:
        return EventResult(action=EventAction.IGNORE)


@fault("the_failing_event_fails_it", "comes to IGNORE")
class Optimistic(Job):
    def on_event(self, context: EventContext) -> EventResult:
        verdict = super().on_event(context)
        is_bad = verdict.status is StepStatus.FAILED
        return EventResult(action=EventAction.IGNORE) if is_bad else verdict


@fault("the_failing_event_fails_it", "without an error")
class WordlessLater(Job):
    def on_event(self, context: EventContext) -> EventResult:
        return replace(super().on_event(context), error=None)


@fault("unknown_events_do_not_end_it", "comes to COMPLETE")
class Hasty(Job):
    def on_event(self, context: EventContext) -> EventResult:
        verdict = super().on_event(context)
        return verdict if verdict.status else ended(StepStatus.COMPLETED)


@fault("malformed_events_do_no_harm", "on_event raised")
class Strict(Job):
    def on_event(self, context: EventContext) -> EventResult:
        context.event_data.get("payload", {}).get("content", {}).get("status", "")
        return super().on_event(context)


@fault("spoilt_events_do_no_harm", "on_event raised")
class Brittle(Job):
    def on_event(self, context: EventContext) -> EventResult:
        if context.event_data.get("type") == "workflow_failed":
            _ = context.event_data["reason"].strip()
        return super().on_event(context)


@fault("a_doubled_event_says_the_same", "then to")
class Counting(Job):
    read = count()

    def on_event(self, context: EventContext) -> EventResult:
        verdict = super().on_event(context)
        if verdict.status is StepStatus.COMPLETED:
            return replace(verdict, outputs={**verdict.outputs, "made": str(next(self.read))})
        return verdict


@fault("an_early_event_is_read", "on_event raised KeyError: 'made'")
class Punctual(Job):
    def on_event(self, context: EventContext) -> EventResult:
        _ = context.step_outputs["made"]
        return super().on_event(context)


@fault("events_are_read_while_peers_are_down", "on_event raised ServiceError")
class Curious(Job):
    def on_event(self, context: EventContext) -> EventResult:
        job_id = path_segment(context.external_workflow_id)
        context.invoke_service("jobs", f"/made/{job_id}", http_method="GET")
        return super().on_event(context)


# ── Ends ─────────────────────────────────────────────────────────────────────────────────


@fault("cancelling_calls_the_job_off", "calls nobody")
class Careless(Job):
    def cleanup(self, context: ActionContext) -> None:
        return None


@fault("cancelling_calls_the_job_off", "does not name the job")
class Vague(Job):
    def cleanup(self, context: ActionContext) -> None:
        context.invoke_service("jobs", "/jobs/last/cancel")


@fault("clean_up_may_come_at_any_time", "cleanup raised IndexError")
class Certain(Job):
    def cleanup(self, context: ActionContext) -> None:
        context.invoke_service("jobs", f"/jobs/{context.external_workflow_ids[0]}/cancel")


@fault("clean_up_bears_peers_that_are_down", "cleanup raised RuntimeError")
class Dramatic(Job):
    def cleanup(self, context: ActionContext) -> None:
        try:
            super().cleanup(context)
        except ServiceError as error:
            raise RuntimeError("All is lost") from error


@fault("it_wakes", "It leaves []", Case(params={"name": "x"}, can_be_called_off=False))
class Sleepy(Job):
    def parked(self, job_id: str) -> ActionResult:
        return replace(super().parked(job_id), wake_at=datetime(2030, 1, 1, tzinfo=UTC))

    def on_wake(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True)


@fault("a_time_out_may_be_tried_again", "the next one has not")
class OnceOnly(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        return self.failed("Again?") if context.stored_outputs else super().execute(context)


@fault("a_silent_peer_does_not_hold_it", "is still there")
class Patient(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        for _ in range(40):
            result = super().execute(context)
            if result.success:
                break
            time.sleep(0.1)
        return result


# ── Items ────────────────────────────────────────────────────────────────────────────────


@fault("expanding_twice_is_the_same", "other items")
class Shuffling(Batch):
    def expand(self, context: ActionContext) -> list[Item]:
        return [Item(value=str(uuid4()))]


@fault("joins_bear_any_end", "join raised KeyError: 'letter'")
class Gullible(Batch):
    def join(self, context: ActionContext, results: Any) -> ActionResult:
        made = [result.outputs["letter"] for result in results]
        return ActionResult(success=True, outputs={"status": "completed", "made": made})


@fault("it_ends_as_described", "execute raised SystemExit: 2")
class Quitter(Job):
    def execute(self, context: ActionContext) -> ActionResult:
        raise SystemExit(2)
