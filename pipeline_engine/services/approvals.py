"""Approvals: a person says yes or no to the step of an execution that waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.paths import path_of
from pipeline_engine.errors import AnswerNotAllowed, NoApprovalWaits, SeveralApprovalsWait
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Receipt
from pipeline_engine.services.visibility import require_visible
from pipeline_engine.storage import approvals
from pipeline_engine.storage.approvals import WaitingApproval

ACTION = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A yes or a no, and the step that it is for if there are several."""

    approved: bool
    reason: str | None = None
    by: str | None = None  #: believed from a service; a user speaks for himself
    step_id: str | None = None
    item_index: int | None = None
    within: str | None = None  #: the blocks around it: ``each[3]``


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The step that was answered, and what became of the answer at the door."""

    step: WaitingApproval
    receipt: Receipt


def answer(caller: Caller, runtime: Runtime, execution_id: UUID, said: Answer) -> Answered:
    """Answer the one step of an execution that waits for an approval; a worker applies it.

    Raises ``ExecutionNotFound``, ``NoApprovalWaits`` and ``SeveralApprovalsWait``, and
    ``AnswerNotAllowed`` for somebody who is not among the approvers.
    """
    with runtime.sessions() as session:
        owner = require_visible(caller, session, execution_id)
        connection = session.connection()
        found = approvals.waiting(connection, execution_id, action=ACTION, step_id=said.step_id)
    step = _meant(execution_id, found, said)
    body = {"approved": said.approved, "by": _speaker(caller, said.by), "comment": said.reason}
    target = CallbackToken(step.id, step.attempt, is_checked=True)
    about = {"step": step.place, "approved": said.approved}
    record = Record.of(caller, Act.APPROVAL_ANSWER, execution_id, owner, **about)
    receipt = inbox.accept_answer(runtime, target, body, record=record)
    return Answered(step=step, receipt=receipt)


def _meant(execution_id: UUID, found: Sequence[WaitingApproval], said: Answer) -> WaitingApproval:
    if said.item_index is not None:
        found = [step for step in found if step.item_index == said.item_index]
    if said.within is not None:
        found = [step for step in found if step.within == said.within]
    if not found:
        where = f" {path_of(said.step_id, None, said.within)!r}" if said.step_id else ""
        raise NoApprovalWaits(f"No step{where} of execution {execution_id} waits for an approval")
    if len(found) > 1:
        places = ", ".join(step.place for step in found)
        raise SeveralApprovalsWait(f"These steps wait for an approval; name one: {places}")
    return found[0]


def _speaker(caller: Caller, by: str | None) -> str | None:
    if caller.is_service:
        return by or caller.user_id
    if by not in (None, caller.user_id):
        raise AnswerNotAllowed(f"{caller.user_id} cannot answer as {by}")
    return caller.user_id
