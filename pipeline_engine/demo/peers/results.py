"""What the stand-ins say that their jobs have made, in the shapes of the real services."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.world import CLUSTERS, RECOMMENDED


def result_of(job: Job) -> dict[str, Any]:
    """Return the result of a job; the ids of what was made are not in it, as in real life."""
    return {"workflow_id": job.workflow_id, **_RESULTS[job.kind](job)}


def recommendations_for(subject: str, cluster_id: str | None = None) -> list[dict[str, Any]]:
    """Return where a model would run, and how well; the same for the same model."""
    rng = random.Random(subject)
    weights = round(rng.uniform(8.0, 18.0), 1)
    names = [name for name in clusters_for(subject) if cluster_id in (None, name)]
    return [_recommendation(name, weights, rng) for name in names]


def clusters_for(subject: str) -> list[str]:
    """Return where a model would run; every model fits on the big two, some on the third."""
    return list(RECOMMENDED if len(subject) % 2 else RECOMMENDED[:2])


def _onboarded(job: Job) -> dict[str, Any]:
    return {
        "model_info": {"uri": job.subject, "modality": ["text_input", "text_output"]},
        "local_path": f"/models/{job.subject.rsplit('/', 1)[-1]}",
    }


def _simulated(job: Job) -> dict[str, Any]:
    return {"recommendations": recommendations_for(job.subject, job.facts.get("cluster_id"))}


def _measured(job: Job) -> dict[str, Any]:
    rng = random.Random(job.subject)
    return {
        "benchmark_name": job.facts.get("name"),
        "cluster_id": job.facts.get("cluster_id"),
        "mean_ttft_ms": round(rng.uniform(80, 200), 1),
        "output_throughput": round(rng.uniform(200, 900), 1),
    }


def _deployed(job: Job) -> dict[str, Any]:
    return {
        "cluster_id": job.facts.get("cluster_id"),
        "simulator_id": job.facts.get("simulator_id"),
        "namespace": f"bud-{job.subject}",
        "deployment_status": "ready",
        "number_of_nodes": 1,
        "supported_endpoints": ["/v1/chat/completions"],
    }


def _deleted(job: Job) -> dict[str, Any]:
    return {"namespace": f"bud-{job.subject}", "cluster_id": "cluster-amsterdam"}


def _cluster_job(job: Job) -> dict[str, Any]:
    return {"job_type": job.facts.get("job_type"), "cluster_id": job.facts.get("cluster_id")}


_RESULTS: Mapping[JobKind, Callable[[Job], dict[str, Any]]] = MappingProxyType(
    {
        JobKind.ONBOARDING: _onboarded,
        JobKind.SIMULATION: _simulated,
        JobKind.BENCHMARK: _measured,
        JobKind.DEPLOYMENT: _deployed,
        JobKind.DELETION: _deleted,
        JobKind.CLUSTER: _cluster_job,
    }
)


def _recommendation(cluster_id: str, weights: float, rng: random.Random) -> dict[str, Any]:
    return {
        "cluster_id": cluster_id,
        "cluster_name": CLUSTERS[cluster_id].title,
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
        "tool_calling_parser_type": "hermes",
        "reasoning_parser_type": None,
        "chat_template": None,
        "supports_lora": True,
        "supports_pipeline_parallelism": False,
    }
