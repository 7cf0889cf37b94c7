"""Approvals: a person says yes or no to the step of an execution that waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import GROUP, Caller
from pipeline_engine.domain.paths import path_of
from pipeline_engine.errors import AnswerNotAllowed, NoApprovalWaits, SeveralApprovalsWait
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk.senders import Sender, with_sender
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Receipt
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.visibility import require_visible
from pipeline_engine.storage import approvals
from pipeline_engine.storage.approvals import WaitingApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A yes or a no, and the step that it is for if there are several."""

    approved: bool
    reason: str | None = None
    by: str | None = None  #: believed from a service; a user speaks for himself
    groups: Sequence[str] = ()  #: the groups of that one; believed from a service
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

    Whoever sees the execution may, and whoever the step asks by name or by group.

    Raises ``ExecutionNotFound``, ``NoApprovalWaits`` and ``SeveralApprovalsWait``, and
    ``AnswerNotAllowed`` for somebody who is not among the approvers.
    """
    with runtime.sessions() as session:
        found = approvals.waiting(session, caller, execution_id, step_id=said.step_id)
        if not found:
            require_visible(caller, session, execution_id)
    step = _meant(execution_id, found, said)
    by = _speaker(caller, said.by, said.groups)
    body = {"approved": said.approved, "by": by, "comment": said.reason}
    target = CallbackToken(step.id, step.attempt, is_checked=True)
    about = {"step": step.place, "approved": said.approved}
    record = Record.of(caller, Act.APPROVAL_ANSWER, execution_id, step.owner, **about)
    sender = Sender(user_id=by, groups=_groups(caller, said))
    receipt = inbox.accept_answer(runtime, target, with_sender(body, sender), record=record)
    return Answered(step=step, receipt=receipt)


def waiting(
    caller: Caller, session: Session, page: Page, execution_id: UUID | None = None
) -> Listed[WaitingApproval]:
    """What waits for a yes or a no and *caller* may know of, the oldest first.

    That are steps of executions in sight, and steps that ask *caller* or a group of his.
    """
    found, total = approvals.for_caller(
        session, caller, execution_id, limit=page.size, offset=page.offset
    )
    return Listed(list(found), total, page)


def _groups(caller: Caller, said: Answer) -> Sequence[str]:
    """The groups of who answers: his own, or those that a service names for him."""
    if caller.is_service:
        return said.groups
    return [owner.removeprefix(GROUP) for owner in caller.owners if owner.startswith(GROUP)]


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


def _speaker(caller: Caller, by: str | None, said_groups: Sequence[str]) -> str | None:
    if caller.is_service:
        return by or caller.user_id
    if by not in (None, caller.user_id):
        raise AnswerNotAllowed(f"{caller.user_id} cannot answer as {by}")
    if said_groups:
        raise AnswerNotAllowed("Only a service may name the groups of somebody")
    return caller.user_id
