"""The real scheduler on real rows, in many orders of what may happen, against the simple model."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.driving import Driver, Look
from support.factories import an_action
from support.random_graphs import CODES, documents
from support.simple_model import Model

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import AlreadyStopped
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.inbox import Arrival

MOVES = 25


class Peers:
    """What the actions do next; each is told before it runs."""

    def __init__(self) -> None:
        self.told: dict[str, ActionResult] = {}

    def execute(self, context: ActionContext) -> ActionResult:
        return self.told[context.step_id]

    def on_event(self, context: EventContext) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    def cleanup(self, context: ActionContext) -> None:
        """Nothing was started; that there is a clean-up makes the step wait for it."""


class Play:
    """One execution, which the scheduler and the model go through move by move."""

    def __init__(self, driver: Driver, peers: Peers, document: dict[str, Any]) -> None:
        self.driver, self.peers = driver, peers
        self.model = Model(document)
        self.id: UUID = executions.run_ephemeral(
            SYSTEM, driver.runtime, document, StartRequest()
        ).id
        self.tries: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.parked: set[str] = set()
        self.late: set[str] = set()  #: cleaned up because their time is up
        self.retrying: set[str] = set()
        self.early: set[str] = set()
        self.sent: set[tuple[str, int]] = set()
        self.overdue = False  #: its time was up

    # ── Moves ────────────────────────────────────────────────────────────────────────────

    def begin(self, step: str, how: str, untaken: list[str], code: str) -> None:
        """A worker takes a step that is queued; its action completes, fails or parks."""
        self.peers.told[step] = ActionResult(
            success=how != "fails",
            error_code=code if how == "fails" else None,
            awaiting_event=how == "parks",
            external_workflow_ids=[self._job(step)] if how == "parks" else [],
            skip_targets=untaken if how == "completes" else [],
        )
        if step in self.model.ready:
            self.model.begin(step)
        self.retrying.discard(step)
        self.driver.turn(self._look().step(step).id)
        if "condition" in self.model.steps[step]:
            self._end(step, "condition")
            return
        self.tries[step] += 1
        if how == "completes":
            self._end(step, "COMPLETED", set(untaken))
        elif how == "fails":
            self._fail(step, "FAILED", code)
        else:
            self.parked.add(step)
            self.driver.deliver()
            if step in self.early:
                self._end(step, "COMPLETED")

    def send(self, step: str, number: int) -> None:
        """An event comes, whether or not somebody waits for it, or has had it already."""
        body = {"workflow_id": self._job(step), "number": number}
        inbox.accept(SYSTEM, self.driver.runtime, Arrival(source="model", body=body))
        self.driver.deliver()
        if (step, number) in self.sent:
            return
        self.sent.add((step, number))
        if step in self.parked:
            self._end(step, "COMPLETED")
        else:
            self.early.add(step)

    def time_out(self, step: str) -> None:
        """Nobody sent what a parked step waits for."""
        row = self._look().step(step)
        statement = "UPDATE step_executions SET deadline_at = now() WHERE id = %(id)s"
        self.driver.change(statement, id=row.id)
        sweep.sweep(self.driver.runtime)
        if self._has_a_retry(step):
            self._fail(step, "TIMEOUT", "timeout")
        else:
            self.parked.discard(step)
            self.late.add(step)

    def give_up(self, reason: str) -> None:
        """The client cancels, or the time of the execution, or then of its handlers, is up."""
        if reason == "cancelled":
            force = self.model.given_up == "cancelled"
            if force and self.model.forced:
                with pytest.raises(AlreadyStopped):
                    executions.cancel(SYSTEM, self.driver.runtime, self.id)
                return
            executions.cancel(SYSTEM, self.driver.runtime, self.id)
        else:
            force, self.overdue = self.overdue, True
            statement = "UPDATE executions SET deadline_at = now() WHERE id = %(id)s"
            self.driver.change(f"{statement} AND deadline_at IS NOT NULL", id=str(self.id))
            sweep.sweep(self.driver.runtime)
        self.model.give_up(reason, slow=self.parked | self.late, force=force)
        self._tidy()

    def clean_up(self, step: str) -> None:
        self.driver.clean_up(self._look().step(step).id)
        if step in self.late:
            self.late.discard(step)
            self._fail(step, "TIMEOUT", "timeout")
        else:
            self.model.clean_up(step)

    # ── What must be the same ────────────────────────────────────────────────────────────

    def compare(self) -> Look:
        if self.retrying:
            sweep.sweep(self.driver.runtime)  # queues what is tried again
        look = self._look()
        steps = [row for row in look.rows if row.kind == "step"]
        ended = {r.step_id: r.skip_reason or r.status for r in steps if r.finished_at}
        queued = {row.step_id for row in steps if row.queued_at}
        begun = Counter(e.details["step_id"] for e in look.history if e.event_type == STARTED)
        assert ended == self.model.ended
        assert queued == self.model.ready | self.retrying
        assert {row.step_id for row in steps if row.awaiting_event} == self.parked
        assert {row.step_id for row in steps if row.cancelling} == self.model.stopping | self.late
        assert begun == self.tries
        assert (look.status if look.execution.finished_at else None) == self.model.status
        return look

    # ── Words ────────────────────────────────────────────────────────────────────────────

    def _job(self, step: str) -> str:
        return f"{self.id}:{step}"

    def _look(self) -> Look:
        return self.driver.look(self.id)

    def _end(
        self, step: str, how: str, untaken: set[str] | None = None, code: str | None = None
    ) -> None:
        self.parked.discard(step)
        codes = {step: code} if code else {}
        slow = self.parked | self.late
        self.model.end({step: how}, untaken=untaken or set(), slow=slow, codes=codes)
        self._tidy()

    def _fail(self, step: str, how: str, code: str) -> None:
        self.parked.discard(step)
        has_a_retry = self._has_a_retry(step)
        self.failures[step] += 1
        if has_a_retry:
            self.retrying.add(step)
        else:
            self._end(step, how, code=code)

    def _has_a_retry(self, step: str) -> bool:
        retry = self.model.steps[step].get("retry", {"max_attempts": 1})
        return bool(self.failures[step] + 1 < retry["max_attempts"])

    def _tidy(self) -> None:
        for places in (self.parked, self.late, self.retrying):
            places.difference_update(self.model.ended, self.model.stopping)


STARTED = "step_started"


def possible_moves(play: Play) -> list[tuple[str, str]]:
    """Every move that can be made now, with its step."""
    model = play.model
    moves = [("begin", step) for step in model.ready | play.retrying]
    moves += [("time_out", step) for step in play.parked]
    moves += [("clean_up", step) for step in model.stopping | play.late]
    moves += [("send", step) for step in play.parked]
    moves.append(("send", min(model.steps)))
    return sorted(moves)


def make(play: Play, data: st.DataObject, move: str, step: str, *, quick: bool) -> None:
    if move == "begin":
        ways = ["completes"] if quick else ["completes", "completes", "fails", "parks"]
        behind = [s["id"] for s in play.model.document["steps"] if s["id"] > step]
        mentioned = play.model.steps[step]["params"]["may_skip"]
        untaken = [s for s in mentioned if s in behind] if data.draw(st.booleans()) else []
        code = data.draw(st.sampled_from(["other", *CODES]))
        play.begin(step, data.draw(st.sampled_from(ways)), untaken, code)
    elif move == "send":
        wanted = (
            step if step in play.parked else data.draw(st.sampled_from(sorted(play.model.steps)))
        )
        play.send(wanted, data.draw(st.integers(0, 1)))
    else:
        getattr(play, move)(step)


@settings(
    # tests/unit/test_advance_model.py has thousands of orders; here it is that rows say the same.
    max_examples=400 if os.environ.get("ADVANCE_MODEL") == "nightly" else 40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), document=documents(largest=6, action="peer", params={}))
def play_one(driver: Driver, peers: Peers, data: st.DataObject, document: dict[str, Any]) -> None:
    for step in document["steps"]:
        later = [s["id"] for s in document["steps"] if step["id"] in s["depends_on"]]
        step["params"] = {"may_skip": later[:1]}
        if data.draw(st.integers(0, 7)) == 7:
            step["condition"] = "false"
    play = Play(driver, peers, document)
    patience = data.draw(st.integers(0, 2 * MOVES))
    for number in range(10 * MOVES):
        if play.model.is_over:
            break
        if number == patience or (number > patience and data.draw(st.integers(0, 4)) == 4):
            play.give_up(data.draw(st.sampled_from(["cancelled", "timed_out"])))
        else:
            move, step = data.draw(st.sampled_from(possible_moves(play)))
            make(play, data, move, step, quick=number > MOVES)
        play.compare()

    assert play.compare().execution.finished_at is not None
    assert driver.audit(play.id) == []


@pytest.mark.timeout(600)  # Hypothesis would take it for an example that fails, and shrink it
@pytest.mark.parametrize("plain_turns", [False, True], ids=["fast", "plain"])
def test_the_scheduler_does_what_the_model_says_in_every_order(drive, plain_turns):
    peers = Peers()
    peer = an_action(
        "peer",
        peers.execute,
        params=["may_skip"],
        on_event=peers.on_event,
        cleanup=peers.cleanup,
    )

    play_one(drive(peer, log_level="ERROR", plain_turns=plain_turns), peers)
