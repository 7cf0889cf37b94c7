"""One eventful run: models are onboarded and simulated, and a worker is killed on the way.

The scenario sees the engine as any client does, through its API.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline_engine.client import Client, Snapshot, StepView, follow
from pipeline_engine.demo import samples
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.errors import PipelineEngineError

#: a pipeline that takes longer is stuck
LONGEST_SECONDS = 90.0
POLL_SECONDS = 0.1
LAST_EVENTS = frozenset({"workflow_completed", "workflow_failed", "workflow_interrupted"})
#: these models' start calls are answered so late that the worker dies in the middle of them
SLOW_MODELS = samples.MODELS[3:]
CALM = {
    "event_delay": [0.3, 2.0],
    "answer_delay": [0.05, 0.3],
    "slow_answers": {},
    "shuffle": True,
    "duplicates": 0.3,
    "early": 0.34,
}
# Events come late enough that some models are still parked when the worker dies.
SLOW = {
    "event_delay": [4.0, 8.0],
    "slow_answers": dict.fromkeys(SLOW_MODELS, 8.0),
}


class ScenarioFailed(PipelineEngineError):
    """The demo did not come to the point that it wants to show."""

    code = "scenario_failed"


class Audience(Protocol):
    """Somebody who watches the demo."""

    def say(self, line: str) -> None:
        """Hear one line."""

    def show(self, snapshot: Snapshot) -> None:
        """See how an execution stands."""


class Worker(Protocol):
    """The worker that will be killed, and that somebody will restart."""

    @property
    def name(self) -> str:
        """What the worker is called."""

    def pid(self) -> int | None:
        """Return the process that is the worker at the moment."""

    def kill(self) -> int:
        """Send SIGKILL and return the process that got it."""


@dataclass(frozen=True, slots=True)
class Death:
    """A worker was killed, and this is what it left behind."""

    worker: str
    pid: int
    parked: tuple[StepView, ...]
    working: tuple[StepView, ...]


@dataclass(slots=True)
class Story:
    """What has happened so far; ``verdict.py`` judges it."""

    ended: dict[str, Snapshot] = field(default_factory=dict)
    death: Death | None = None
    successor: int | None = None
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    journal: Mapping[str, Any] = field(default_factory=dict)


class Scenario:
    """The demo, from the first pipeline stored to the last result."""

    def __init__(
        self, client: Client, peers: PeersProcess, worker: Worker, audience: Audience
    ) -> None:
        self._client = client
        self._peers = peers
        self._worker = worker
        self._audience = audience
        self._story = Story()
        self._stored: dict[str, str] = {}
        self._pause = threading.Event()

    def play(self) -> Story:
        """Run the three pipelines, kill the worker during the second, and return what happened."""
        for name in samples.NAMES:
            self._stored[name] = str(self._client.store(samples.pipeline(name))["id"])
        self._peers.control(**CALM)
        self._follow(samples.HELLO, {})
        self._peers.control(**SLOW)
        ended = self._follow(samples.ONBOARDING, samples.onboarding_params(), self._kill_worker)
        self._peers.control(**CALM)
        onboarded = (ended.outputs or {}).get("onboarded_models") or []
        self._follow(samples.RECOMMENDATION, samples.recommendation_params(onboarded))
        self._story.journal = self._peers.journal()
        return self._story

    def _follow(
        self,
        name: str,
        params: dict[str, Any],
        interfere: Callable[[Snapshot], None] | None = None,
    ) -> Snapshot:
        execution = self._client.start(self._stored[name], params)
        execution_id = str(execution["execution_id"])
        deadline = time.monotonic() + LONGEST_SECONDS
        self._audience.say(f"{name}: started as {execution_id}")
        for snapshot in follow(self._client, execution_id):
            self._audience.show(snapshot)
            if interfere:
                interfere(snapshot)
            if time.monotonic() > deadline:
                raise ScenarioFailed(f"{name} has not ended within {LONGEST_SECONDS:g} s.")
        self._audience.say(f"{name}: {snapshot.status}")
        self._story.ended[name] = snapshot
        self._story.histories[name] = self._history(execution_id)
        if snapshot.status is not ExecutionStatus.COMPLETED:
            raise ScenarioFailed(f"{name} ended {snapshot.status}: {snapshot.error}")
        return snapshot

    def _history(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the whole history; its end shows when no older transaction is open any more."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            history = self._client.events(execution_id)
            if any(event["event_type"] in LAST_EVENTS for event in history):
                return history
            self._pause.wait(POLL_SECONDS)
        raise ScenarioFailed(f"The history of {execution_id} has no end.")

    def _kill_worker(self, snapshot: Snapshot) -> None:
        """Kill the worker once, when some models are parked and others are being started."""
        if self._story.death:
            self._note_successor(self._story.death)
            return
        items = snapshot.step("onboard_models").items
        parked = tuple(item for item in items if item.is_parked)
        working = tuple(item for item in items if item.is_working)
        if len(parked) < 1 or len(working) < len(SLOW_MODELS):
            return
        pid = self._worker.kill()
        self._story.death = Death(self._worker.name, pid, parked, working)
        self._audience.say(
            f"{self._worker.name} (process {pid}) was killed with SIGKILL: "
            f"{len(working)} models were being started, {len(parked)} were parked"
        )

    def _note_successor(self, death: Death) -> None:
        pid = self._worker.pid()
        if self._story.successor is None and pid not in (None, death.pid):
            self._story.successor = pid
            self._audience.say(f"{death.worker} was restarted as process {pid}")
