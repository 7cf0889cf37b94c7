"""Onboards a model from Hugging Face, a URL or a disk; budapp fetches it and looks into it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ServiceError,
    ValidationRules,
    is_templated,
    register_action,
)

from ..peers.answers import workflow_id
from ..peers.calls import max_wait_seconds, not_done
from ..peers.jobs import completed, failed_before, results_follow, unfinished_before
from ..peers.onboarding import (
    HUGGING_FACE,
    ONBOARDING,
    credential_for,
    last_segment,
    onboarded_model_id,
    start_onboarding,
)

DAY = 86_400
FAILED = "Failed to add model"
SOURCES = {HUGGING_FACE: "Hugging Face", "url": "URL", "disk": "Disk"}

META = ActionMeta(
    type="model_add",
    version="1.2.0",
    name="Add Model",
    category="Model Operations",
    description="Onboards a model from Hugging Face, a URL or a disk, and waits until it is there.",
    icon="database-plus",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=DAY,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp", "budmodel"],
    params=[
        ParamDefinition(
            "model_source",
            "Source",
            ParamType.SELECT,
            default=HUGGING_FACE,
            description="Where the model is.",
            options=[SelectOption(value, label) for value, label in SOURCES.items()],
        ),
        ParamDefinition(
            "model_uri",
            "Model URI",
            required=True,
            placeholder="meta-llama/Llama-3.1-8B",
            description="owner/name, an http or https address, or a path that begins with /.",
            secrets=False,
        ),
        ParamDefinition(
            "credential_id",
            "Credential",
            ParamType.CREDENTIAL_REF,
            description="For gated models on Hugging Face; not sent for other sources.",
        ),
        ParamDefinition(
            "model_name",
            "Model name",
            description="What it is called; the last part of the URI if nothing is given.",
            secrets=False,
        ),
        ParamDefinition("description", "Description", description="What it is for."),
        ParamDefinition("author", "Author", description="Who has made it."),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=DAY,
            description="How long the onboarding may take.",
            validation=ValidationRules(min=300, max=2 * DAY),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the model was onboarded."),
        OutputDefinition("model_id", "string", "The model; null until it is there."),
        OutputDefinition("model_name", "string", "What it is called."),
        OutputDefinition("workflow_id", "string", "The workflow of budapp."),
        OutputDefinition("status", "string", "running, completed or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "A gated model",
            {
                "model_uri": "meta-llama/Llama-3.1-8B",
                "credential_id": "{{ params.credential_id }}",
            },
        ),
        ActionExample("From a disk", {"model_source": "disk", "model_uri": "/models/guard"}),
    ],
)


@register_action(META)
class ModelAdd(BaseActionExecutor):
    """Starts a workflow at budapp and waits for the events of budmodel."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that the URI fits its source."""
        uri, source = params.get("model_uri"), params.get("model_source") or HUGGING_FACE
        if not uri:
            return ["model_uri is required"]
        if is_templated(uri) or is_templated(source):
            return []
        problem = _problem_of(str(source), str(uri))
        return [problem] if problem else []

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the onboarding."""
        params = context.params
        source, uri = params.get("model_source") or HUGGING_FACE, str(params["model_uri"])
        name = params.get("model_name") or last_segment(uri)
        problem = _problem_of(source, uri)
        if problem:
            outputs = _outputs(name, success=False, status="failed")
            return not_done(FAILED, InvalidActionParams(problem), outputs)
        more = {"name": name, **{k: params.get(k) or "" for k in ("description", "author")}}
        try:
            started = unfinished_before(context) or workflow_id(
                start_onboarding(
                    context,
                    source,
                    uri,
                    **more,
                    **credential_for(source, params.get("credential_id")),
                )
            )
            return ONBOARDING.parked(
                started,
                _outputs(name, workflow_id=started, message=f"Onboarding of {name} has started"),
                max_wait_seconds(context, DAY),
            )
        except ServiceError as error:
            before = failed_before(context)
            outputs = _outputs(name, success=False, status="failed", workflow_id=before)
            return not_done(FAILED, error, outputs)

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the onboarding."""
        event = EventEnvelope.of(context.event_data)
        if ONBOARDING.has_failed(event):
            return ONBOARDING.failed(event)
        if ONBOARDING.has_ended(event):
            model_id = onboarded_model_id(context, event)
            if not results_follow(event, model_id):
                return completed(
                    success=True,
                    model_id=model_id,
                    status="completed",
                    message="The model was added",
                )
        return ONBOARDING.news(event)

    def cleanup(self, context: ActionContext) -> None:
        """Ask budapp to cancel the workflow."""
        ONBOARDING.call_off(context)


def _problem_of(source: str, uri: str) -> str | None:
    if source == HUGGING_FACE and "/" not in uri:
        return "model_uri must be owner/name for a model on Hugging Face"
    if source == "url" and not uri.startswith(("http://", "https://")):
        return "model_uri must start with http:// or https:// for a URL"
    if source == "disk" and not uri.startswith("/"):
        return "model_uri must start with / for a disk"
    return None


def _outputs(name: str, **facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "model_id": None,
        "model_name": name,
        "workflow_id": None,
        "status": "running",
        "message": "",
        **facts,
    }
