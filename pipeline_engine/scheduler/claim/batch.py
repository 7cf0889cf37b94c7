"""Locked steps of one transaction, and the cheap steps behind them that nobody else can reach.

A cheap step that waits for nothing but steps of this batch can be run by this batch alone. Such
steps are locked too, run one wave after another in memory, and are ended together: the row of
each is written once, and a chain of a hundred steps takes one statement.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias
from uuid import UUID

from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.readiness import Contribution, SkipReason, Verdict, contribution, decide
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError, UnknownAction
from pipeline_engine.scheduler import last_net
from pipeline_engine.scheduler.actions import calls, fan_outs
from pipeline_engine.scheduler.actions.alarm import shared_timers
from pipeline_engine.scheduler.actions.prepared import Prepared, prepare
from pipeline_engine.scheduler.actions.scope import (
    EndedHere,
    Results,
    StepResults,
    View,
    as_it_ends,
    load_blocks,
    load_results,
    make_scope,
    moment,
    step_results,
)
from pipeline_engine.scheduler.advance import blocks, outcome, places
from pipeline_engine.scheduler.advance.advance import advance, skipped
from pipeline_engine.scheduler.attempt_api import context_for
from pipeline_engine.scheduler.claim.secret_uses import SecretUses
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import ActionResult
from pipeline_engine.storage import locking
from pipeline_engine.storage import rows as rows_of
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import BlockItem, ExecutionFacts, StepRow
from pipeline_engine.storage.tables.steps import StepKind

Planned: TypeAlias = tuple[StepRow, PlannedStep, ExecutionFacts, StepResults]

#: So many messages for a cheap step may be lost before it is suspected to kill its workers.
TRUSTED_MESSAGES = 3


@dataclass(slots=True)
class Batch:
    """What becomes of the steps that one transaction has taken."""

    tx: Transaction
    ends_at: float  #: a moment of ``time.monotonic()``; what has not begun by then is left
    trusts: bool = True  #: cheap steps run here
    endings: list[Ending] = field(default_factory=list)
    claims: list[Prepared] = field(default_factory=list)  #: to be run outside of it
    left: list[StepRow] = field(default_factory=list)  #: still queued, for another transaction
    _put_off: list[tuple[StepRow, Callable[[], list[Ending]]]] = field(default_factory=list)
    _executions: dict[UUID, tuple[ExecutionFacts, Plan]] = field(default_factory=dict)
    _behind: dict[int, StepRow] = field(default_factory=dict)  #: locked, and waiting for us alone
    _counted: dict[int, Contribution] = field(default_factory=dict)
    _ended: EndedHere = field(default_factory=EndedHere)
    _opening: list[tuple[StepRow, PlannedStep]] = field(default_factory=list)  #: blocks
    _views: dict[UUID, View] = field(default_factory=dict)  #: of steps that are in no block
    _around: dict[int, BlockItem] = field(default_factory=dict)  #: blocks around those here
    _room: int = 0  #: for so many more steps
    _uses: SecretUses = field(init=False)

    def __post_init__(self) -> None:
        self._uses = SecretUses(self.tx)

    def carry_out(self, rows: Sequence[StepRow], *, most: int) -> None:
        """Run these steps, and those behind them while all goes well; *most* of them at most.

        What has ended is written down; what is to be run outside of the transaction, and what is
        left, is for the caller to claim and to send.
        """
        self._room = most - len(rows)
        self._run(rows)
        advance(self.tx, self.endings)
        advance(self.tx, self._follow())
        self._uses.write()

    def _run(self, rows: Sequence[StepRow]) -> None:
        self._look_up({row.execution_id for row in rows})
        self._lock_behind(rows)
        with shared_timers():
            while rows:
                ended = self._run_wave(rows)
                opened = self._open_blocks()
                # What is left of the steps behind is for the rows to say.
                rows = self._set_free(ended) if self._behind and not self._is_late() else []
                rows = [*rows, *opened]
        for ending in self.endings:
            ending.counted = self._counted.get(ending.step.id)

    def _follow(self) -> list[Ending]:
        """Park, expand or try again what was put off until the ends were written."""
        moved = {row.id for row, _ in self._put_off}
        # The ends have queued them, as any step whose dependencies have ended.
        self.tx.ready = [row for row in self.tx.ready if row.id not in moved]
        return [ending for _, move in self._put_off for ending in move()]

    def _look_up(self, execution_ids: Collection[UUID]) -> None:
        self._executions = self.tx.unlocked(execution_ids)

    # ── One wave ─────────────────────────────────────────────────────────────────────────

    def _run_wave(self, rows: Sequence[StepRow]) -> list[Ending]:
        ended, planned = self._planned(rows)
        for number, (row, step, facts, results) in enumerate(planned):
            if number and self._is_late():
                late = [row for row, *_ in planned[number:]]
                self.left += [row for row in late if row.id not in self._behind]
                break
            # What one has rendered is forgotten before the next begins: all could be a lot.
            ended += self._run_one(row, step, facts, results)
        self.endings += ended
        return ended

    def _is_late(self) -> bool:
        return time.monotonic() > self.ends_at

    def _runs_here(self, row: StepRow) -> bool:
        return self.trusts and runs_here(row)

    def _run_one(
        self, row: StepRow, step: PlannedStep, facts: ExecutionFacts, results: StepResults
    ) -> list[Ending]:
        """Run a cheap step, or have a blocking one claimed; one that cannot run ends."""
        # From here on the transaction waits for this step, whoever is going to run it.
        fuel = Fuel(deadline=time.monotonic() + self._seconds)
        try:
            now = moment()
            if not _is_wanted(row, step, facts, results, fuel, now):
                return [skipped(row, SkipReason.CONDITION)]
            if step.opens and not step.needs_place:  # it has no params
                self._opening.append((row, step))
                return []
            prepared = prepare(row, step, facts, results, fuel, now)
            if facts.known_secrets.texts:
                self._uses.note(prepared)
            has_place = places.admits_step(self.tx, prepared)
        except PipelineEngineError as error:
            return self._refused(row, step, error)
        return self._begin(prepared) if has_place else []

    def _begin(self, step: Prepared) -> list[Ending]:
        if step.planned.opens:
            self._opening.append((step.row, step.planned))
        elif self._runs_here(step.row):
            return self._run_cheap(step)
        else:
            step.fuel.deadline = None  # its action holds nobody up
            self.claims.append(step)
        return []

    def _run_cheap(self, step: Prepared) -> list[Ending]:
        tx = self.tx
        context = context_for(tx.runtime, step, tx)
        ends_at, seconds = step.fuel.deadline or 0.0, self._seconds
        call = fan_outs.expand if outcome.expands(step.row, step.planned) else calls.execute
        found = calls.in_time(call, step, context, ends_at=ends_at, seconds=seconds)
        if isinstance(found, ActionResult) and found.success and not found.awaiting_event:
            return outcome.decide(tx, step, found)
        return self._in_turn(step.row, partial(outcome.decide, tx, step, found))

    def _in_turn(self, row: StepRow, move: Callable[[], list[Ending]]) -> list[Ending]:
        """Make a move that may be no end; of a step behind others the history tells it later."""
        if row.id not in self._behind:
            return move()
        self._put_off.append((row, move))
        return []

    @property
    def _seconds(self) -> float:
        return self.tx.runtime.settings.cheap_step_seconds

    def _planned(self, rows: Sequence[StepRow]) -> tuple[list[Ending], list[Planned]]:
        """Look up what the steps need; those whose action is gone come back as ends."""
        ended: list[Ending] = []
        planned: list[tuple[StepRow, PlannedStep, ExecutionFacts]] = []
        for row in rows:
            facts, plan = self._executions[row.execution_id]
            try:
                step = plan.step(row)
                if step.opens:
                    plan.block(row.step_id)  # all that it holds is known
                facts = as_it_ends(self.tx.connection, facts, plan, step, row)
                planned.append((row, step, facts))
            except UnknownAction as error:  # another worker may have it
                ended += self._in_turn(row, partial(last_net.lose, self.tx, row, error))
            except PipelineEngineError as error:
                ended += self._refused(row, None, error)
        views = [self._view(row) for row, *_ in planned]
        wanted = [(v, step.results_needed) for v, (_, step, _) in zip(views, planned, strict=True)]
        known = load_results(self.tx.connection, wanted, self._ended)
        self._around |= load_blocks(self.tx.connection, views, known=self._around)
        return ended, [
            (row, step, facts, self._results(row, view, known))
            for view, (row, step, facts) in zip(views, planned, strict=True)
        ]

    def _view(self, row: StepRow) -> View:
        known = None if row.enclosing else self._views.get(row.execution_id)
        if known is not None:
            return known
        _, plan = self._executions[row.execution_id]
        view = View.of(plan, row)
        if not row.enclosing:
            self._views[row.execution_id] = view
        return view

    def _results(self, row: StepRow, view: View, known: Results) -> StepResults:
        connection = self.tx.connection if self._runs_here(row) else None
        runtime, ended, around = self.tx.runtime, self._ended, self._around
        return step_results(runtime, view, known, connection, ended, around)

    def _refused(
        self, row: StepRow, step: PlannedStep | None, error: PipelineEngineError
    ) -> list[Ending]:
        move = partial(
            outcome.failed,
            self.tx,
            row,
            step,
            error_code=error.code,
            message=str(error),
            retryable=False,
        )
        return self._in_turn(row, move)

    # ── Blocks ───────────────────────────────────────────────────────────────────────────

    def _open_blocks(self) -> list[StepRow]:
        """Open blocks as far as there is room; returns the steps in them that run here next."""
        fitting: list[tuple[StepRow, PlannedStep]] = []
        for row, step in self._opening:
            _, plan = self._executions[row.execution_id]
            size = len(plan.block(row.step_id).rows)
            if fitting and size > self._room:
                self.left.append(row)
                continue
            self._room -= size
            fitting.append((row, step))
        self._opening.clear()
        if not fitting:
            return []
        opened = blocks.open_all(self.tx, fitting)
        for row, _ in fitting:
            self._around[row.id] = BlockItem.of(row)
        if not self.trusts or self._is_late():
            self.left += opened.ready
            return []
        self._behind |= {row.id: row for row in opened.ahead}
        self.left += [row for row in opened.ready if not row.cheap]
        return [row for row in opened.ready if row.cheap]

    # ── The steps behind ─────────────────────────────────────────────────────────────────

    def _lock_behind(self, rows: Sequence[StepRow]) -> None:
        """Lock the cheap steps that wait for nothing but *rows* and each other."""
        most = self._room
        held: dict[UUID, list[str]] = defaultdict(list)
        for row in rows:
            if row.kind == StepKind.STEP and row.parent_id is None and self._runs_here(row):
                held[row.execution_id].append(row.step_id)
        behind: list[tuple[UUID, str]] = []
        for execution_id, step_ids in held.items():
            if len(behind) < most:
                found = self._ours_alone(execution_id, step_ids, most - len(behind))
                behind += ((execution_id, step_id) for step_id in found)
        if behind:
            locked = locking.lock_behind(self.tx.connection, behind)
            self._behind = {row.id: row for row in locked}

    def _ours_alone(self, execution_id: UUID, held: Sequence[str], most: int) -> list[str]:
        _, plan = self._executions[execution_id]
        graph = plan.definition.graph
        # Of a wider wave other workers should have some.
        widest = 2 * self.tx.runtime.settings.chunk_size
        found = graph.behind(held, among=plan.can_run_ahead, most=most, widest=widest)
        unsure = [s for s, counted in found.items() if counted < len(graph.dependencies(s))]
        if not unsure:
            return list(found)
        # What else they wait for has ended, or they are not ours alone. Once they are, they stay.
        remaining = rows_of.remaining(self.tx.connection, execution_id, unsure)
        others = {s for s in unsure if remaining.get(s) != found[s]}
        for step_id in found:
            if not others.isdisjoint(graph.dependencies(step_id)):
                others.add(step_id)
        return [step_id for step_id in found if step_id not in others]

    def _set_free(self, ended: Sequence[Ending]) -> list[StepRow]:
        """Count these ends on the steps behind them; returns the next wave."""
        ready: list[StepRow] = []
        waiting = list(ended)
        while waiting:
            ending = waiting.pop()
            if not _goes_well(ending):
                return []  # what follows from this end is for the rows to say
            self._ended.add(ending)
            counted = contribution(ending.status, skip_reason=ending.skip_reason)
            for row in self._complete(ending.step.successors, counted):
                verdict = self._verdict(row)
                if verdict is Verdict.RUN:
                    ready.append(row)
                else:
                    waiting.append(self._skip(row, SkipReason(verdict.value)))
        return sorted(ready, key=_number)

    def _complete(self, successors: Sequence[int], counted: Contribution) -> Iterator[StepRow]:
        """Count an end on these, and yield those whose dependencies have all ended by it."""
        for successor in successors:
            row = self._behind.get(successor)
            if row is not None:
                before = self._counted.get(successor)
                now = self._counted[successor] = before + counted if before else counted
                if now.ended == row.remaining:
                    yield row

    def _verdict(self, row: StepRow) -> Verdict:
        rule, at_least = self.tx.rule(row)
        return decide(rule, at_least, row.dependencies.counted(self._counted[row.id]))

    def _skip(self, row: StepRow, reason: SkipReason) -> Ending:
        ending = skipped(row, reason)
        self.endings.append(ending)
        return ending


def _goes_well(ending: Ending) -> bool:
    if ending.status is StepStatus.COMPLETED:
        return not (ending.skip_targets or ending.goes_to or ending.ends)
    return ending.skip_reason in {SkipReason.CONDITION, SkipReason.RULE}


def _number(row: StepRow) -> int:
    return row.id


def runs_here(row: StepRow) -> bool:
    """Whether the step runs inside the transaction that has locked it.

    One whose message was lost before may be one that kills its worker: it gets a lease and
    an attempt that count, so that it cannot be tried for ever.
    """
    return row.cheap and row.publish_count <= TRUSTED_MESSAGES and not row.lost_count


def _is_wanted(
    row: StepRow,
    step: PlannedStep,
    facts: ExecutionFacts,
    results: StepResults,
    fuel: Fuel,
    now: str,
) -> bool:
    """Whether the step's own condition holds; most have none, and need no scope to say so."""
    if step.definition.condition is None:
        return True
    masker = facts.masker or step.masker
    scope = make_scope(facts, results, row, masker=masker, sealer=step.sealer, now=now)
    return step.condition.evaluate(scope, fuel)
