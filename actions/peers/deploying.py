"""The deployment of a model: budapp starts it, budcluster tells of it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    EventContext,
    EventEnvelope,
    ServiceResponse,
    settings,
)

from .calls import accepted, for_user
from .created import created_endpoint
from .jobs import BUDAPP_CANCELS, PeerJob, failed_before

START_SECONDS = 120

DEPLOYMENT = PeerJob(
    peer=settings.budapp_app_id,
    kinds=frozenset({"deploy_model", "perform_deployment"}),
    ends=frozenset({"results", "deploy_model", "deployment_status"}),
    begun={"deployment_status": 5, "deploy_model": 30},
    done={
        "verify_cluster_connection": 15,
        "transfer_model_to_cluster": 40,
        "deploy_to_engine": 70,
        "verify_deployment_status": 90,
        # Whoever asks is told so only while the endpoint is not there yet.
        "deploy_model": 95,
        "deployment_status": 95,
    },
    error_code="deployment_failed",
    cancel_path=BUDAPP_CANCELS,
)


def start_deployment(context: ActionContext, **facts: Any) -> ServiceResponse:
    """Ask budapp to deploy a model; what is None is not sent. Raises ``ServiceError``."""
    sent = {name: value for name, value in facts.items() if value is not None}
    response = context.start_once(
        settings.budapp_app_id,
        "/models/deploy-workflow",
        data={
            "workflow_total_steps": 1,
            "step_number": 1,
            "trigger_workflow": True,
            "callback_topic": CALLBACK_TOPIC,
            **sent,
        },
        params=for_user(context),
        timeout_seconds=START_SECONDS,
        instead_of=failed_before(context),
    )
    return accepted(response)


def deployed_endpoint(context: EventContext, event: EventEnvelope) -> dict[str, Any]:
    """Return ``endpoint_id`` and ``endpoint_url``, from the event, or else from budapp."""
    told = {name: event.result.get(name) for name in ("endpoint_id", "endpoint_url")}
    if all(told.values()):
        return told
    found = created_endpoint(context, context.external_workflow_id)
    return {name: told[name] or found[name] for name in told}
