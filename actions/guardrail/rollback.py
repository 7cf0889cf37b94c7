"""Takes back what a guardrail deployment has made; models that were onboarded stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    InvalidActionParams,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    path_segment,
    register_action,
    settings,
)

from ..peers.calls import accepted, for_user

#: What budapp says of something that is gone already.
GONE = 404

META = ActionMeta(
    type="guardrail_rollback",
    name="Roll Back Guardrail Deployment",
    category="Guardrail",
    description="Takes back what a guardrail deployment has made; onboarded models stay.",
    icon="rotate-ccw",
    color="#EF4444",
    timeout_seconds=300,
    # What is gone already is what was wanted.
    idempotent=True,
    required_services=["budapp"],
    aliases=["guardrail.rollback"],
    params=[
        ParamDefinition("workflow_id", "Workflow", description="For budapp's records."),
        ParamDefinition(
            "profile_id",
            "Profile",
            description="Deleted, with its configuration.",
            secrets=False,
        ),
        ParamDefinition(
            "deployment_id", "Deployment", description="Deleted, with its rules.", secrets=False
        ),
        ParamDefinition(
            "deployed_endpoint_ids",
            "Endpoints",
            ParamType.JSON,
            default=[],
            description="Endpoints that were made for it: their deletion is started.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "onboarded_models",
            "Onboarded models",
            ParamType.JSON,
            default=[],
            description="Kept; they are only listed in the outputs.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition("reason", "Reason", default="", description="Why, for budapp's records."),
    ],
    outputs=[
        OutputDefinition("status", "string", "success, partial, or error if nothing was undone."),
        OutputDefinition(
            "cleaned_up", "object", "Lists of ids: {deployments, redis_keys, endpoints, profiles}."
        ),
        OutputDefinition("preserved", "object", "{onboarded_models}."),
        OutputDefinition("errors", "array", "What could not be undone, one text each."),
    ],
    examples=[
        ActionExample(
            "When the pipeline fails",
            {
                "profile_id": "{{ steps.create_profile.outputs.profile_id }}",
                "deployment_id": "{{ steps.create_deployment.outputs.deployment_id }}",
                "deployed_endpoint_ids": "{{ steps.deploy_models.outputs.endpoint_ids }}",
                "reason": "The deployment failed",
            },
            "A handler of settings.on_failure; what no step has made is null, and passed over.",
        )
    ],
)


@dataclass(frozen=True)
class Undoing:
    """One thing to take back: where it is listed, what it is called, and how it is deleted."""

    kind: str
    id: str
    path: str
    method: str = "DELETE"


@register_action(META)
class Rollback(BaseActionExecutor):
    """Goes on after an error, so that as little as possible is left."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Take all of it back, the gateway's configuration first: then nobody uses the rest."""
        cleaned: dict[str, list[str]] = {
            "deployments": [],
            "redis_keys": [],
            "endpoints": [],
            "profiles": [],
        }
        errors = []
        for undoing in list(_undoings(context)):
            error = _undone(context, undoing)
            if error is None:
                cleaned[undoing.kind].append(undoing.id)
            else:
                errors.append(error)
        return _told(context, cleaned, errors)


def _undoings(context: ActionContext) -> Iterator[Undoing]:
    params = context.params
    profile, deployment = params.get("profile_id"), params.get("deployment_id")
    endpoints = params.get("deployed_endpoint_ids") or []
    if not isinstance(endpoints, list):
        raise InvalidActionParams("deployed_endpoint_ids must be a list")
    if profile:
        key = f"guardrail_table:{profile}"
        yield Undoing("redis_keys", key, f"/internal/guardrails/redis/{path_segment(profile)}")
    if deployment:
        path = f"/guardrails/deployment/{path_segment(deployment)}"
        yield Undoing("deployments", str(deployment), path)
    for endpoint in (one for one in endpoints if one):
        path = f"/endpoints/{path_segment(endpoint)}/delete-workflow"
        yield Undoing("endpoints", str(endpoint), path, "POST")
    if profile:
        yield Undoing("profiles", str(profile), f"/guardrails/profile/{path_segment(profile)}")


def _undone(context: ActionContext, undoing: Undoing) -> str | None:
    context.heartbeat()
    facts = {name: context.params.get(name) or None for name in ("reason", "workflow_id")}
    try:
        response = context.invoke_service(
            settings.budapp_app_id,
            undoing.path,
            data={"force": True, **facts} if undoing.method == "POST" else facts,
            http_method=undoing.method,
            params=for_user(context),
        )
        accepted(response)
    except ServiceError as error:
        if error.status == GONE:
            return None
        context.log.warning("not_rolled_back", kind=undoing.kind, id=undoing.id, reason=str(error))
        return f"Failed to delete {undoing.kind.rstrip('s')} {undoing.id}: {error}"
    return None


def _told(context: ActionContext, cleaned: dict[str, list[str]], errors: list[str]) -> ActionResult:
    was_anything = any(cleaned.values())
    status = "success" if not errors else "partial" if was_anything else "error"
    outputs: dict[str, Any] = {
        "status": status,
        "cleaned_up": cleaned,
        "preserved": {"onboarded_models": context.params.get("onboarded_models") or []},
        "errors": errors,
    }
    return ActionResult(
        success=not errors,
        error=f"The rollback left {len(errors)} thing(s): {errors[0]}" if errors else None,
        error_code="rollback_incomplete" if errors else None,
        outputs=outputs,
    )
