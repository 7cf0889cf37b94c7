"""budcluster, and what budapp knows of its clusters."""

from __future__ import annotations

from dataclasses import replace

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok, unusable
from pipeline_engine.demo.peers.jobs import JobKind
from pipeline_engine.demo.peers.services import Services
from pipeline_engine.demo.peers.world import CLUSTERS, Cluster, cluster_of

#: Checks that budcluster knows.
CHECKS = ("nodes", "api", "storage", "gpu")


def resources(_: Services, call: Call) -> Answer:
    """Tell how much memory is free."""
    cluster = CLUSTERS.get(call.identity)
    if cluster is None:
        return not_found("Cluster", call.identity)
    facts = {"name": cluster.title, "available_memory_gb": cluster.memory_gb}
    return ok({"data": {"id": cluster.id, **facts}})


def health(services: Services, call: Call) -> Answer:
    """Tell how a cluster is, check by check; one that is not known is left out."""
    if call.identity not in CLUSTERS:
        return not_found("Cluster", call.identity)
    asked = [check for check in call.query.get("checks", "").split(",") if check in CHECKS]
    ill = {check for check in asked if f"{call.identity}/{check}" in services.behaviour.failing}
    words = {True: "{} is not well", False: "{} is well"}
    return ok(
        {
            "data": {
                check: {"healthy": check not in ill, "message": words[check in ill].format(check)}
                for check in asked
            }
        }
    )


def nodes(_: Services, call: Call) -> Answer:
    """List the nodes of a cluster."""
    cluster = CLUSTERS.get(call.identity)
    if cluster is None:
        return not_found("Cluster", call.identity)
    return ok({"param": {"nodes": cluster.nodes if cluster.devices else []}})


def make_job(services: Services, call: Call) -> Answer:
    """Make a job, which does nothing until it is told to."""
    body = call.body
    if not body.get("name") or not body.get("job_type"):
        return unusable("name and job_type are required")
    return ok(services.world.make("job", body, key=services.key(call)))


def find_jobs(services: Services, call: Call) -> Answer:
    """List the jobs that were made for something, by ``source_id``."""
    wanted = call.query.get("source_id")
    found = [one for one in services.world.all("job").values() if one.get("source_id") == wanted]
    jobs = [{**one, "status": _status(services, one["id"])} for one in found]
    return ok({"jobs": jobs, "total": len(jobs)})


def execute_job(services: Services, call: Call) -> Answer:
    """Begin a job; one that runs is not begun again, whatever the key."""
    asked = services.world.get("job", call.identity)
    if asked is None:
        return not_found("Job", call.identity)
    facts = {"job_type": asked["job_type"], "cluster_id": asked.get("cluster_id")}
    begun = replace(call, key=None)  # the id of the job is key enough
    job = services.started(JobKind.CLUSTER, begun, asked["name"], job_id=call.identity, **facts)
    if isinstance(job, Answer):
        return job
    return ok({"id": job.workflow_id, "status": job.status})


def read_job(services: Services, call: Call) -> Answer:
    """Tell the state of a job and the cluster that it has made."""
    job, asked = services.journal.job(call.identity), services.world.get("job", call.identity)
    if job is None and asked is None:
        return not_found("Job", call.identity)
    made = {"cluster_id": job.facts.get("cluster_id") or job.made_id} if job and job.made else {}
    return ok({"id": call.identity, "status": _status(services, call.identity), **made})


def cancel_job(services: Services, call: Call) -> Answer:
    """Stop a job."""
    job = services.journal.job(call.identity)
    if job is None:
        return not_found("Job", call.identity)
    services.journal.end(job.workflow_id, "cancelled")
    return ok({"id": job.workflow_id, "status": job.status})


def in_budapp(_: Services, call: Call) -> Answer:
    """Describe a cluster by budapp's id."""
    cluster = cluster_of(call.identity)
    return (
        not_found("Cluster", call.identity) if cluster is None else ok({"cluster": _line(cluster)})
    )


def list_in_budapp(_: Services, __: Call) -> Answer:
    """List the clusters as budapp knows them."""
    return ok({"clusters": [_line(cluster) for cluster in CLUSTERS.values()]})


def _status(services: Services, job_id: str) -> str:
    job = services.journal.job(job_id)
    return job.status if job else "pending"


def _line(cluster: Cluster) -> dict[str, str]:
    return {"id": cluster.budapp_id, "cluster_id": cluster.id, "name": cluster.title}


ROUTES = (
    ("GET", r"/budcluster/clusters/([^/]+)/resources", resources),
    ("GET", r"/budcluster/cluster/([^/]+)/health", health),
    ("GET", r"/budcluster/cluster/([^/]+)/nodes", nodes),
    ("POST", r"/budcluster/job", make_job),
    ("GET", r"/budcluster/job", find_jobs),
    ("GET", r"/budcluster/job/([^/]+)", read_job),
    ("POST", r"/budcluster/job/([^/]+)/execute", execute_job),
    ("POST", r"/budcluster/job/([^/]+)/cancel", cancel_job),
    ("GET", r"/budapp/clusters/clusters", list_in_budapp),
    ("GET", r"/budapp/clusters/([^/]+)", in_budapp),
)
