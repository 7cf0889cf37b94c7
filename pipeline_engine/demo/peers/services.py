"""What the stand-ins answer to the calls that the actions make."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from pipeline_engine.demo.peers.behaviour import Behaviour, UnknownSwitch
from pipeline_engine.demo.peers.jobs import Job, JobKind, Journal
from pipeline_engine.demo.peers.letters import CLUSTERS, is_early, letters
from pipeline_engine.demo.peers.postman import Postman


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: the id in its path, its JSON body, its query and its idempotency key."""

    identity: str = ""
    body: Mapping[str, Any]
    query: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: HTTPStatus
    body: Mapping[str, Any]


class Services:
    """All three stand-ins: they share one journal and one postman."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.journal = Journal()
        self._postman = Postman(self.journal)
        self._stopping = threading.Event()
        self._behaviour = behaviour
        self._postman.obey(behaviour)
        self._postman.start()

    def stop(self) -> None:
        """Answer what still waits, and send nothing more."""
        self._stopping.set()
        self._postman.stop()

    def control(self, call: Call) -> Answer:
        """``POST /control``: set switches, in a JSON body or as a query."""
        asked = {name: _switch(text) for name, text in parse_qsl(call.query)}
        switches = {**asked, **call.body}
        try:
            self._behaviour = self._behaviour.changed(switches)
        except UnknownSwitch as error:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        self._postman.obey(self._behaviour)
        return _ok(switches)

    def read_journal(self, _: Call) -> Answer:
        """``GET /journal``: every job that was started and every event that was sent."""
        return _ok(self.journal.as_json())

    def credential(self, call: Call) -> Answer:
        """Budapp knows every credential but those named ``missing…``."""
        if call.identity.startswith("missing"):
            return _refusal(HTTPStatus.NOT_FOUND, f"Credential {call.identity} not found")
        return _ok({"data": {"id": call.identity, "type": "hugging_face", "name": "Demo"}})

    def onboard(self, call: Call) -> Answer:
        """Budapp starts the onboarding of one model."""
        return self._start(JobKind.ONBOARDING, call, str(call.body.get("uri", "")))

    def simulate(self, call: Call) -> Answer:
        """Budsim starts the simulation of one model."""
        return self._start(JobKind.SIMULATION, call, str(call.body.get("model_uri", "")))

    def workflow(self, call: Call) -> Answer:
        """Budapp tells the state of a workflow and the model that it made."""
        job = self.journal.job(call.identity)
        if job is None:
            return _refusal(HTTPStatus.NOT_FOUND, f"Workflow {call.identity} not found")
        steps = {"model_id": job.model_id} if job.status == "completed" else {}
        found = {"workflow_id": job.workflow_id, "status": job.status, "workflow_steps": steps}
        return _ok({**found, **steps})

    def cancel(self, call: Call) -> Answer:
        """Budapp stops a workflow; events that are on their way still arrive, too late."""
        job = self.journal.job(call.identity)
        if job is None:
            return _refusal(HTTPStatus.NOT_FOUND, f"Workflow {call.identity} not found")
        self.journal.end(job.workflow_id, "cancelled")
        return _ok({"workflow_id": job.workflow_id, "status": job.status})

    def link_rule(self, call: Call) -> Answer:
        """Budapp gives a guardrail rule its model."""
        model_id = call.body.get("model_id")
        if not model_id:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "model_id is required")
        self.journal.link(call.identity, str(model_id))
        return _ok({"rule_id": call.identity, "model_id": model_id})

    def model(self, call: Call) -> Answer:
        """Budapp describes a model."""
        uri = f"demo/{call.identity}"
        return _ok({"model": {"id": call.identity, "uri": uri, "local_path": None}})

    def resources(self, call: Call) -> Answer:
        """Budcluster tells how much memory is free."""
        if call.identity not in CLUSTERS:
            return _refusal(HTTPStatus.NOT_FOUND, f"Cluster {call.identity} not found")
        name, memory = CLUSTERS[call.identity]
        return _ok({"data": {"id": call.identity, "name": name, "available_memory_gb": memory}})

    def _start(self, kind: JobKind, call: Call, model_uri: str) -> Answer:
        behaviour = self._behaviour
        if not model_uri:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "A model URI is required")
        if self.journal.refuse(model_uri, times=behaviour.refusals.get(model_uri, 0)):
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "No capacity at the moment")
        job, is_new = self.journal.start(kind, key=call.key, model_uri=model_uri)
        if is_new:
            self._announce(job, behaviour)
        self._stopping.wait(_answer_delay(job, behaviour))
        return _ok({"workflow_id": job.workflow_id, "status": "running"})

    def _announce(self, job: Job, behaviour: Behaviour) -> None:
        """Hand the events of a job to the postman; some overtake the answer."""
        planned = letters(job, behaviour)
        if is_early(job, behaviour):
            planned = [
                letter
                for letter in planned
                if not (letter.ends and self._postman.deliver(letter, early=True))
            ]
        self._postman.post(planned)


ROUTES: tuple[tuple[str, str, Callable[[Services, Call], Answer]], ...] = (
    ("POST", r"/control", Services.control),
    ("GET", r"/journal", Services.read_journal),
    ("GET", r"/budapp/credentials/([^/]+)", Services.credential),
    ("GET", r"/budapp/proprietary/credentials/([^/]+)/details", Services.credential),
    ("POST", r"/budapp/models/local-model-workflow", Services.onboard),
    ("GET", r"/budapp/models/([^/]+)", Services.model),
    ("GET", r"/budapp/workflows/([^/]+)", Services.workflow),
    ("POST", r"/budapp/workflows/([^/]+)/cancel", Services.cancel),
    ("PATCH", r"/budapp/internal/guardrails/rules/([^/]+)/model", Services.link_rule),
    ("POST", r"/budsim/simulator/run", Services.simulate),
    ("GET", r"/budcluster/clusters/([^/]+)/resources", Services.resources),
)


def _switch(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _answer_delay(job: Job, behaviour: Behaviour) -> float:
    rng = random.Random(f"answer:{behaviour.seed}:{job.number}:{job.calls}")
    usual = rng.uniform(*behaviour.answer_delay)
    return behaviour.slow_answers.get(job.model_uri, usual) if job.calls == 1 else usual


def _ok(body: Mapping[str, Any]) -> Answer:
    return Answer(HTTPStatus.OK, body)


def _refusal(status: HTTPStatus, detail: str) -> Answer:
    return Answer(status, {"detail": detail})
