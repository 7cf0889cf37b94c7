"""The events of a job, in the shapes in which the real services send them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.results import result_of

#: Who tells of a kind of job, and what its events are called.
PRODUCERS = {
    JobKind.ONBOARDING: ("budmodel", "perform_model_extraction"),
    JobKind.SIMULATION: ("budsim", "get_cluster_recommendations"),
    JobKind.BENCHMARK: ("budcluster", "performance_benchmark"),
    JobKind.DEPLOYMENT: ("budcluster", "deploy_model"),
    JobKind.DELETION: ("budcluster", "delete_deployment"),
    JobKind.CLUSTER: ("budcluster", "job_completed"),
}
_ROLL_OUT = (
    "verify_cluster_connection",
    "transfer_model_to_cluster",
    "deploy_to_engine",
    "verify_deployment_status",
)
STAGES = {
    JobKind.ONBOARDING: ("validation", "model_download", "model_extraction", "save_model"),
    JobKind.SIMULATION: ("validation", "performance_estimation", "ranking"),
    JobKind.BENCHMARK: (*_ROLL_OUT, "run_performance_benchmark"),
    JobKind.DEPLOYMENT: _ROLL_OUT,
    JobKind.DELETION: ("delete_namespace",),
    JobKind.CLUSTER: (),
}
#: The event that stands around all others, STARTED before them and COMPLETED behind the results.
FRAMES: Mapping[JobKind, str] = MappingProxyType(
    {
        JobKind.BENCHMARK: "deployment_status",
        JobKind.DEPLOYMENT: "deployment_status",
        JobKind.DELETION: "deployment_deletion_status",
    }
)
RESULTS = "results"
REASON = "Out of disk space"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One event that is to be delivered some time after its job has started."""

    event_id: str
    event: str
    source: str
    workflow_id: str
    body: dict[str, Any]
    delay: float
    #: the status in which the job ends with this event
    ends: str | None


@dataclass(frozen=True, slots=True)
class _Content:
    """What one event says."""

    event: str
    status: str
    title: str
    message: str
    more: Mapping[str, Any]
    ends: str | None = None


def letters(job: Job, behaviour: Behaviour) -> list[Letter]:
    """Plan the events of a job; the same seed plans the same."""
    if behaviour.silent:
        return []
    rng = random.Random(f"{behaviour.seed}:{job.number}")
    contents = list(_contents(job, fails=job.is_among(behaviour.failing)))
    late = max((by for one, by in behaviour.late_events.items() if job.is_among([one])), default=0)
    delays = sorted(late + rng.uniform(*behaviour.event_delay) for _ in contents)
    if behaviour.shuffle:
        rng.shuffle(delays)
    planned = [
        _letter(job, position, content, delay=delay)
        for position, (content, delay) in enumerate(zip(contents, delays, strict=True))
    ]
    doubled = [letter for letter in planned if rng.random() < behaviour.duplicates]
    return planned + doubled


def is_early(job: Job, behaviour: Behaviour) -> bool:
    """Tell whether the last event of this job overtakes the answer to its start call."""
    return random.Random(f"early:{behaviour.seed}:{job.number}").random() < behaviour.early


def _contents(job: Job, *, fails: bool) -> Iterator[_Content]:
    frame, stages = FRAMES.get(job.kind), list(STAGES[job.kind])
    if frame:
        yield _Content(frame, "STARTED", "Started", "Started", {})
    if stages:
        yield _Content("eta", "RUNNING", "Estimated time", "1", {})
    broken = stages.pop() if fails and stages else RESULTS
    for stage in stages:
        title = stage.replace("_", " ").capitalize()
        yield _Content(stage, "COMPLETED", title, f"{title} done", {})
    if fails:
        yield _Content(broken, "FAILED", "Failed", REASON, {"result": None}, "failed")
        return
    # The real service has another word for it there.
    name = "results" if job.kind is JobKind.DELETION else "result"
    yield _Content(RESULTS, "COMPLETED", "Results", "", {name: result_of(job)}, "completed")
    if frame:
        yield _Content(frame, "COMPLETED", "Done", "Done", {})


def _letter(job: Job, position: int, content: _Content, *, delay: float) -> Letter:
    source, kind = PRODUCERS[job.kind]
    data = _flat(job, content) if job.kind is JobKind.CLUSTER else _notification(job, content)
    event_id = f"{job.workflow_id}-{position}"
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": data["type"] if job.kind is JobKind.CLUSTER else kind,
        "datacontenttype": "application/json",
        "data": data,
    }
    return Letter(
        event_id=event_id,
        event=content.event,
        source=source,
        workflow_id=job.workflow_id,
        body=body,
        delay=delay,
        ends=content.ends,
    )


def _notification(job: Job, content: _Content) -> dict[str, Any]:
    source, kind = PRODUCERS[job.kind]
    told = {"title": content.title, "message": content.message, "status": content.status}
    return {
        "type": "notification",
        "payload": {
            "category": "internal",
            "type": kind,
            "event": content.event,
            "workflow_id": job.workflow_id,
            "source": source,
            "content": {**told, **content.more},
        },
        "notification_metadata": {
            "name": "bud-notification",
            "subscriber_ids": None,
            "workflow_id": job.workflow_id,
        },
    }


def _flat(job: Job, content: _Content) -> dict[str, Any]:
    """Return what budcluster says of the jobs of its own queue."""
    failed = content.status == "FAILED"
    payload = {
        "job_id": job.workflow_id,
        "job_type": job.facts.get("job_type"),
        "source": "budpipeline",
        "status": content.status,
        "content": {"status": content.status, "result": content.more.get("result") or {}},
        **({"error": content.message} if failed else {}),
    }
    kind = "job_failed" if failed else "job_completed"
    return {"type": kind, "workflow_id": job.workflow_id, "payload": payload}
