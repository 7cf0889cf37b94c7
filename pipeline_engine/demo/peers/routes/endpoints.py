"""budapp: deployments of models, which it calls endpoints."""

from __future__ import annotations

from typing import Any

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok, unusable
from pipeline_engine.demo.peers.jobs import JobKind
from pipeline_engine.demo.peers.routes.models import started
from pipeline_engine.demo.peers.services import Services

KEPT = ("model_id", "project_id", "cluster_id", "simulator_id")


def deploy(services: Services, call: Call) -> Answer:
    """Deploy a model: on a cluster that takes its time, as a model of a provider at once."""
    body = call.body
    facts = {name: body.get(name) for name in KEPT}
    if body.get("cluster_id"):
        name = body.get("endpoint_name")
        return started(services.started(JobKind.DEPLOYMENT, call, name, **facts))
    if not body.get("credential_id"):
        return unusable("cluster_id or credential_id is required")
    made = {"name": body.get("endpoint_name"), **facts}
    endpoint = services.world.make("endpoint", made, key=services.key(call))
    return ok({"status": "completed", "workflow_steps": {"endpoint_id": endpoint["id"]}})


def endpoint(services: Services, call: Call) -> Answer:
    """Describe an endpoint."""
    found = _endpoint(services, call.identity)
    return not_found("Endpoint", call.identity) if found is None else ok({"endpoint": found})


def delete(services: Services, call: Call) -> Answer:
    """Delete an endpoint; of one that is no more the body says so, with status 200."""
    identity = call.identity
    if _endpoint(services, identity) is None:
        return ok({"code": 404, "message": f"Endpoint {identity} not found"})
    if identity.startswith("instant"):
        services.world.delete("endpoint", identity)
        return ok({"code": 200, "message": "Deleted"})
    return started(services.started(JobKind.DELETION, call, identity), code=200)


def autoscale(services: Services, call: Call) -> Answer:
    """Tell how an endpoint scales."""
    if _endpoint(services, call.identity) is None:
        return not_found("Endpoint", call.identity)
    found = services.world.get("autoscale", call.identity)
    return ok({"budaiscaler_specification": found or None})


def set_autoscale(services: Services, call: Call) -> Answer:
    """Change how an endpoint scales."""
    asked = call.body.get("budaiscaler_specification")
    if _endpoint(services, call.identity) is None:
        return not_found("Endpoint", call.identity)
    if not isinstance(asked, dict) or asked.get("minReplicas", 0) > asked.get("maxReplicas", 0):
        return unusable("minReplicas may not be more than maxReplicas")
    services.world.put("autoscale", call.identity, asked)
    return ok({"message": "Autoscaling updated", "budaiscaler_specification": asked})


def deployment_settings(services: Services, call: Call) -> Answer:
    """Change the limits of an endpoint."""
    if _endpoint(services, call.identity) is None:
        return not_found("Endpoint", call.identity)
    services.world.put("settings", call.identity, call.body)
    return ok({"message": "Settings updated", "deployment_settings": call.body})


def _endpoint(services: Services, identity: str) -> dict[str, Any] | None:
    """An endpoint as budapp shows it; None if there is none, or it was deleted."""
    deletion = services.journal.latest(JobKind.DELETION, identity)
    has_gone = deletion is not None and deletion.status == "completed"
    if has_gone or not services.world.has("endpoint", identity):
        return None
    job, made = services.journal.maker_of(identity), services.world.get("endpoint", identity)
    known = {"name": job.subject, **job.facts} if job else made or {"name": f"e-{identity}"}
    is_going = deletion is not None and deletion.status == "running"
    return {
        **known,
        "id": identity,
        "status": "deleting" if is_going else "running",
        "url": f"https://gateway.example/{known['name']}",
    }


ROUTES = (
    ("POST", r"/budapp/models/deploy-workflow", deploy),
    ("GET", r"/budapp/endpoints/([^/]+)", endpoint),
    ("POST", r"/budapp/endpoints/([^/]+)/delete-workflow", delete),
    ("GET", r"/budapp/endpoints/([^/]+)/autoscale", autoscale),
    ("PUT", r"/budapp/endpoints/([^/]+)/autoscale", set_autoscale),
    ("PUT", r"/budapp/endpoints/([^/]+)/deployment-settings", deployment_settings),
)
