"""budapp: models, and their benchmarks."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok, unusable
from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.services import Services
from pipeline_engine.demo.peers.world import cluster_of

CREDENTIALS = ("credential_id", "proprietary_credential_id")
LONGEST_NAME = 50


def onboard(services: Services, call: Call) -> Answer:
    """Start the onboarding of one model."""
    source = call.body.get("provider_type", "hugging_face")
    if source != "hugging_face" and any(call.body.get(name) for name in CREDENTIALS):
        return unusable(f"A credential is for Hugging Face, not for {source}")
    return started(services.started(JobKind.ONBOARDING, call, call.body.get("uri")))


def add_cloud_model(services: Services, call: Call) -> Answer:
    """Add a model of a provider, which is there at once."""
    if not services.world.has("provider", str(call.body.get("provider_id", "missing"))):
        return not_found("Provider", str(call.body.get("provider_id")))
    model = services.world.make("model", {"name": call.body.get("name")}, key=services.key(call))
    # The same for the same model: a repeated call is answered with what the first one came to.
    found = {"workflow_id": str(uuid5(NAMESPACE_URL, model["id"])), "status": "completed"}
    return ok({**found, "workflow_steps": {"model_id": model["id"]}})


def model(services: Services, call: Call) -> Answer:
    """Describe a model; one whose id begins with ``classifier`` is none for chats."""
    identity = call.identity
    if not services.world.has("model", identity):
        return not_found("Model", identity)
    classifies = identity.startswith("classifier")
    endpoint = "classify" if classifies else "chat"
    uri = f"demo/{identity}"
    return ok(
        {
            "model": {
                "id": identity,
                "uri": uri,
                "huggingface_url": f"https://huggingface.example/{uri}",
                "local_path": f"/models/{identity}" if classifies else None,
                "supported_endpoints": {endpoint: {"enabled": True}, "audio": {"enabled": False}},
            }
        }
    )


def delete(services: Services, call: Call) -> Answer:
    """Delete a model."""
    if not services.world.delete("model", call.identity):
        return not_found("Model", call.identity)
    return ok({"message": "Model deleted", "object": "model.delete"})


def node_configurations(_: Services, call: Call) -> Answer:
    """Tell on which devices a model could be measured."""
    cluster = cluster_of(str(call.body.get("cluster_id")))
    if cluster is None:
        return not_found("Cluster", str(call.body.get("cluster_id")))
    options = [
        {"tp_size": 1, "pp_size": 1, "max_replicas": cluster.devices},
        {"tp_size": 2, "pp_size": 1, "max_replicas": cluster.devices // 2},
    ]
    devices = [{"device_type": kind, "tp_pp_options": options} for kind in ("cpu", cluster.device)]
    return ok({"device_configurations": devices})


def benchmark(services: Services, call: Call) -> Answer:
    """Start a benchmark; its name becomes a part of a Kubernetes name."""
    body = call.body
    if len(str(body.get("name", ""))) > LONGEST_NAME:
        return unusable(f"The name is longer than {LONGEST_NAME} characters")
    facts = {"name": body.get("name"), "cluster_id": body.get("bud_cluster_id")}
    job = services.started(JobKind.BENCHMARK, call, body.get("model_id"), **facts)
    if isinstance(job, Answer):
        return job
    # The id of the job inside of budcluster, by which events do not go.
    inside = {"workflow_id": str(uuid5(NAMESPACE_URL, job.workflow_id))}
    steps = {"budserve_cluster_events": inside}
    return ok({"data": {"workflow_id": job.workflow_id, "workflow_steps": steps}})


def started(job: Job | Answer, **more: Any) -> Answer:
    """Answer with the job that was started."""
    if isinstance(job, Answer):
        return job
    return ok({"workflow_id": job.workflow_id, "status": "running", **more})


ROUTES = (
    ("POST", r"/budapp/models/local-model-workflow", onboard),
    ("POST", r"/budapp/models/cloud-model-workflow", add_cloud_model),
    ("GET", r"/budapp/models/([^/]+)", model),
    ("DELETE", r"/budapp/models/([^/]+)", delete),
    ("POST", r"/budapp/benchmark/node-configurations", node_configurations),
    ("POST", r"/budapp/benchmark/run-workflow", benchmark),
)
