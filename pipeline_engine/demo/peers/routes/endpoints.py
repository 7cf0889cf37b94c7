"""budapp: deployments of models, which it calls endpoints."""

from __future__ import annotations

from typing import Any

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok, unusable
from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.routes.models import started
from pipeline_engine.demo.peers.services import Services
from pipeline_engine.demo.peers.world import CLUSTERS, cluster_of

FILTERS = ("project_id", "model_id", "name")
PAGE = {"page": 1, "limit": 50}
#: How an endpoint is, by the status of the job that makes it.
STATES = {
    "running": "deploying",
    "completed": "running",
    "failed": "failure",
    "cancelled": "deleting",
}
KEPT = ("model_id", "project_id", "cluster_id", "simulator_id", "execution_id")


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


def find(services: Services, call: Call) -> Answer:
    """List endpoints: those of a project, of a model, or with a name; a page at a time."""
    wanted = {name: call.query[name] for name in FILTERS if name in call.query}
    found = [one for one in all_endpoints(services) if wanted.items() <= one.items()]
    page, limit = (int(call.query.get(name, usual)) for name, usual in PAGE.items())
    shown = found[(page - 1) * limit : page * limit]
    return ok({"endpoints": shown, "total_record": len(found), "page": page, "limit": limit})


def all_endpoints(services: Services) -> list[dict[str, Any]]:
    """Return what there is of endpoints, also those that are on their way in or out."""
    jobs = services.journal.all(JobKind.DEPLOYMENT)
    made = [job.made_id for job in jobs if job.status != "cancelled"]
    found = [_endpoint(services, one) for one in (*made, *services.world.all("endpoint"))]
    return [one for one in found if one is not None]


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
    cluster_id = known.get("cluster_id")
    return {
        **known,
        "id": identity,
        "cluster": {"id": cluster_id, "name": _title(cluster_id)} if cluster_id else None,
        "status": "deleting" if is_going else _state(services, identity, known, job),
        "url": f"https://gateway.example/{known['name']}",
    }


def _state(services: Services, identity: str, known: dict[str, Any], job: Job | None) -> str:
    """How an endpoint is: as the stand-ins were told, or what its job has come to."""
    told = services.behaviour.endpoint_states
    names = (identity, known["name"], known.get("model_id"))
    asked_for = next((told[str(name)] for name in names if str(name) in told), None)
    return asked_for or STATES[job.status if job else "completed"]


def _title(cluster_id: str) -> str:
    cluster = CLUSTERS.get(cluster_id) or cluster_of(cluster_id)
    return cluster.title if cluster else cluster_id


ROUTES = (
    ("GET", r"/budapp/endpoints/?", find),
    ("POST", r"/budapp/models/deploy-workflow", deploy),
    ("GET", r"/budapp/endpoints/([^/]+)", endpoint),
    ("POST", r"/budapp/endpoints/([^/]+)/delete-workflow", delete),
    ("GET", r"/budapp/endpoints/([^/]+)/autoscale", autoscale),
    ("PUT", r"/budapp/endpoints/([^/]+)/autoscale", set_autoscale),
    ("PUT", r"/budapp/endpoints/([^/]+)/deployment-settings", deployment_settings),
)
