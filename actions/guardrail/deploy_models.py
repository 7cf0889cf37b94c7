"""Deploys the models that guardrail rules need, all at once; one failure fails the step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    FanOutActionExecutor,
    InvalidActionParams,
    Item,
    ItemResult,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ServiceError,
    ValidationRules,
    register_action,
)

from ..peers.answers import workflow_id
from ..peers.calls import max_wait_seconds
from ..peers.created import created_id
from ..peers.deploying import DEPLOYMENT, deployed_endpoint, start_deployment
from ..peers.jobs import completed, failed, reason_in, results_follow, unfinished_before
from .made import by_whom
from .models import for_each_rule
from .taking_back import endpoint_deleted

MAX_WAIT_SECONDS = 1800
LONGEST_NAME = 60
NEEDED = ("model_id", "cluster_id")

#: What budapp wants to know of the load; the other name is that of a simulation.
LOAD = {
    "concurrent_requests": ("concurrency", 10),
    "avg_sequence_length": ("output_tokens", 128),
    "avg_context_length": ("input_tokens", 1024),
}
TARGETS = ("ttft", "per_session_tokens_per_sec", "e2e_latency")

META = ActionMeta(
    type="guardrail_deploy_models",
    name="Deploy Guardrail Models",
    category="Guardrail",
    description="Deploys the models that guardrail rules need.",
    icon="rocket",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp", "budcluster"],
    aliases=["guardrail.deploy_models"],
    params=[
        ParamDefinition(
            "models",
            "Models",
            ParamType.JSON,
            required=True,
            description="A list of {rule_id, model_id, cluster_id, deployment_config, rule_ids}.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "project_id",
            "Project",
            ParamType.PROJECT_REF,
            required=True,
            description="The project that the endpoints belong to.",
        ),
        ParamDefinition(
            "hardware_mode",
            "Hardware mode",
            ParamType.SELECT,
            default="dedicated",
            description="Whether a model has its devices for itself; its own config goes before.",
            options=[SelectOption("dedicated", "Dedicated"), SelectOption("shared", "Shared")],
        ),
        ParamDefinition(
            "user_id",
            "User",
            description="Accepted and not believed: peers see the user of the execution.",
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long each model may take.",
            validation=ValidationRules(min=60, max=7200),
        ),
    ],
    outputs=[
        OutputDefinition(
            "results",
            "array",
            "In order: {rule_id, model_id, cluster_id, endpoint_name, workflow_id, status, "
            "endpoint_id, endpoint_url, error}.",
        ),
        OutputDefinition("endpoint_ids", "array", "The endpoints that are there."),
        OutputDefinition("endpoint_urls", "array", "Where they answer, in the same order."),
        OutputDefinition("all_deployed", "boolean", "Whether every model was deployed."),
    ],
    examples=[
        ActionExample(
            "On the recommended cluster",
            {
                "models": [
                    {
                        "rule_id": "{{ params.rule_id }}",
                        "model_id": "{{ params.model_id }}",
                        "cluster_id": "{{ params.cluster_id }}",
                        "deployment_config": {"concurrency": 10},
                    }
                ],
                "project_id": "{{ params.project_id }}",
            },
        )
    ],
)


@register_action(META)
class DeployModels(FanOutActionExecutor):
    """Starts one budapp workflow per model and waits for the events of all."""

    def expand(self, context: ActionContext) -> list[Item]:
        """Return one item per model."""
        models = context.params.get("models")
        if not isinstance(models, list):
            raise InvalidActionParams(f"models must be a list, got {type(models).__name__}")
        for index, model in enumerate(models):
            missing = [n for n in NEEDED if not isinstance(model, dict) or not model.get(n)]
            if missing:
                raise InvalidActionParams(f"models[{index}] has no {', '.join(missing)}")
        return [
            Item(value=model, key=str(model.get("rule_id") or i)) for i, model in enumerate(models)
        ]

    def execute_item(self, context: ActionContext) -> ActionResult:
        """Start the deployment of one model."""
        name = _endpoint_name(context)
        started = unfinished_before(context) or workflow_id(
            start_deployment(context, **_asked(context, name))
        )
        return DEPLOYMENT.parked(
            started,
            _line(context.item, endpoint_name=name, workflow_id=started, status="deploying"),
            max_wait_seconds(context, MAX_WAIT_SECONDS),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of one model."""
        event = EventEnvelope.of(context.event_data)
        if DEPLOYMENT.has_failed(event):
            reason = reason_in(event)
            return failed(reason, DEPLOYMENT.error_code, {"status": "failed", "error": reason})
        if DEPLOYMENT.has_ended(event):
            endpoint = deployed_endpoint(context, event)
            if not results_follow(event, endpoint["endpoint_id"]):
                return completed(**endpoint, status="completed", error=None)
        return DEPLOYMENT.news(event)

    def join(
        self,
        context: ActionContext,  # noqa: ARG002 - the contract
        results: Sequence[ItemResult],
    ) -> ActionResult:
        """Collect the endpoints; a part of them is not enough, and all are told."""
        lines = [_joined(result) for result in results]
        failures = sum(not (result.succeeded or result.called_off) for result in results)
        success = all(result.succeeded for result in results)
        there = [line for line in lines if line["status"] == "completed"]
        return ActionResult(
            success=success,
            error=None if success else f"Deployment failed: {failures}/{len(lines)} models failed",
            error_code=None if success else "models_failed",
            outputs={
                "results": [
                    one
                    for result, line in zip(results, lines, strict=True)
                    for one in for_each_rule(result.value, line)
                ],
                "endpoint_ids": [line["endpoint_id"] for line in there],
                "endpoint_urls": [line["endpoint_url"] for line in there],
                "all_deployed": success,
            },
        )

    def cleanup(self, context: ActionContext) -> None:
        """Ask budapp to cancel; what has been deployed by then is deleted."""
        started = context.external_workflow_ids or _found_again(context)
        for one in started:
            if DEPLOYMENT.call_off_one(context, one) == "completed":
                _delete_what_was_made(context, one)


def _asked(context: ActionContext, name: str) -> dict[str, Any]:
    model = context.item
    config = model.get("deployment_config") or {}
    load = {
        wanted: config.get(wanted) or config.get(simulated) or usual
        for wanted, (simulated, usual) in LOAD.items()
    }
    mode = config.get("hardware_mode") or context.params.get("hardware_mode") or "dedicated"
    return {
        "model_id": model["model_id"],
        "project_id": context.params["project_id"],
        "endpoint_name": name,
        "cluster_id": model["cluster_id"],
        "hardware_mode": mode,
        "deploy_config": {**load, **{t: config[t] for t in TARGETS if config.get(t)}},
        "simulator_id": model.get("simulation_id") or None,
        "budaiscaler_specification": model.get("budaiscaler_specification") or None,
        **by_whom(context),
    }


def _found_again(context: ActionContext) -> tuple[str, ...]:
    """Return the job of an attempt that was stopped before it heard which one it is.

    The same call with the same key is answered with it. If that has never come to budapp, and
    comes later, it finds the job that is called off now.
    """
    if context.item is None or not context.may_repeat:
        return ()
    found = unfinished_before(context)
    try:
        found = found or workflow_id(
            start_deployment(context, **_asked(context, _endpoint_name(context)))
        )
    except ServiceError as error:
        context.log.warning("job_not_found", reason=str(error))
    return (found,) if found else ()


def _delete_what_was_made(context: ActionContext, started: str) -> None:
    endpoint_id = created_id(context, started, "endpoint")
    try:
        if endpoint_id is not None:
            endpoint_deleted(context, endpoint_id)
    except ServiceError as error:
        context.log.warning("endpoint_not_deleted", endpoint_id=endpoint_id, reason=str(error))


def _endpoint_name(context: ActionContext) -> str:
    """Return a name that is the same on every attempt, and no other model's."""
    model = context.item
    given = str(model.get("model_uri") or model.get("model_name") or model["model_id"])
    plain = re.sub(r"[^a-z0-9]+", "-", given.rstrip("/").rsplit("/", 1)[-1].lower()).strip("-")
    mark = sha256(context.idempotency_key.encode()).hexdigest()[:8]
    return f"{plain[:LONGEST_NAME].strip('-') or 'model'}-guardrail-{mark}"


def _line(model: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    return {
        "rule_id": model.get("rule_id"),
        "model_id": model.get("model_id"),
        "cluster_id": model.get("cluster_id"),
        "endpoint_name": None,
        "workflow_id": None,
        "status": "failed",
        "endpoint_id": None,
        "endpoint_url": None,
        "error": None,
        **facts,
    }


def _joined(result: ItemResult) -> dict[str, Any]:
    line = _line(result.value, **result.outputs)
    if result.succeeded:
        return {**line, "status": "completed"}
    status = "cancelled" if result.called_off else "failed"
    return {**line, "status": status, "error": result.error or line["error"]}
