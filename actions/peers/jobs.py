"""Jobs that a peer does in the background: started once, parked on, told of by events.

An action that has one says in a ``PeerJob`` what its events are called; it keeps for itself what
is sent, and what comes out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventEnvelope,
    EventResult,
    ServiceError,
    StepStatus,
    in_words,
    path_segment,
)

from .answers import id_in
from .calls import for_user


@dataclass(frozen=True, kw_only=True)
class PeerJob:
    """A kind of job: which peer does it, and what its events mean."""

    #: The peer that starts and stops it, by its usual name.
    peer: str
    #: Kinds of events that report on it (``payload.type``, or the ``type`` of flat ones), beside
    #: those that end any job, such as ``workflow_completed``. Empty: all that come for its id.
    kinds: frozenset[str] = frozenset()
    #: Stages that are its end when they are COMPLETED.
    ends: frozenset[str] = frozenset({"results"})
    #: How far the job is when a stage begins, in percent.
    begun: Mapping[str, float] = field(default_factory=dict)
    #: How far it is when a stage is done.
    done: Mapping[str, float] = field(default_factory=dict)
    #: Code of a step whose job has failed.
    error_code: str
    #: Route that calls it off, with its id as ``{id}``; None: it cannot be called off.
    cancel_path: str | None = None

    def parked(self, started: str | None, outputs: dict[str, Any], seconds: float) -> ActionResult:
        """Park on the job *started* for at most so many *seconds*.

        Raises ``ServiceError`` if the peer has not said which job that is.
        """
        if started is None:
            raise ServiceError(f"No workflow_id returned from {self.peer}", retryable=False)
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=started,
            timeout_seconds=seconds,
            outputs=outputs,
        )

    def has_failed(self, event: EventEnvelope) -> bool:
        """Tell whether the job has failed; a peer may say so at any stage."""
        return self._is_about_it(event) and event.has_failed

    def has_ended(self, event: EventEnvelope) -> bool:
        """Tell whether the job is done and what it has made is there."""
        ends = _ends_any_job(event) or (self._is_about_it(event) and event.event in self.ends)
        return ends and event.status == "COMPLETED"

    def failed(self, event: EventEnvelope) -> EventResult:
        """End the step as FAILED, in the words of the event; its outputs say so, too."""
        reason = reason_in(event)
        return failed(reason, self.error_code, failed_outputs(reason))

    def news(self, event: EventEnvelope) -> EventResult:
        """Tell progress and estimate, or ignore what says nothing about this job."""
        stages = self.done if event.status == "COMPLETED" else self.begun
        progress = stages.get(event.event) if self._is_about_it(event) else None
        eta = event.eta_minutes if self._is_about_it(event) else None
        if progress is None and eta is None:
            return EventResult(action=EventAction.IGNORE)
        return EventResult(action=EventAction.UPDATE_PROGRESS, progress=progress, eta_minutes=eta)

    def call_off(self, context: ActionContext) -> None:
        """Ask the peer to stop the job; one that goes on all the same is only noted."""
        for started in context.external_workflow_ids:
            self.call_off_one(context, started)

    def call_off_one(self, context: ActionContext, started: str) -> str | None:
        """The same for one job; returns what the peer says has become of it, if it says so."""
        if self.cancel_path is None:
            return None
        path = self.cancel_path.format(id=path_segment(started))
        try:
            answer = context.invoke_service(self.peer, path, params=for_user(context))
        except ServiceError as error:
            context.log.warning("job_not_called_off", job=started, reason=str(error))
            return None
        return id_in(answer, "status", "data.status")

    def _is_about_it(self, event: EventEnvelope) -> bool:
        kinds = {event.payload_type, event.type}
        return not self.kinds or _ends_any_job(event) or not kinds.isdisjoint(self.kinds)


def results_follow(event: EventEnvelope, made_id: str | None) -> bool:
    """Tell whether an end is too early: budapp makes what it makes when it reads ``results``.

    A stage that says COMPLETED before it may come first; *made_id* None is not there yet.
    """
    return made_id is None and event.event not in {"", "results"}


#: What a status says of a job whose end nobody has told.
UNFINISHED = frozenset({"running", "deploying", "deleting"})


def unfinished_before(context: ActionContext, name: str = "workflow_id") -> str | None:
    """Return the job of an attempt before that was out of time, to wait for it once more.

    Where the work may not be repeated that job was called off; what was lost with a worker left no
    outputs, and is found by its key.
    """
    stored = context.stored_outputs
    goes_on = context.may_repeat and stored.get("status") in UNFINISHED
    return str(stored[name]) if goes_on and stored.get(name) else None


def failed_before(context: ActionContext, name: str = "workflow_id") -> str | None:
    """Return the job of an attempt before that has failed, or was called off.

    A retry starts another one in its place; *name* is the output that has its id. Any other job is
    found again by its key.
    """
    stored = context.stored_outputs
    # What may not be repeated is cleaned up before it is tried again.
    is_over = stored.get("status") == "failed" or not context.may_repeat
    return str(stored[name]) if is_over and stored.get(name) else None


#: Where budapp calls off a workflow of its own.
BUDAPP_CANCELS = "/workflows/{id}/cancel"


def completed(**outputs: Any) -> EventResult:
    """End the step well."""
    return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=outputs)


def failed(reason: str, code: str, outputs: dict[str, Any]) -> EventResult:
    """End the step as FAILED."""
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.FAILED,
        outputs=outputs,
        error=reason,
        error_code=code,
    )


def failed_outputs(reason: str) -> dict[str, Any]:
    """Return what the outputs of nearly every job say of a failure."""
    return {"success": False, "status": "failed", "message": reason}


def reason_in(event: EventEnvelope) -> str:
    """Return why a job failed, in the words of the peer, which may be beside the message."""
    error = in_words(event.result.get("error"))
    return event.message or error or event.title or "Unknown error"


def _ends_any_job(event: EventEnvelope) -> bool:
    return event.type.endswith(("_completed", "_failed"))
