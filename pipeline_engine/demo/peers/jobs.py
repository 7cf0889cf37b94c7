"""Jobs of the stand-ins: started once per idempotency key, and written down in a journal."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4


class JobKind(StrEnum):
    """What a stand-in can be asked to do in the background."""

    ONBOARDING = "onboarding"
    SIMULATION = "simulation"


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of background work and all start calls that asked for it."""

    number: int
    kind: JobKind
    key: str | None
    model_uri: str
    workflow_id: str = field(default_factory=lambda: str(uuid4()))
    model_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "running"
    calls: int = 1
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


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

    def start(self, kind: JobKind, *, key: str | None, model_uri: str) -> tuple[Job, bool]:
        """Return the job for this key and whether the call has started it."""
        with self._lock:
            known = self._by_key.get((kind, key)) if key else None
            if known is not None:
                known.calls += 1
                return known, False
            job = Job(number=len(self._jobs), kind=kind, key=key, model_uri=model_uri)
            self._jobs[job.workflow_id] = job
            if key:
                self._by_key[kind, key] = job
            return job, True

    def refuse(self, model_uri: str, *, times: int) -> bool:
        """Count a refusal of this model unless it was refused *times* already."""
        with self._lock:
            refused = self._refused.get(model_uri, 0)
            if refused >= times:
                return False
            self._refused[model_uri] = refused + 1
            return True

    def job(self, workflow_id: str) -> Job | None:
        """Return the job with this workflow id."""
        return self._jobs.get(workflow_id)

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

    def as_json(self) -> dict[str, Any]:
        """Return the whole journal."""
        with self._lock:
            return {
                "starts": [asdict(job) for job in self._jobs.values()],
                "events": [asdict(posting) for posting in self._postings],
                "refused": dict(self._refused),
                "rules": dict(self._rules),
            }
