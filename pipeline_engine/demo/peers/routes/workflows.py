"""budapp: projects, credentials, and the workflows that it has started."""

from __future__ import annotations

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok
from pipeline_engine.demo.peers.services import Services


def credential(services: Services, call: Call) -> Answer:
    """Describe a credential."""
    if not services.world.has("credential", call.identity):
        return not_found("Credential", call.identity)
    return ok({"data": {"id": call.identity, "type": "hugging_face", "name": "Demo"}})


def project(services: Services, call: Call) -> Answer:
    """Describe a project."""
    if not services.world.has("project", call.identity):
        return not_found("Project", call.identity)
    return ok({"project": {"id": call.identity, "name": f"Project {call.identity}"}})


def workflow(services: Services, call: Call) -> Answer:
    """Tell the state of a workflow and what it has made."""
    job = services.journal.job(call.identity)
    if job is None:
        return not_found("Workflow", call.identity)
    found = {"workflow_id": job.workflow_id, "status": job.status, "workflow_steps": job.made}
    return ok({**found, **job.made})


def cancel(services: Services, call: Call) -> Answer:
    """Stop a workflow; events that are on their way still arrive, too late."""
    job = services.journal.job(call.identity)
    if job is None:
        return not_found("Workflow", call.identity)
    if not job.is_among(services.behaviour.ignores_cancel):
        services.journal.end(job.workflow_id, "cancelled")
    return ok({"workflow_id": job.workflow_id, "status": job.status})


ROUTES = (
    ("GET", r"/budapp/projects/([^/]+)", project),
    ("GET", r"/budapp/credentials/([^/]+)", credential),
    ("GET", r"/budapp/proprietary/credentials/([^/]+)/details", credential),
    ("GET", r"/budapp/workflows/([^/]+)", workflow),
    ("POST", r"/budapp/workflows/([^/]+)/cancel", cancel),
)
