"""Jobs of the stand-ins: started once per idempotency key, and written down in a journal."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from pipeline_engine.demo.peers.calls import Call


class JobKind(StrEnum):
    """What a stand-in can be asked to do in the background."""

    ONBOARDING = "onboarding"
    SIMULATION = "simulation"
    BENCHMARK = "benchmark"
    DEPLOYMENT = "deployment"
    DELETION = "deletion"
    CLUSTER = "cluster"


#: What a kind of job makes, by the name of its id; other kinds make nothing.
MAKES = {
    JobKind.ONBOARDING: "model_id",
    JobKind.BENCHMARK: "benchmark_id",
    JobKind.DEPLOYMENT: "endpoint_id",
    JobKind.CLUSTER: "cluster_id",
}


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of background work and all start calls that asked for it."""

    number: int
    kind: JobKind
    key: str | None
    #: what it is about: a model URI, the name of an endpoint …
    subject: str
    #: what else it was started with
    facts: dict[str, Any] = field(default_factory=dict)
    workflow_id: str = field(default_factory=lambda: str(uuid4()))
    #: id of what it makes
    made_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "running"
    calls: int = 1
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def is_among(self, names: Collection[str]) -> bool:
        """Tell whether it is one of these: they name what jobs are about, or their models."""
        return not {self.subject, str(self.facts.get("model_id"))}.isdisjoint(names)

    @property
    def made(self) -> dict[str, str]:
        """The id of what it has made, once it has."""
        name = MAKES.get(self.kind)
        return {name: self.made_id} if name and self.status == "completed" else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One attempt to deliver one event."""

    event_id: str
    workflow_id: str
    event: str
    early: bool
    #: None if nobody answered
    status: int | None
    outcome: str | None
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


class Journal:
    """Everything that the stand-ins did, for whoever wants to prove something."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._by_key: dict[tuple[JobKind, str], Job] = {}
        self._postings: list[Posting] = []
        self._refused: dict[str, int] = {}
        self._rules: dict[str, str] = {}
        self._writes: list[dict[str, Any]] = []

    def start(
        self,
        kind: JobKind,
        *,
        key: str | None,
        subject: str,
        job_id: str | None = None,
        **facts: Any,
    ) -> tuple[Job, bool]:
        """Return the job for this key, or this id, and whether the call has started it."""
        with self._lock:
            known = self._by_key.get((kind, key)) if key else self._jobs.get(job_id or "")
            if known is not None:
                known.calls += 1
                return known, False
            job = Job(number=len(self._jobs), kind=kind, key=key, subject=subject, facts=facts)
            job.workflow_id = job_id or job.workflow_id
            self._jobs[job.workflow_id] = job
            if key:
                self._by_key[kind, key] = job
            return job, True

    def wrote(self, call: Call) -> None:
        """Write down a call that changes something, with the user for whom it is."""
        line = {"call": f"{call.method} {call.path}", "user_id": call.query.get("user_id")}
        with self._lock:
            self._writes.append({**line, "key": call.key, "body": dict(call.body)})

    def refuse(self, subject: str, *, times: int) -> bool:
        """Count a refusal of this job unless it was refused *times* already."""
        with self._lock:
            refused = self._refused.get(subject, 0)
            if refused >= times:
                return False
            self._refused[subject] = refused + 1
            return True

    def job(self, workflow_id: str) -> Job | None:
        """Return the job with this workflow id."""
        return self._jobs.get(workflow_id)

    def maker_of(self, made_id: str) -> Job | None:
        """Return the job that makes what has this id."""
        with self._lock:
            return next((job for job in self._jobs.values() if job.made_id == made_id), None)

    def latest(self, kind: JobKind, subject: str) -> Job | None:
        """Return the last job of a kind about something."""
        with self._lock:
            jobs = [j for j in self._jobs.values() if (j.kind, j.subject) == (kind, subject)]
        return jobs[-1] if jobs else None

    def all(self, kind: JobKind) -> list[Job]:
        """Return the jobs of a kind, in the order in which they were started."""
        with self._lock:
            return [job for job in self._jobs.values() if job.kind is kind]

    def end(self, workflow_id: str, status: str) -> None:
        """Write down how a job ended; the first end counts."""
        with self._lock:
            job = self._jobs[workflow_id]
            if job.status == "running":
                job.status = status

    def posted(self, posting: Posting) -> None:
        """Write down that an event was sent."""
        with self._lock:
            self._postings.append(posting)

    def link(self, rule_id: str, model_id: str) -> None:
        """Remember which model a rule was given."""
        with self._lock:
            self._rules[rule_id] = model_id

    def model_of(self, rule_id: str) -> str | None:
        """Return the model that a rule was given."""
        with self._lock:
            return self._rules.get(rule_id)

    def as_json(self) -> dict[str, Any]:
        """Return the whole journal."""
        with self._lock:
            return {
                "starts": [asdict(job) for job in self._jobs.values()],
                "events": [asdict(posting) for posting in self._postings],
                "refused": dict(self._refused),
                "writes": list(self._writes),
                "rules": dict(self._rules),
            }
