"""The end of an execution: its outputs, what has to be undone, its handlers, its status.

The sink is ready once every step has ended. If something has to run after that, it is added
as a chain of rows with a second sink at its end; otherwise the execution ends right there. A
cancel that comes while that chain runs may add another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.dispatch.messages import DELIVER, Message
from pipeline_engine.domain.definitions import StepDefinition
from pipeline_engine.domain.expressions import ExpressionError, masker_in
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.outcome import AbortReason, handlers_after, has_failed, outcome
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.scheduler.actions.output_limits import Room, guarded_outputs
from pipeline_engine.scheduler.actions.scope import (
    Results,
    View,
    load_results,
    make_scope,
    step_results,
)
from pipeline_engine.scheduler.advance import places, undoing
from pipeline_engine.scheduler.advance.undoing import AfterSteps
from pipeline_engine.scheduler.plan.initial_rows import CANCEL_SINK, FINAL_SINK, SINK, new_sink
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.plan.planned_step import steps_named
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import (
    deliveries,
    execution_ends,
    locking,
    new_steps,
    queueing,
    transitions,
)
from pipeline_engine.storage.deliveries import EXECUTION_ENDED
from pipeline_engine.storage.moves import Ending, ExecutionEnding
from pipeline_engine.storage.places import is_in_line
from pipeline_engine.storage.rows import Home, StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.steps import StepKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an execution will end, as far as is known now."""

    reason: str | None
    error: dict[str, Json] | None
    is_forced: bool = False  #: nothing may run any more
    outputs: dict[str, Json] | None = None  #: given by the step that ended it

    @property
    def status(self) -> ExecutionStatus:
        """The status that this amounts to."""
        return outcome(self.reason, failed=has_failed(self.error))


def conclude(tx: Transaction, sinks: Sequence[StepRow]) -> list[Ending]:
    """What follows when all that these sinks waited for has ended; returns their own ends.

    A leaf may end before the steps in front of it: an abort or a branch skipped it, or its
    rule asked for one of them only. Then its sink goes on waiting.
    """
    if not sinks:
        return []
    waiting = queueing.wait_for_open_steps(tx.connection, sinks)
    ended = [sink for sink in sinks if sink.id not in waiting]
    verdicts = _verdicts(tx.connection, [sink.execution_id for sink in ended])
    over: list[tuple[UUID, Verdict]] = []
    for sink in ended:
        verdict = verdicts[sink.execution_id]
        plan = tx.plan(sink.execution_id)
        epilogue = _epilogue(tx, sink, plan, verdict)
        if epilogue:
            _run_after(tx, sink, plan, epilogue)
        else:
            over.append((sink.execution_id, _with_what_is_left(tx, sink, plan, verdict)))
    _end(tx, over)
    return [Ending(sink, StepStatus.COMPLETED) for sink in ended]


def _verdicts(connection: Connection, execution_ids: Sequence[UUID]) -> dict[UUID, Verdict]:
    ends = execution_ends.lock_ends(connection, execution_ids)
    return {execution_id: Verdict(*end) for execution_id, end in ends.items()}


def _with_what_is_left(tx: Transaction, sink: StepRow, plan: Plan, verdict: Verdict) -> Verdict:
    """The verdict on an execution whose compensations had no chance to begin says so."""
    if not verdict.is_forced:
        return verdict
    known = execution_ends.added_after_steps(tx.connection, sink.execution_id)
    to_undo = undoing.left_to_undo(tx.connection, sink.execution_id, plan)
    left = [_not_begun(one.step) for one in to_undo if one.step.id not in known]
    error = verdict.error or {}
    noted = [*(error.get("compensation") or ()), *left]
    return replace(verdict, error={**error, "compensation": noted}) if left else verdict


def _not_begun(step: StepDefinition) -> dict[str, Json]:
    message = "All was stopped before it could begin"
    return {"step_id": step.id, "code": SkipReason.ABORTED.value, "message": message}


# ── What runs after the steps ────────────────────────────────────────────────────────────


def _epilogue(tx: Transaction, sink: StepRow, plan: Plan, verdict: Verdict) -> list[AfterSteps]:
    """First the compensations, in reverse order of completion, then the handlers as listed.

    When they have run, and the execution was cancelled meanwhile: what a cancel adds to them.
    """
    if verdict.is_forced or sink.step_id == CANCEL_SINK:
        return []
    if _never_had_its_place(tx, sink, plan):
        return []
    if sink.step_id == FINAL_SINK and verdict.reason != AbortReason.CANCELLED:
        return []
    failed = verdict.status is not ExecutionStatus.COMPLETED
    to_undo = undoing.left_to_undo(tx.connection, sink.execution_id, plan) if failed else []
    handlers = handlers_after(plan.definition, verdict.status)
    wanted = [*to_undo, *(AfterSteps(StepKind.HANDLER, step) for step in handlers)]
    if sink.step_id == SINK:
        return wanted
    known = execution_ends.added_after_steps(tx.connection, sink.execution_id)
    return [one for one in wanted if one.step.id not in known]


def _never_had_its_place(tx: Transaction, sink: StepRow, plan: Plan) -> bool:
    """Whether nothing may run of it: what has a place may rely on being alone."""
    if not plan.definition.needs_place or sink.step_id != SINK:
        return False
    return is_in_line(tx.connection, sink.execution_id)


def _run_after(tx: Transaction, sink: StepRow, plan: Plan, epilogue: Sequence[AfterSteps]) -> None:
    ids = new_steps.new_step_ids(tx.connection, len(epilogue) + 1)
    number, next_sink = len(plan.definition.steps), FINAL_SINK
    if sink.step_id == FINAL_SINK:
        number += 1 + len(execution_ends.added_after_steps(tx.connection, sink.execution_id))
        next_sink = CANCEL_SINK
    new = undoing.chained(plan, epilogue, ids, after=number)
    new.append(new_sink(ids[-1], next_sink, number + len(new) + 1, waits_for=1))
    new_steps.insert_steps(tx.connection, sink.execution_id, new)
    tx.ready.extend(locking.lock_queued(tx.connection, ids[:1]))


# ── The end ──────────────────────────────────────────────────────────────────────────────


def _end(tx: Transaction, over: Sequence[tuple[UUID, Verdict]]) -> None:
    if not over:
        return
    tx.demand_durability()
    needed = {execution_id: _results_needed(tx, execution_id) for execution_id, _ in over}
    views = {execution_id: _view(tx, execution_id) for execution_id in needed}
    known = load_results(tx.connection, ((views[i], needed[i]) for i in needed))
    ends = [_execution_ending(tx, execution_id, verdict, known) for execution_id, verdict in over]
    transitions.end_executions(tx.connection, ends)
    places.freed_by_executions(tx, [end.execution_id for end in ends])
    for end in ends:
        _tell_parent(tx, end)


def _results_needed(tx: Transaction, execution_id: UUID) -> frozenset[str]:
    plan = tx.plan(execution_id)
    return steps_named(reference for _, reference in plan.outputs.references)


def _view(tx: Transaction, execution_id: UUID) -> View:
    return View(Home(execution_id), tx.plan(execution_id).definition)


def _execution_ending(
    tx: Transaction, execution_id: UUID, verdict: Verdict, known: Results
) -> ExecutionEnding:
    if verdict.status is not ExecutionStatus.COMPLETED:
        return ExecutionEnding(
            execution_id, verdict.status, outputs=verdict.outputs, error=verdict.error
        )
    if verdict.outputs is not None:
        return ExecutionEnding(
            execution_id, verdict.status, outputs=verdict.outputs, error=verdict.error
        )
    try:
        outputs = _outputs(tx, execution_id, known)
    except (ExpressionError, JsonRejected) as error:
        failure = {**(verdict.error or {}), "code": error.code, "message": f"outputs: {error}"}
        return ExecutionEnding(execution_id, ExecutionStatus.FAILED, error=failure)
    return ExecutionEnding(execution_id, verdict.status, outputs=outputs, error=verdict.error)


def _outputs(tx: Transaction, execution_id: UUID, known: Results) -> dict[str, Any]:
    plan = tx.plan(execution_id)
    facts = tx.runtime.facts(tx.connection, [execution_id])[execution_id]
    results = step_results(tx.runtime, _view(tx, execution_id), known, tx.connection)
    scope = make_scope(facts, results, masker=facts.masker or tx.runtime.masker)
    rendered = plan.outputs.render(scope)
    return guarded_outputs(tx.runtime, rendered, masker_in(scope), Room.ASSEMBLED)


def _tell_parent(tx: Transaction, end: ExecutionEnding) -> None:
    """A sub-pipeline's end reaches the step that started it like any other delivery."""
    facts = tx.runtime.facts(tx.connection, [end.execution_id])[end.execution_id]
    if facts.parent_step_id is None:
        return
    kept = deliveries.insert(
        tx.connection,
        deliveries.NewDelivery(
            owner=facts.user_id,
            source="pipeline-engine",
            delivery_key=facts.text_id,
            sender_id=facts.text_id,
            external_id=f"execution:{facts.text_id}",
            event_type=EXECUTION_ENDED,
            body={
                "type": EXECUTION_ENDED,
                "execution_id": facts.text_id,
                "status": end.status.value,
                "outputs": end.outputs or {},
                "error": end.error,
            },
        ),
    )
    if kept.id is not None:
        tx.messages.append(Message(DELIVER, (kept.id,)))
