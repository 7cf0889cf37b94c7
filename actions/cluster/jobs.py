"""The jobs of budcluster: made, begun, found again, and ended by an event."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    EventContext,
    ServiceError,
    path_segment,
    settings,
)

from ..peers.answers import id_in, inner, list_in
from ..peers.created import SECONDS
from ..peers.jobs import PeerJob, failed_before

START_SECONDS = 30
#: Statuses of jobs that nobody waits for any more.
OVER = frozenset({"failed", "cancelled", "timeout", "error"})

#: Its events are flat, ``job_completed`` and ``job_failed``; budcluster tells no stages.
CLUSTER_JOB = PeerJob(
    peer=settings.budcluster_app_id,
    error_code="cluster_job_failed",
    cancel_path="/job/{id}/cancel",
)


def begin_job(context: ActionContext, job_type: str, name: str, **facts: Any) -> str:
    """Begin a job for this step, or find the one that it has begun before; return its id.

    A job does nothing until it is begun, and bears the id of who wants it. So an attempt after one
    that was lost looks for it, and idempotency keys are not needed. Raises ``ServiceError``.
    """
    source_id = str(uuid5(NAMESPACE_URL, context.idempotency_key or context.step_execution_id))
    job_id = _found(context, source_id) if context.attempt > 1 else None
    if job_id is None:
        asked = {"name": name, "job_type": job_type, "source": "budpipeline", **facts}
        made = context.start_once(
            settings.budcluster_app_id,
            "/job",
            data={**asked, "source_id": source_id},
            timeout_seconds=START_SECONDS,
            instead_of=failed_before(context, "job_id"),
        )
        job_id = id_in(inner(made), "id", "job_id")
    if job_id is None:
        raise ServiceError("No job id returned from budcluster", retryable=False)
    context.invoke_service(
        settings.budcluster_app_id,
        f"/job/{path_segment(job_id)}/execute",
        timeout_seconds=START_SECONDS,
    )
    return job_id


def cluster_of_job(context: EventContext) -> str | None:
    """Return the cluster that a finished job has made; None if budcluster cannot say it."""
    path = f"/job/{path_segment(context.external_workflow_id)}"
    try:
        job = context.invoke_service(
            settings.budcluster_app_id, path, http_method="GET", timeout_seconds=SECONDS
        )
    except ActionError as error:
        context.log.warning("not_looked_up", path=path, reason=str(error))
        return None
    return id_in(inner(job), "cluster_id", "result.cluster_id")


def _found(context: ActionContext, source_id: str) -> str | None:
    listed = context.invoke_service(
        settings.budcluster_app_id,
        "/job",
        http_method="GET",
        params={"source": "budpipeline", "source_id": source_id},
        timeout_seconds=START_SECONDS,
    )
    jobs = list_in(listed, "jobs", "data.jobs")
    return next((str(j["id"]) for j in jobs if str(j.get("status")).lower() not in OVER), None)
