"""Executions that have lived, the ledger that they wrote, and what the invariants say of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from battery.evidence import Effect, Evidence, Finding, SentDelivery
from battery.invariants import INVARIANTS, check_all
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival
from support.driving import Driver
from support.factories import a_step, an_action
from support.parked_job import Parked

CANARY = "canary-that-must-not-sing"
SENT = SentDelivery("tests", "first", "job", accepted=True, status=202, wave="once")
ARRIVAL = Arrival(source="tests", body={"workflow_id": "job"}, delivery_id="first")


@dataclass
class Book:
    """A ledger in memory, and the actions that write to it."""

    effects: list[Effect] = field(default_factory=list)
    meanwhile: Callable[[ActionContext], None] = lambda _: None  #: while an action works

    def work(self, context: ActionContext, *, idempotent: bool = True) -> ActionResult:
        self._note(context, "begin", idempotent=idempotent)
        self.meanwhile(context)
        self._note(context, "end", idempotent=idempotent)
        if context.step_id == "flaky" and context.attempt == 1:
            return ActionResult(success=False, error=f"no luck: {context.params.get('note')}")
        return ActionResult(success=True, outputs={"attempt": context.attempt})

    def once(self, context: ActionContext) -> ActionResult:
        return self.work(context, idempotent=False)

    def actions(self) -> list[RegisteredAction]:
        return [
            an_action("work", self.work, params=["note"]),
            an_action("once", self.once, idempotent=False),
            an_action("park", (job := Parked()).park, on_event=job.on_event, cheap=True),
        ]

    def _note(self, context: ActionContext, moment: str, *, idempotent: bool) -> None:
        line = len(self.effects) + 1
        key, attempt = context.idempotency_key, context.attempt
        self.effects.append(Effect(line, key, attempt, moment, idempotent, os.getpid()))


@dataclass
class History:
    """What executions have left."""

    driver: Driver
    evidence: Evidence

    @classmethod
    def of(cls, driver: Driver, book: Book, **given: Any) -> History:
        nothing: dict[str, Any] = {"accepted": (), "deliveries": (), "answers": {}, "logs": ()}
        evidence = Evidence(
            database_url=driver.runtime.settings.database_url,
            effects=book.effects,
            processes=lambda: [os.getpid()],
            **nothing | {"canaries": [CANARY]} | given,
        )
        return cls(driver, evidence)

    def findings(self, **changed: Any) -> dict[str, Finding]:
        """What each invariant says, with this much of the evidence changed."""
        found = check_all(replace(self.evidence, **changed))
        return {finding.invariant: finding for finding in found}

    def violations_of(self, name: str, *, planted: str = "", **changed: Any) -> Sequence[str]:
        """How one invariant is violated after a change of rows, which is undone afterwards."""
        invariant = next(one for one in INVARIANTS if one.name == name)
        with self.driver.runtime.engine.connect() as connection:
            if planted:
                connection.exec_driver_sql(planted)
            return invariant.check(connection, replace(self.evidence, **changed)).violations

    def violations(self, **changed: Any) -> dict[str, list[str]]:
        """What is violated, and how."""
        found = self.findings(**changed)
        return {name: list(f.violations) for name, f in found.items() if f.violations}


def a_lived_history(driver: Driver, book: Book) -> History:
    """What an execution leaves that went through a retry, a fan-out and a delivery."""
    retry = {"max_attempts": 3, "backoff_seconds": 0}
    started = driver.start(
        a_step("flaky", action="work", retry=retry, params={"note": "{{ params.pass }}"}),
        a_step("each", "flaky", action="work", for_each={"items": [1, 2, 3]}),
        a_step("wait", "flaky", action="park"),
        a_step("once", "each", "wait", action="once"),
        parameters=[{"name": "pass", "type": "secret"}],
        params={"pass": CANARY},
    )
    driver.settle()
    inbox.accept(SYSTEM, driver.runtime, ARRIVAL)
    assert driver.finish(started).status == "COMPLETED"
    answers = {201: 1, 202: 1, 503: 2}
    return History.of(driver, book, accepted=[started], deliveries=[SENT], answers=answers)
