"""The pure advance, in every order of what may happen, against a model without counters."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.in_memory_execution import End, InMemoryExecution
from support.random_graphs import CODES, documents
from support.simple_model import Model

from pipeline_engine.domain import retries
from pipeline_engine.domain.definitions import parse
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus


class Execution(RuleBasedStateMachine):
    """One execution, of which the engine's rules and the model are told the same."""

    @initialize(document=documents(), patience=st.integers(0, 25))
    def accept(self, document: dict[str, Any], patience: int) -> None:
        self.definition = parse(document)
        self.execution = InMemoryExecution(self.definition)
        self.model = Model(document)
        self.attempts: Counter[str] = Counter()
        self.parked: set[str] = set()
        self.retrying: set[str] = set()
        self.early: set[str] = set()  #: events that came before their steps were parked
        self.patience = patience  #: so many ends may come before anybody gives up

    # ── Workers ──────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.execution.ready)
    @rule(data=st.data())
    def workers_take_steps(self, data: st.DataObject) -> None:
        for step in self._some_of(data, self.execution.ready):
            self._take(step)

    @precondition(lambda self: self.execution.ready)
    @rule(data=st.data())
    def conditions_are_false(self, data: st.DataObject) -> None:
        steps = self._some_of(data, self.execution.ready)
        ends = [End(step, StepStatus.SKIPPED, SkipReason.CONDITION) for step in steps]
        self._end(data, ends)

    @precondition(lambda self: self._working())
    @rule(data=st.data())
    def steps_complete_together(self, data: st.DataObject) -> None:
        steps = self._some_of(data, self._working())
        self._end(data, [End(step, StepStatus.COMPLETED) for step in steps])

    @precondition(lambda self: self._working())
    @rule(data=st.data())
    def a_conditional_takes_a_side(self, data: st.DataObject) -> None:
        step = self._one_of(data, self._working())
        graph = self.definition.graph
        behind = data.draw(st.sampled_from([graph.dependents(step), graph.descendants(step)]))
        untaken = self._some_of(data, behind) if behind else []
        self._end(data, [End(step, StepStatus.COMPLETED, skip_targets=untaken)])

    @precondition(lambda self: self._working())
    @rule(data=st.data(), status=st.sampled_from([StepStatus.FAILED, StepStatus.TIMEOUT]))
    def steps_fail(self, data: st.DataObject, status: StepStatus) -> None:
        self._fail(data, self._some_of(data, self._working()), status)

    @precondition(lambda self: self.retrying)
    @rule(data=st.data())
    def a_retry_begins(self, data: st.DataObject) -> None:
        self.retrying.discard(self._one_of(data, self.retrying))

    # ── Parked steps and their events ────────────────────────────────────────────────────

    @precondition(lambda self: self._working())
    @rule(data=st.data())
    def a_step_parks(self, data: st.DataObject) -> None:
        step = self._one_of(data, self._working())
        self._take(step)
        self.parked.add(step)
        if step in self.early:
            self._deliver(data, step)

    @rule(data=st.data())
    def an_event_comes(self, data: st.DataObject) -> None:
        """For any step at any time: in time, early, late, or for the second time."""
        wanted = data.draw(st.booleans()) and self.parked
        self._deliver(data, self._one_of(data, wanted or self.model.steps))

    @precondition(lambda self: self.parked)
    @rule(data=st.data())
    def a_parked_step_times_out(self, data: st.DataObject) -> None:
        self._fail(data, [self._one_of(data, self.parked)], StepStatus.TIMEOUT)

    # ── The client and the clock ─────────────────────────────────────────────────────────

    @precondition(lambda self: self.patience <= 0)
    @rule(
        data=st.data(),
        reason=st.sampled_from([AbortReason.CANCELLED, AbortReason.TIMED_OUT]),
        force=st.sampled_from([False, False, True]),
    )
    def it_is_given_up(self, data: st.DataObject, reason: AbortReason, force: bool) -> None:
        slow = self._slow(data)
        self.execution.abort(reason, slow=slow, force=force)
        self.model.give_up(reason.value, slow=slow, force=force)
        for places in (self.parked, self.retrying):
            places.difference_update(self.execution.ended, self.execution.stopping)

    @precondition(lambda self: self.execution.stopping)
    @rule(data=st.data())
    def a_stopped_step_has_cleaned_up(self, data: st.DataObject) -> None:
        step = self._one_of(data, self.execution.stopping)
        self.execution.clean_up(step)
        self.model.clean_up(step)

    @rule(data=st.data(), status=st.sampled_from([StepStatus.COMPLETED, StepStatus.FAILED]))
    def a_worker_comes_back_from_the_dead(self, data: st.DataObject, status: StepStatus) -> None:
        late = set(self.execution.ended) | self.execution.stopping
        self._end(data, [End(step, status) for step in sorted(late)])

    # ── What must be the same ────────────────────────────────────────────────────────────

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        ends = self.execution.ended
        shown = {step: str(end.skip_reason or end.status) for step, end in ends.items()}
        assert shown == self.model.ended
        assert self.execution.ready == self.model.ready
        assert self.execution.status == self.model.status
        assert self.execution.stopping == self.model.stopping

    @invariant()
    def nothing_is_set_free_twice(self) -> None:
        if hasattr(self, "model"):
            assert len(set(self.execution.set_free)) == len(self.execution.set_free)

    @invariant()
    def counters_count_what_has_ended(self) -> None:
        for step in self.definition.steps if hasattr(self, "model") else ():
            still_open = [d for d in step.depends_on if d not in self.model.ended]
            assert self.execution.counters(step.id).remaining == len(still_open)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if hasattr(self, "model") and self.model.status is None:
            assert self.execution.ready or self.execution.running

    # ── Words ────────────────────────────────────────────────────────────────────────────

    def _working(self) -> set[str]:
        """Ready or running, and neither parked nor between two attempts nor being stopped."""
        taken = self.execution.running - self.execution.stopping - self.parked - self.retrying
        return self.execution.ready | taken

    def _take(self, step: str) -> None:
        if step in self.execution.ready:
            self.execution.begin(step)
            self.model.begin(step)

    def _deliver(self, data: st.DataObject, step: str) -> None:
        if step in self.parked:
            self.early.discard(step)
            self._end(data, [End(step, StepStatus.COMPLETED)])
        elif step not in self.execution.ended:
            self.early.add(step)

    def _fail(self, data: st.DataObject, steps: list[str], status: StepStatus) -> None:
        """A step fails for good only when it has no attempt left."""
        for step in steps:
            self.attempts[step] += 1
            self.parked.discard(step)
        ends = [step for step in steps if not self._may_retry(step)]
        for step in set(steps).difference(ends):
            self._take(step)
            self.retrying.add(step)
        code = data.draw(st.sampled_from(["other", *CODES]))
        self._end(data, [End(step, status, error_code=code) for step in ends])

    def _may_retry(self, step: str) -> bool:
        policies = self.definition.step(step).retry
        made = self.attempts[step]
        policy = retries.deciding(policies, "failed")
        may = policy is not None and made < policy.max_attempts
        given = self.model.steps[step].get("retry", {"max_attempts": 1})
        assert may == (made < given["max_attempts"])
        return may

    def _end(self, data: st.DataObject, ends: list[End]) -> None:
        slow = self._slow(data)
        self.patience -= 1
        how = {end.step_id: str(end.skip_reason or end.status) for end in ends}
        untaken = {target for end in ends for target in end.skip_targets}
        self.execution.end(ends, slow=slow)
        codes = {end.step_id: end.error_code for end in ends if end.error_code}
        self.model.end(how, untaken=untaken, slow=slow, codes=codes)
        for places in (self.parked, self.retrying):
            places.difference_update(self.execution.ended, self.execution.stopping)

    def _slow(self, data: st.DataObject) -> set[str]:
        """Those of the running steps whose actions have something to clean up."""
        running = sorted(self.execution.running)
        return data.draw(st.sets(st.sampled_from(running))) if running else set()

    def _one_of(self, data: st.DataObject, steps: Any) -> str:
        return data.draw(st.sampled_from(sorted(steps)))

    def _some_of(self, data: st.DataObject, steps: Any) -> list[str]:
        return sorted(data.draw(st.sets(st.sampled_from(sorted(steps)), min_size=1)))


PROFILES = {
    # The same executions every time; other ones are tried at night.
    "suite": settings(max_examples=300, stateful_step_count=40, derandomize=True),
    "nightly": settings(max_examples=1_000, stateful_step_count=40),
}
PROFILE = os.environ.get("ADVANCE_MODEL", "suite")
"""How long to search: ``ADVANCE_MODEL=nightly`` takes more than 20,000 steps."""


class TestAdvance(Execution.TestCase):  # type: ignore[misc, name-defined]
    """Collected by pytest."""

    settings = settings(
        PROFILES[PROFILE],
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
