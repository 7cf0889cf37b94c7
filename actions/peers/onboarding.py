"""The onboarding of a model that has to be fetched: budapp starts it, budmodel tells of it."""

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
from .created import created_id
from .jobs import BUDAPP_CANCELS, PeerJob, failed_before

HUGGING_FACE = "hugging_face"
START_SECONDS = 60

ONBOARDING = PeerJob(
    peer=settings.budapp_app_id,
    kinds=frozenset({"perform_model_extraction", "model_extraction"}),
    ends=frozenset({"results", "save_model"}),
    done={"validation": 10, "model_download": 60, "model_extraction": 80, "save_model": 95},
    error_code="onboarding_failed",
    cancel_path=BUDAPP_CANCELS,
)


def start_onboarding(context: ActionContext, source: str, uri: str, **more: Any) -> ServiceResponse:
    """Ask budapp to onboard the model at *uri*; *more* goes along. Raises ``ServiceError``."""
    response = context.start_once(
        settings.budapp_app_id,
        "/models/local-model-workflow",
        data={
            "workflow_total_steps": 1,
            "step_number": 1,
            "trigger_workflow": True,
            "provider_type": source,
            "name": last_segment(uri),
            "uri": uri,
            "callback_topic": CALLBACK_TOPIC,
            **more,
        },
        params=for_user(context),
        timeout_seconds=START_SECONDS,
        instead_of=failed_before(context),
    )
    return accepted(response)


def credential_for(source: str, credential_id: Any) -> dict[str, Any]:
    """Return what names the credential; budapp answers 422 if one comes with another source."""
    named = {"proprietary_credential_id": credential_id}
    return named if source == HUGGING_FACE and credential_id else {}


def last_segment(uri: str) -> str:
    """Return what a model is called when nobody has said it."""
    return uri.rstrip("/").rsplit("/", 1)[-1]


def onboarded_model_id(context: EventContext, event: EventEnvelope) -> str | None:
    """Return the model that the events, or else budapp, say an onboarding has made."""
    found = event.result.get("model_id")
    return str(found) if found else created_id(context, context.external_workflow_id, "model")
