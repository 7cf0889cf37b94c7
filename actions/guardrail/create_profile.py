"""Makes a guardrail profile, or changes one: which probes are looked at, and how strictly."""

from __future__ import annotations

from collections.abc import Mapping
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
    ServiceResponse,
    ValidationRules,
    path_segment,
    register_action,
    settings,
)

from ..peers.answers import at, id_in
from ..peers.calls import accepted, for_user, not_done
from .made import by_whom
from .taking_back import PROFILES, deleted, profile_restored

PROFILE_IDS = ("profile.id", "data.profile_id", "data.id", "profile_id", "id")
USUAL = {"description": "", "guard_types": ["input"], "severity_threshold": 0.75}

META = ActionMeta(
    type="guardrail_create_profile",
    name="Create Guardrail Profile",
    category="Guardrail",
    description="Makes a guardrail profile of the selected probes, or changes one.",
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
            "guardrail_profile_id",
            "Profile that is there",
            description="Changed in place of a new one.",
            secrets=False,
        ),
        ParamDefinition(
            "user_id",
            "User",
            description="Accepted and not believed: peers see the user of the execution.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it was made, or changed."),
        OutputDefinition("profile_id", "string", "The profile; null if it was not made."),
        OutputDefinition("before", "object", "What it said before; null if it is a new one."),
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
    """Asks budapp to make it, or to change it."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Make the profile."""
        outputs = {"success": False, "profile_id": None, "before": None, "message": ""}
        try:
            profile_id, before = _made(context)
        except ServiceError as error:
            return not_done("Failed to create guardrail profile", error, outputs)
        word = "made" if before is None else "changed"
        done = {"success": True, "profile_id": profile_id, "before": before}
        message = f"The profile was {word}"
        return ActionResult(success=True, outputs=outputs | done | {"message": message})

    def cleanup(self, context: ActionContext) -> None:
        """Take back what an attempt may have done that was stopped before it heard of it.

        The same call with the same key is answered with it, and leaves nothing to come later.
        """
        if not context.may_repeat:
            return
        try:
            profile_id, before = _made(context)
            if before is None:
                deleted(context, PROFILES, profile_id)
            else:
                profile_restored(context, profile_id, before)
        except ServiceError as error:
            context.log.warning("not_taken_back", reason=str(error))


def _made(context: ActionContext) -> tuple[str, Mapping[str, Any] | None]:
    """Return the id of the profile, and what it said before if it was there."""
    existing = context.params.get("guardrail_profile_id") or None
    response = _sent(context, existing)
    profile_id = existing or id_in(response, *PROFILE_IDS)
    if profile_id is None:
        raise ServiceError("budapp returned no profile_id", retryable=False)
    if existing is None:
        return profile_id, None
    before = at(response, "before")
    # Where budapp does not say it, only that it was there is known.
    return profile_id, before if isinstance(before, Mapping) else {}


def _sent(context: ActionContext, existing: Any) -> ServiceResponse:
    params = context.params
    given = params["config"].items()
    config = {name: value for name, value in given if value is not None and name != "id"}
    said = {
        **config,
        "project_id": params["project_id"],
        "probe_selections": params["probe_selections"],
        **by_whom(context),
    }
    path, method, data = "/internal/guardrails/profiles", "POST", {**USUAL, **said}
    if existing is not None:
        path, method, data = f"{PROFILES}/{path_segment(existing)}", "PUT", said
    answer = context.start_once(
        settings.budapp_app_id, path, data, http_method=method, params=for_user(context)
    )
    return accepted(answer)
