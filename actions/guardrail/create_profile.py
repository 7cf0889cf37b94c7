"""Makes a guardrail profile: which probes are looked at, and how strictly."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    JsonShape,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ValidationRules,
    register_action,
    settings,
)

from ..peers.answers import id_in
from ..peers.calls import accepted, for_user, not_done

PROFILE_IDS = ("profile.id", "data.profile_id", "data.id", "profile_id", "id")
USUAL = {"description": "", "guard_types": ["input"], "severity_threshold": 0.75}

META = ActionMeta(
    type="guardrail_create_profile",
    name="Create Guardrail Profile",
    category="Guardrail",
    description="Makes a guardrail profile of the selected probes.",
    icon="shield-plus",
    color="#6366F1",
    timeout_seconds=60,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp"],
    aliases=["guardrail.create_profile"],
    params=[
        ParamDefinition(
            "config",
            "Settings",
            ParamType.JSON,
            required=True,
            description="{name, description, guard_types, severity_threshold}.",
            shape=JsonShape.OBJECT,
            validation=ValidationRules(
                properties={
                    "name": NestedRules(min_length=1),
                    "severity_threshold": NestedRules(type="float", min=0, max=1, required=False),
                }
            ),
        ),
        ParamDefinition(
            "project_id",
            "Project",
            ParamType.PROJECT_REF,
            required=True,
            description="The project that it belongs to.",
        ),
        ParamDefinition(
            "probe_selections",
            "Probes",
            ParamType.JSON,
            required=True,
            description="A list of {id, severity_threshold, guard_types, rules}; no rules are all.",
            shape=JsonShape.ARRAY,
        ),
        ParamDefinition(
            "user_id",
            "User",
            description="Accepted and not believed: peers see the user of the execution.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it was made."),
        OutputDefinition("profile_id", "string", "The profile; null if it was not made."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "Two probes",
            {
                "config": {"name": "Chat", "guard_types": ["input", "output"]},
                "project_id": "{{ params.project_id }}",
                "probe_selections": [{"id": "pii"}, {"id": "jailbreak", "rules": []}],
            },
        )
    ],
)


@register_action(META)
class CreateProfile(BaseActionExecutor):
    """Asks budapp to make it."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Make the profile."""
        outputs: dict[str, Any] = {"success": False, "profile_id": None, "message": ""}
        try:
            profile_id = _made(context)
        except ServiceError as error:
            return not_done("Failed to create guardrail profile", error, outputs)
        done = {"success": True, "profile_id": profile_id, "message": "The profile was made"}
        return ActionResult(success=True, outputs=outputs | done)


def _made(context: ActionContext) -> str:
    params = context.params
    config = {name: value for name, value in params["config"].items() if value is not None}
    response = context.start_once(
        settings.budapp_app_id,
        "/internal/guardrails/profiles",
        data={
            **USUAL,
            **config,
            "project_id": params["project_id"],
            "probe_selections": params["probe_selections"],
        },
        params=for_user(context),
    )
    profile_id = id_in(accepted(response), *PROFILE_IDS)
    if profile_id is None:
        raise ServiceError("budapp returned no profile_id", retryable=False)
    return profile_id
