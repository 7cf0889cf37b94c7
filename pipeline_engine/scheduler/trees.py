"""Executions that steps start: each once, within the bounds of a tree, and stopped as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.issues import Issue, dotted
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.errors import InvalidParams
from pipeline_engine.scheduler import start
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.sdk import ActionError
from pipeline_engine.storage import audit_log, trees

PARENT_STOPPED = "Its parent was stopped"
MOST_TOLD = 3  # problems of params, in the failure of the step that gave them


def start_child(
    tx: Transaction,
    parent: Prepared,
    pipeline: str,
    params: Mapping[str, Any],
    *,
    call: str,
    is_locked: bool,
) -> UUID:
    """Start an execution for a step, or find the one that it has started by the same call.

    One that has ended is found as long as the step was not told; after that an attempt has made
    something of it, and the next one starts another. *is_locked*: this transaction has the step.
    Raises ``ActionError``, ``PipelineNotFound``, ``DraftNotExecutable``, ``InvalidParams``,
    ``PermissionDenied``, ``JsonRejected`` and ``TooManyOpenExecutions``.
    """
    if not is_locked and not trees.lock_attempt(tx.connection, parent.row):
        raise _refused("attempt_over", "This attempt is over, so it starts nothing any more")
    earlier = trees.started_before(tx.connection, parent.row.id, call)
    if earlier is not None and not earlier.is_used_up:
        return earlier.id
    facts = parent.facts
    root = facts.root_execution_id or facts.id
    _check_place(tx, parent, root)
    limit = tx.runtime.settings.max_body_bytes  # as for those that a client starts
    request = start.Request(
        params=json_guard.check(dict(params), max_bytes=limit),
        user_id=facts.user_id,
        caller=Caller.resumed(facts.authority, facts.user_id),
        initiator="pipeline",
        parent_step_id=parent.row.id,
        masker=parent.masker,
        parent_call=call,
        parent_execution_id=facts.id,
        root_execution_id=root,
    )
    found = start.called_pipeline(tx, request.caller, facts.authority, pipeline)
    try:
        started = start.start(tx, found, request)
    except InvalidParams as refused:  # a step fails with one sentence
        problems = refused.facts["problems"]
        raise InvalidParams(_in_words(refused, problems), problems=problems) from None
    trees.count_descendant(tx.connection, root)
    return started.id


def _in_words(refused: InvalidParams, problems: Sequence[Issue]) -> str:
    told = "; ".join(map(_told, problems[:MOST_TOLD]))
    others = len(problems) - MOST_TOLD
    more = f"; and {others} more" if others > 0 else ""
    return f"{str(refused).rstrip('.')}: {told}{more}"


def _told(problem: Issue) -> str:
    """The pointer goes first: after ``params.token:`` a log would hide the next word."""
    return f"{problem.pointer} {problem.message.removeprefix(f'{dotted(problem.pointer)}: ')}"


def _check_place(tx: Transaction, parent: Prepared, root: UUID) -> None:
    place = trees.lock_place(tx.connection, root, parent.facts.id, parent.row.id)
    deepest, most = tx.runtime.settings.max_tree_depth, tx.runtime.settings.max_tree_executions
    if place.is_stopped:
        raise _refused("tree_cancelled", "An execution above this one was cancelled")
    if place.depth >= deepest:
        raise _refused(
            "too_deeply_nested",
            f"Pipelines are nested more than {deepest} deep (PIPELINE_MAX_TREE_DEPTH)",
        )
    if place.descendants + 1 >= most:
        raise _refused(
            "tree_too_large",
            f"The tree of execution {root} has {most} executions, and may not have more"
            " (PIPELINE_MAX_TREE_EXECUTIONS)",
        )


def _refused(code: str, message: str) -> ActionError:
    return ActionError(message, error_code=code, retryable=False)


def cancel(
    runtime: Runtime,
    execution_id: UUID,
    *,
    because: str | None,
    force: bool = False,
    again: bool = False,
    code: str = AbortReason.CANCELLED.value,
    record: Record | None = None,
) -> bool:
    """Cancel an execution and all that was started below it; False if nothing was left to stop.

    The intent is stored for all of them at once. If this process dies then, the sweep goes on.
    With *force* handlers and compensations are stopped, too, and so are they *again*: when it
    is being cancelled already. The *code* is that of its own error. The *record* is written with
    the intent, if there is anything to stop.
    """

    def stop_all(*, force: bool) -> dict[UUID, bool]:
        nonlocal record
        intend = partial(_intend, runtime, execution_id, force=force, record=record)
        ids, is_recorded = retry_on_conflict(intend)
        record = None if is_recorded else record
        reasons = {one: because if one == execution_id else PARENT_STOPPED for one in ids}
        return {one: stop(one, why, force) for one, why in reasons.items()}

    def stop(one: UUID, why: str | None, force: bool) -> bool:
        its_code = code if one == execution_id else AbortReason.CANCELLED.value
        return start.cancel(runtime, one, because=why, force=force, code=its_code)

    stopped = stop_all(force=force)
    if again and not force and not stopped.get(execution_id, any(stopped.values())):
        stopped = stop_all(force=True)
    return any(stopped.values())


def _intend(
    runtime: Runtime, execution_id: UUID, *, force: bool, record: Record | None
) -> tuple[list[UUID], bool]:
    with transaction(runtime) as tx:
        ids = trees.intend_to_stop(tx.connection, execution_id, force=force)
        if record is None or not trees.can_be_stopped(tx.connection, ids):
            return ids, False
        audit_log.write(tx.connection, record)
        return ids, True
