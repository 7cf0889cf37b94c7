"""What takes the place of a failure that the definition has foreseen: ``catch`` of its step."""

from __future__ import annotations

from dataclasses import replace

from pipeline_engine.domain.definitions import JSON, Catch
from pipeline_engine.domain.expressions import ExpressionError, compile_value, masker_in
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.sealing import SecretUnreadable
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.actions.output_limits import Room, guarded_outputs
from pipeline_engine.scheduler.actions.scope import View, load_blocks, make_scope, step_results
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.tables.steps import StepKind


def caught(tx: Transaction, failure: Ending) -> Ending:
    """How a step ends after its last failure: completed, if its definition catches that one.

    The row and the history keep what went wrong. Outputs that cannot be made are one more reason
    to fail, and stand in the message.
    """
    row = failure.step
    if row.kind != StepKind.STEP:
        return failure
    definition = tx.plan(row.execution_id).definition.step(row.step_id)
    found = definition.caught_as(failure.error_code)
    if found is None:
        return failure
    outputs = failure.outputs
    if found.outputs is not None:
        try:
            outputs = _rendered(tx, failure, found)
        except (ExpressionError, JsonRejected, SecretUnreadable) as error:
            message = f"{failure.error_message}; the outputs of catch cannot be made: {error}"
            return replace(failure, error_message=message)
    return replace(failure, status=StepStatus.COMPLETED, outputs=outputs, goes_to=found.next)


def _rendered(tx: Transaction, failure: Ending, catch: Catch) -> dict[str, JSON]:
    row, runtime = failure.step, tx.runtime
    facts = runtime.facts(tx.connection, [row.execution_id])[row.execution_id]
    if facts.unreadable:
        raise SecretUnreadable(facts.unreadable)
    view = View.of(tx.plan(row.execution_id), row)
    around = load_blocks(tx.connection, [view])
    results = step_results(runtime, view, connection=tx.connection, blocks=around)
    masker = facts.masker or runtime.masker
    scope = make_scope(facts, results, masker=masker, sealer=runtime.sealer)
    scope["error"] = {
        "code": failure.error_code,
        "message": failure.error_message,
        "outputs": failure.outputs or {},
    }
    rendered = compile_value(dict(catch.outputs or {})).render(scope)
    room = Room.OWN if row.items_total is None else Room.ASSEMBLED
    return guarded_outputs(runtime, rendered, masker_in(scope), room)
