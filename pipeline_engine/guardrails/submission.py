"""One request carried out: read, ask the peers, and then change it all in one transaction.

Between the reading and the change anybody else may have changed the workflow. Then it begins anew,
so that what was found out is never written over what somebody has said meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.errors import (
    Conflict,
    GuardrailWorkflowNotFound,
    IdempotencyKeyReused,
    VersionMismatch,
)
from pipeline_engine.guardrails import runs
from pipeline_engine.guardrails.peers import Budapp, Findings, look_up, with_profile
from pipeline_engine.guardrails.records import columns_of, state_of, view_of, write
from pipeline_engine.guardrails.rules.requests import TOTAL_STEPS, StepRequest
from pipeline_engine.guardrails.rules.steps import State, Step, with_statuses
from pipeline_engine.guardrails.rules.submitting import Move, moved, said
from pipeline_engine.guardrails.settling import known, locked, settle_locked
from pipeline_engine.guardrails.views import WorkflowView
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services import audit_log, executions
from pipeline_engine.services.audit_log import Act
from pipeline_engine.storage import guardrails
from pipeline_engine.storage.tables.guardrails import GuardrailWorkflow
from pipeline_engine.storage.visibility import visible_to

TRIES = 5  #: of a request that somebody else comes before, each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The Idempotency-Key of a request that begins a workflow, and the digest of its body."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Read:
    """A workflow as it was when peers were asked; a new one has no version."""

    id: UUID
    owner: str | None
    state: State
    version: int | None
    linked: dict[str, str]  #: models of rules that go before what budapp says


@dataclass(frozen=True, slots=True)
class Submission:
    """A request, and who sends it."""

    caller: Caller
    runtime: Runtime
    request: StepRequest
    key: Key | None
    versions: Collection[int] | None

    def carry_out(self) -> tuple[WorkflowView, bool]:
        """Do what it says; true if that has begun a workflow."""
        for _ in range(TRIES):
            earlier = self._begun_before()
            if earlier is not None:
                return earlier, False
            read = self._read()
            change = partial(self._change, read=read, found=self._find_out(read))
            done = executions.commit_and_send(self.runtime, change)
            if done is not None:
                return done, read.version is None
        raise Conflict("Others change the workflow all the time; try again.")

    # ── Before the transaction ───────────────────────────────────────────────────────────

    def _begun_before(self) -> WorkflowView | None:
        """What the same request has begun when it came before."""
        if self.key is None:
            return None
        with self.runtime.sessions() as session:
            row = session.scalar(
                select(GuardrailWorkflow).where(
                    func.coalesce(GuardrailWorkflow.user_id, "") == (self.caller.user_id or ""),
                    GuardrailWorkflow.request_key == self.key.key,
                )
            )
            if row is None:
                return None
            digest = self.key.digest.encode()
            if not self.runtime.sealer.is_of(row.request_hash or "", digest):
                raise IdempotencyKeyReused
            return _view(session, row)

    def _read(self) -> _Read:
        """The workflow as it is; an end that nobody has written yet is written first."""
        with self.runtime.sessions.begin() as session:
            if self.request.workflow_id is None:
                owner = self.caller.user_id
                linked = guardrails.linked_models(session.connection(), owner)
                return _Read(new_id(), owner, State(), None, linked)
            row = to_be_changed(self.caller, session, self.request.workflow_id)
            settle_locked(session, row)
            self._check_version(row)
            linked = guardrails.linked_models(session.connection(), row.user_id)
            return _Read(row.id, row.user_id, state_of(row), row.lock_version, linked)

    def _check_version(self, row: GuardrailWorkflow) -> None:
        asked = None if self.request.version is None else {self.request.version}
        for versions in (self.versions, asked):
            if versions is not None and row.lock_version not in versions:
                raise VersionMismatch(
                    "The workflow was changed since it was read.", lock_version=row.lock_version
                )

    def _find_out(self, read: _Read) -> Findings:
        """Ask peers what the request makes us ask; no transaction is open meanwhile."""
        before, request = read.state, self.request
        new = said(before, request)
        if before.phase.is_running:
            return Findings()
        # What was found out may be old when all of it is to be carried out.
        refresh = request.trigger_workflow or request.step_number == Step.MODEL_STATUS
        app_id = self.runtime.settings.app_ids["budapp"]
        budapp = Budapp(self.runtime.peers, app_id, read.owner)
        return look_up(budapp, before, new, read.linked, refresh=refresh)

    # ── Inside of it ─────────────────────────────────────────────────────────────────────

    def _change(self, tx: Transaction, read: _Read, found: Findings) -> WorkflowView | None:
        """Write it; null if somebody else was faster, so that it begins anew."""
        move = self._move(read.state, found)
        with Session(tx.connection, autoflush=False) as session:
            row = self._locked(session, read, move)
            if row is None:
                return None
            if move.state != read.state or read.version is None:
                if read.version is not None:
                    write(row, move.state)
                self._record(session, row)
            if move.starts is not None:
                self._begin(tx, session, row, move)
            session.flush()
            session.refresh(row)
            return _view(session, row)

    def _move(self, before: State, found: Findings) -> Move:
        new = said(before, self.request)
        if found.profile is not None:
            new = with_profile(new, found.profile)
        if found.statuses is not None:
            new = with_statuses(new, found.statuses)
        return moved(before, new, self.request)

    def _locked(self, session: Session, read: _Read, move: Move) -> GuardrailWorkflow | None:
        if read.version is None and not self._insert(session, read, move):
            return None
        row = locked(session, GuardrailWorkflow.id == read.id)
        if row is None:
            raise GuardrailWorkflowNotFound(f"Guardrail workflow not found: {read.id}")
        return row if read.version in (None, row.lock_version) else None

    def _insert(self, session: Session, read: _Read, move: Move) -> bool:
        key = self.key
        hashed = key and self.runtime.sealer.fingerprint(key.digest.encode())
        return guardrails.insert_new(
            session.connection(),
            id=read.id,
            user_id=read.owner,
            created_by=self.caller.principal,
            total_steps=self.request.workflow_total_steps or TOTAL_STEPS,
            request_key=key and key.key,
            request_hash=hashed,
            **columns_of(move.state),
        )

    def _begin(self, tx: Transaction, session: Session, row: GuardrailWorkflow, move: Move) -> None:
        assert move.starts is not None
        earlier = guardrails.runs_of(session, [row.id])[row.id]
        number = 1 + sum(run.step_number == move.starts for run in earlier)
        run = runs.begin(tx, self.caller, row, move.starts, move.state, number=number)
        session.add(run)

    def _record(self, session: Session, row: GuardrailWorkflow) -> None:
        act, step = Act.GUARDRAIL_SUBMIT, self.request.step_number
        audit_log.record(self.caller, session, act, row.id, row.user_id, step=step)


def to_be_changed(caller: Caller, session: Session, workflow_id: UUID) -> GuardrailWorkflow:
    """A workflow of *caller*, locked. Raises ``GuardrailWorkflowNotFound``."""
    seen = visible_to(GuardrailWorkflow, caller)
    row = locked(session, GuardrailWorkflow.id == workflow_id, seen)
    if row is None:
        raise GuardrailWorkflowNotFound(f"Guardrail workflow not found: {workflow_id}")
    return row


def _view(session: Session, row: GuardrailWorkflow) -> WorkflowView:
    return view_of(known(session, [row])[0])
