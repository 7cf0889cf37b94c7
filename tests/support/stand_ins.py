"""The stand-in peers in this process, and actions that are carried out against them over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.process import APPS
from pipeline_engine.demo.peers.server import PeersServer
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventResult,
    PeerApi,
    Peers,
    StepStatus,
    check_params,
    run_maybe_async,
)
from support.contexts import a_context, an_event
from support.local_service import LocalService, SomeSettings, local_service
from support.waiting import wait_until

#: Events that come at once, in their order.
QUICK = {"event_delay": (0.0, 0.02), "answer_delay": (0.0, 0.0)}


@dataclass(frozen=True)
class CarriedOut:
    """How an action has ended, and what it has told on the way."""

    status: StepStatus
    outputs: dict[str, Any]
    error: str | None
    error_code: str | None
    retryable: bool = False
    parked_on: tuple[str, ...] = ()
    verdicts: list[EventResult] = field(default_factory=list)

    @property
    def progress(self) -> list[float]:
        return [one.progress for one in self.verdicts if one.progress is not None]


class StandIns:
    """Peers that answer and send their events to a mailbox, from which actions are fed."""

    def __init__(self, server: PeersServer, mailbox: LocalService, door: PeerApi) -> None:
        self.server = server
        self.mailbox = mailbox
        self.door = door
        self.reset()

    def reset(self) -> None:
        """Behave as usual again; what was done before is not shown any more."""
        usual = {**QUICK, "callback_url": self.mailbox.url}
        self.server.services.obey(Behaviour().changed(usual))
        journal = self.server.services.journal.as_json()
        self._before = {name: len(journal[name]) for name in ("starts", "writes")}

    def control(self, **switches: Any) -> None:
        """Set switches."""
        services = self.server.services
        services.obey(services.behaviour.changed(switches))

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return self._since("starts")

    @property
    def calls(self) -> list[str]:
        """The calls that wrote, in their order."""
        return [one["call"] for one in self._since("writes")]

    def written(self, call: str) -> list[dict[str, Any]]:
        """Return the calls that begin so, such as ``POST /budapp/models``, with their bodies."""
        return [one for one in self._since("writes") if one["call"].startswith(call)]

    def _since(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.services.journal.as_json()[name]
        return found[self._before[name] :]

    def context(self, params: dict[str, Any], **facts: Any) -> ActionContext:
        given = {"engine": self.door, "idempotency_key": str(uuid4()), "user_id": "ada"}
        return a_context(params, **(given | facts))

    def carry_out(
        self, action: BaseActionExecutor, params: dict[str, Any], **facts: Any
    ) -> CarriedOut:
        """Execute, and feed the action with the events of its job until it has ended."""
        assert check_params(action.meta, params, rendered=True) == []
        context = self.context(params, **facts)
        result = run_maybe_async(action.execute(context))
        assert set(result.outputs) == {output.name for output in action.meta.outputs}
        if not result.awaiting_event:
            return _ended(result)
        return self.feed(action, context, result)

    def feed(
        self, action: BaseActionExecutor, context: ActionContext, result: ActionResult
    ) -> CarriedOut:
        """Hand the events of its job to a parked action until it has ended."""
        (job,), outputs, verdicts = result.awaited, dict(result.outputs), []
        for body in self._events(job):
            event = an_event(
                body,
                external_workflow_id=job,
                engine=self.door,
                params=context.params,
                item=context.item,
                user_id=context.user_id,
                step_outputs=outputs,
            )
            verdict = run_maybe_async(action.on_event(event))
            verdicts.append(verdict)
            outputs |= verdict.outputs
            if verdict.action is EventAction.COMPLETE:
                break
        assert verdict.status is not None
        assert set(outputs) == set(result.outputs), "the same keys on every path"
        return CarriedOut(
            verdict.status,
            outputs,
            verdict.error,
            verdict.error_code,
            parked_on=result.awaited,
            verdicts=verdicts,
        )

    def _events(self, job: str) -> Iterator[Any]:
        """The events of a job as they come, or in their order if they are not to be shuffled."""
        for number in count():
            wanted = None if self.server.services.behaviour.shuffle else f"{job}-{number}"
            yield wait_until(partial(self._event, job, number, wanted), what=f"event of {job}")

    def _event(self, job: str, number: int, wanted: str | None) -> Any:
        bodies = [one.body for one in self.mailbox.received if one.body["id"].startswith(job)]
        if wanted is None:
            return bodies[number] if len(bodies) > number else None
        return next((body for body in bodies if body["id"] == wanted), None)


def _ended(result: ActionResult) -> CarriedOut:
    status = StepStatus.COMPLETED if result.success else StepStatus.FAILED
    return CarriedOut(status, result.outputs, result.error, result.error_code, result.retryable)


@contextmanager
def stand_ins() -> Iterator[StandIns]:
    """Serve until the tests are over."""
    with local_service() as mailbox, PeersServer(Behaviour()) as server:
        mailbox.answer("POST /api/v1/workflow-events", {"outcome": "accepted"})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        peers = Peers(SomeSettings(service_urls={app: f"{server.url}/{app}" for app in APPS}))
        try:
            yield StandIns(server, mailbox, PeerApi(peers))
        finally:
            server.shutdown()
            thread.join()
            peers.close()
