"""budsim: where a model would run, and how well."""

from __future__ import annotations

from uuid import uuid4

from pipeline_engine.demo.peers.calls import Answer, Call, ok, unusable
from pipeline_engine.demo.peers.jobs import JobKind
from pipeline_engine.demo.peers.letters import REASON
from pipeline_engine.demo.peers.results import recommendations_for
from pipeline_engine.demo.peers.routes.models import started
from pipeline_engine.demo.peers.services import Services

TARGETS = ("target_ttft", "target_throughput_per_user", "target_e2e_latency")


def simulate(services: Services, call: Call) -> Answer:
    """Start a simulation; with ``debug`` its result is the answer."""
    body = call.body
    subject = str(body.get("model_uri") or body.get("pretrained_model_uri") or "")
    too_low = [name for name in TARGETS if name in body and body[name] < 1]
    if too_low:
        return unusable(f"{too_low[0]} has to be at least 1")
    cluster_id = body.get("cluster_id")
    if not body.get("debug"):
        return started(services.started(JobKind.SIMULATION, call, subject, cluster_id=cluster_id))
    if subject in services.behaviour.failing:
        return ok({"workflow_id": str(uuid4()), "recommendations": [], "message": REASON})
    found = recommendations_for(subject, cluster_id)
    return ok({"workflow_id": str(uuid4()), "recommendations": found})


ROUTES = (("POST", r"/budsim/simulator/run", simulate),)
