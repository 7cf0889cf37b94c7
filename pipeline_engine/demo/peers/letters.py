"""The events of a job, in the shapes in which the real services send them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.jobs import Job, JobKind

PRODUCERS = {
    JobKind.ONBOARDING: ("budmodel", "perform_model_extraction"),
    JobKind.SIMULATION: ("budsim", "get_cluster_recommendations"),
}
STAGES = {
    JobKind.ONBOARDING: ("validation", "model_download", "model_extraction", "save_model"),
    JobKind.SIMULATION: ("validation", "performance_estimation", "ranking"),
}
CLUSTERS = {
    "cluster-amsterdam": ("Amsterdam, 8 x H100", 640.0),
    "cluster-bangalore": ("Bangalore, 4 x A100", 320.0),
    "cluster-chicago": ("Chicago, 2 x L40S", 48.0),
}


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


def letters(job: Job, behaviour: Behaviour) -> list[Letter]:
    """Plan the events of a job; the same seed plans the same."""
    if behaviour.silent:
        return []
    rng = random.Random(f"{behaviour.seed}:{job.number}")
    fails = job.model_uri in behaviour.failing
    contents = list(_contents(job, fails=fails))
    ends = [None] * (len(contents) - 1) + ["failed" if fails else "completed"]
    delays = sorted(rng.uniform(*behaviour.event_delay) for _ in contents)
    if behaviour.shuffle:
        rng.shuffle(delays)
    planned = [
        _letter(job, position, *content, delay=delay, ends=end)
        for position, (content, delay, end) in enumerate(zip(contents, delays, ends, strict=True))
    ]
    doubled = [letter for letter in planned if rng.random() < behaviour.duplicates]
    return planned + doubled


def is_early(job: Job, behaviour: Behaviour) -> bool:
    """Tell whether the last event of this job overtakes the answer to its start call."""
    return random.Random(f"early:{behaviour.seed}:{job.number}").random() < behaviour.early


def clusters_for(model_uri: str) -> list[str]:
    """Return where a model would run; every model fits on the big two, some on the third."""
    names = list(CLUSTERS)
    return names if len(model_uri) % 2 else names[:2]


def _contents(job: Job, *, fails: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    stages = STAGES[job.kind]
    yield "eta", {"title": "Estimated time", "message": "1", "status": "RUNNING"}
    for stage in stages[:-1] if fails else stages:
        title = stage.replace("_", " ").capitalize()
        yield stage, {"title": title, "message": f"{title} done", "status": "COMPLETED"}
    if fails:
        yield stages[-1], {"title": "Failed", "message": "Out of disk space", "status": "FAILED"}
        return
    yield "results", {"title": "Results", "status": "COMPLETED", "result": _result(job)}


def _letter(
    job: Job,
    position: int,
    event: str,
    content: dict[str, Any],
    *,
    delay: float,
    ends: str | None,
) -> Letter:
    source, payload_type = PRODUCERS[job.kind]
    event_id = f"{job.workflow_id}-{position}"
    data = {
        "type": "notification",
        "payload": {
            "category": "internal",
            "type": payload_type,
            "event": event,
            "workflow_id": job.workflow_id,
            "source": source,
            "content": content,
        },
        "notification_metadata": {
            "name": "bud-notification",
            "subscriber_ids": None,
            "workflow_id": job.workflow_id,
        },
    }
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": payload_type,
        "datacontenttype": "application/json",
        "data": data,
    }
    return Letter(
        event_id=event_id,
        event=event,
        source=source,
        workflow_id=job.workflow_id,
        body=body,
        delay=delay,
        ends=ends,
    )


def _result(job: Job) -> dict[str, Any]:
    if job.kind is JobKind.ONBOARDING:
        # The real service sends no model_id here: callers must look the workflow up.
        return {
            "workflow_id": job.workflow_id,
            "model_info": {"uri": job.model_uri, "modality": ["text_input", "text_output"]},
            "local_path": f"/models/{job.model_uri.rsplit('/', 1)[-1]}",
        }
    rng = random.Random(job.model_uri)
    weights = round(rng.uniform(8.0, 18.0), 1)
    return {
        "workflow_id": job.workflow_id,
        "recommendations": [
            _recommendation(cluster, weights, rng) for cluster in clusters_for(job.model_uri)
        ],
    }


def _recommendation(cluster_id: str, weights: float, rng: random.Random) -> dict[str, Any]:
    return {
        "cluster_id": cluster_id,
        "cluster_name": CLUSTERS[cluster_id][0],
        "metrics": {
            "ttft": round(rng.uniform(80, 200), 1),
            "throughput_per_user": round(rng.uniform(20, 60), 1),
            "e2e_latency": round(rng.uniform(1, 4), 2),
            "error_rate": 0.0,
            "cost_per_million_tokens": round(rng.uniform(0.1, 0.9), 2),
        },
        "deployment_configuration": {
            "node_groups": [
                {
                    "name": "gpu",
                    "replica": 1,
                    "weight_memory_gb": weights,
                    "kv_cache_memory_gb": round(weights / 4, 1),
                }
            ]
        },
    }
