"""One eventful run: two guardrails are deployed; a worker is killed, and one fails at first.

The scenario sees the engine as any client does, through its API.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pipeline_engine.client import Client, Snapshot, follow
from pipeline_engine.client.http import Json
from pipeline_engine.demo import samples
from pipeline_engine.demo.choices import CHAT, SEARCH, Choices
from pipeline_engine.demo.gateway import Gateway
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.demo.story import Death, Outside, Run, Story
from pipeline_engine.demo.wizard import Wizard
from pipeline_engine.errors import PipelineEngineError

#: a pipeline that takes longer is stuck
LONGEST_SECONDS = 90.0
#: peers whose jobs go on for longer after the last pipeline are left alone
REST_SECONDS = 20.0
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
#: Seconds by which a deployment fails after the others are done.
LATE = 4.0
ONBOARDING, SPECS, DEPLOYMENT = 5, 7, 12  #: steps of a workflow
FAILED = "failed"  #: a workflow that may be taken up again


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


class Scenario:
    """The demo, from the first pipeline stored to the last result."""

    def __init__(
        self,
        client: Client,
        peers: PeersProcess,
        gateway: Gateway,
        worker: Worker,
        audience: Audience,
    ) -> None:
        self._client = client
        self._peers = peers
        self._gateway = gateway
        self._worker = worker
        self._audience = audience
        self._story = Story()
        self._pause = threading.Event()

    def play(self) -> Story:
        """Run a pipeline, then deploy two guardrails, and return what happened."""
        self._peers.control(**CALM)
        self._gateway.serve(CHAT.endpoint_id, SEARCH.endpoint_id)
        stored = self._client.store(samples.pipeline(samples.HELLO))
        self._follow(str(self._client.start(str(stored["id"]), {})["execution_id"]))
        self._story.workflows[CHAT.name] = [self._wizard(CHAT, self._prepare_trouble).walk()]
        search = self._wizard(SEARCH, self._prepare_failure)
        failed = search.walk()
        self._story.after_failure = self._outside()
        self._peers.control(failing=[], late_events={})
        self._audience.say("the peers are well again")
        self._story.workflows[SEARCH.name] = [failed, search.repeat()]
        self._story.at_the_end = self._outside()
        return self._story

    def _wizard(self, choices: Choices, prepare: Callable[[int, Json], None]) -> Wizard:
        def answer(step: int, workflow: Json) -> Mapping[str, Any]:
            prepare(step, workflow)
            return choices.answer(step, workflow)

        say, follow = self._audience.say, self._follow
        return Wizard(self._client, choices.name, answer, say=say, follow=follow)

    def _outside(self) -> Outside:
        return Outside(self._journal_at_rest(), self._gateway.guards())

    def _prepare_trouble(self, step: int, _: Json) -> None:
        """Make the onboarding last until the worker is killed in it."""
        if step == ONBOARDING:
            self._peers.control(**SLOW)
        elif step == SPECS:
            self._peers.control(**CALM)

    def _prepare_failure(self, step: int, workflow: Json) -> None:
        """Let the third model fail once when the others are deployed."""
        if step != DEPLOYMENT or workflow["status"] == FAILED:
            return
        third = workflow["workflow_steps"]["models_to_deploy"][2]["model_id"]
        self._audience.say(f"the peers will fail to deploy the third model, {third}")
        self._peers.control(failing=[third], late_events={third: LATE}, early=0.0)

    def _follow(self, execution_id: str) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        for snapshot in follow(self._client, execution_id):
            self._audience.show(snapshot)
            self._disturb(snapshot)
            if time.monotonic() > deadline:
                name = snapshot.name
                raise ScenarioFailed(f"{name} has not ended within {LONGEST_SECONDS:g} s.")
        self._audience.say(f"{snapshot.name}: {snapshot.status} ({execution_id})")
        self._story.runs.append(Run(snapshot, self._history(execution_id)))

    def _history(self, execution_id: str) -> list[Json]:
        """Return the whole history; its end shows when no older transaction is open any more."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            history = self._client.events(execution_id)
            if any(event["event_type"] in LAST_EVENTS for event in history):
                return history
            self._pause.wait(POLL_SECONDS)
        raise ScenarioFailed(f"The history of {execution_id} has no end.")

    def _journal_at_rest(self) -> Json:
        """Return the peers' journal when nothing goes on there, or has not come to rest in time."""
        deadline = time.monotonic() + REST_SECONDS
        while not _is_at_rest(journal := self._peers.journal()) and time.monotonic() < deadline:
            self._pause.wait(POLL_SECONDS)
        return journal

    def _disturb(self, snapshot: Snapshot) -> None:
        """Kill the worker once, when some models are parked and others are being started."""
        if snapshot.name != samples.ONBOARDING:
            return
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


def _is_at_rest(journal: Json) -> bool:
    """Whether no job goes on, and what was sent in vain was sent again."""
    taken = {one["event_id"] for one in journal["events"] if (one["status"] or 500) < 300}
    is_taken = all(one["event_id"] in taken for one in journal["events"])
    return is_taken and all(job["status"] != "running" for job in journal["starts"])
