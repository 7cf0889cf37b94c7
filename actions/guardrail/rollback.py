"""Takes back what a guardrail deployment has made; models that were onboarded stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
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
    register_action,
)

from ..peers.deploying import DEPLOYMENT
from .made import Made, made_by
from .taking_back import (
    DEPLOYMENTS,
    deleted,
    endpoint_deleted,
    profile_deleted,
    profile_restored,
    table_taken_back,
)

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
            "guardrail_profile_id",
            "Profile that was there",
            description="Never deleted: it says again what it said before.",
            secrets=False,
        ),
        ParamDefinition(
            "profile_before",
            "What that profile said",
            ParamType.JSON,
            description="As guardrail_create_profile leaves it.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "table_of",
            "Profile of the table",
            description="Whose configuration the gateway has; told of also if it is gone already.",
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
            "everything",
            "Everything",
            ParamType.BOOLEAN,
            default=False,
            description="Also what this execution has made and none of its steps knows of.",
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
        OutputDefinition("preserved", "object", "{onboarded_models, profiles}."),
        OutputDefinition("errors", "array", "What could not be undone, one text each."),
    ],
    examples=[
        ActionExample(
            "When the pipeline fails",
            {
                "profile_id": "{{ steps.create_profile.outputs.profile_id }}",
                "deployment_id": "{{ steps.create_deployment.outputs.deployment_id }}",
                "deployed_endpoint_ids": "{{ steps.deploy_models.outputs.endpoint_ids }}",
                "everything": True,
                "reason": "The deployment failed",
            },
            "A handler of settings.on_failure; what no step has made is null, and passed over.",
        )
    ],
)


KINDS = ("deployments", "redis_keys", "endpoints", "profiles")


@dataclass(frozen=True)
class Report:
    """What was taken back so far, and what could not be."""

    context: ActionContext
    cleaned: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    kept: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def undo(
        self, kind: str, identity: str, change: Callable[[], bool], *, told_if_gone: bool = True
    ) -> None:
        """Undo one thing and list it; one that was gone already only if that is to be told."""
        was_there = self.tried(f"delete {kind.rstrip('s')} {identity}", change)
        if was_there or (was_there is False and told_if_gone):
            self.cleaned[kind].append(identity)

    def tried(self, what: str, change: Callable[[], bool]) -> bool | None:
        """Do it, and go on after an error, so that as little as possible is left."""
        self.context.heartbeat()
        try:
            return change()
        except ServiceError as error:
            self.errors.append(f"Failed to {what}: {error}")
            self.context.log.warning("not_rolled_back", what=what, reason=str(error))
        return None

    def result(self) -> ActionResult:
        """End the step; what is left fails it."""
        done, errors = any(self.cleaned.values()), self.errors
        models = self.context.params.get("onboarded_models") or []
        outputs: dict[str, Any] = {
            "status": "success" if not errors else "partial" if done else "error",
            "cleaned_up": self.cleaned,
            "preserved": {"onboarded_models": models, "profiles": self.kept},
            "errors": errors,
        }
        return ActionResult(
            success=not errors,
            error=f"The rollback left {len(errors)} thing(s): {errors[0]}" if errors else None,
            error_code="rollback_incomplete" if errors else None,
            outputs=outputs,
        )


@register_action(META)
class Rollback(BaseActionExecutor):
    """Takes back the gateway's configuration first: then nobody uses the rest."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Take all of it back."""
        params, report = context.params, Report(context)
        given = params.get("deployed_endpoint_ids") or []
        if not isinstance(given, list):
            raise InvalidActionParams("deployed_endpoint_ids must be a list")
        made = _made(context, report)
        profiles = _ids([params.get("profile_id"), *made.ids("profiles")])
        _take_back_tables(context, report, made, profiles)
        for one in _ids([params.get("deployment_id"), *made.ids("deployments")]):
            report.undo("deployments", one, partial(_deployment_deleted, context, made, one))
        made = _calm(context, report, made)
        for one in _ids([*given, *made.ids("endpoints")]):
            report.undo("endpoints", one, partial(_endpoint_deleted, context, made, one))
        for one in profiles:
            _take_back_profile(context, report, made, one)
        return report.result()


def _ids(found: Iterable[Any]) -> list[str]:
    """Each once, in order; what no step has made is null."""
    return list(dict.fromkeys(str(one) for one in found if one))


def _made(context: ActionContext, report: Report) -> Made:
    """What the execution has made, as far as it is asked for and can be known."""
    if context.params.get("everything"):
        try:
            return made_by(context)
        except ServiceError as error:
            report.errors.append(f"Failed to find out what was made: {error}")
    return Made()


def _calm(context: ActionContext, report: Report, made: Made) -> Made:
    """Call off the jobs that go on, and look again: one may have ended well before that."""
    if not made.running:
        return made
    for job in made.running:
        DEPLOYMENT.call_off_one(context, job)
    now = _made(context, report)
    report.errors.extend(f"The deployment job {job} goes on" for job in now.running)
    return now


def _was_there(context: ActionContext, made: Made, profile: str) -> bool:
    return profile == context.params.get("guardrail_profile_id") or made.before(profile) is not None


def _take_back_tables(
    context: ActionContext, report: Report, made: Made, profiles: Iterable[str]
) -> None:
    written = context.params.get("table_of")
    for one in _ids([written, *profiles]):
        was_there = _was_there(context, made, one)
        report.undo(
            "redis_keys",
            f"guardrail_table:{one}",
            partial(table_taken_back, context, one, was_there=was_there),
            told_if_gone=one == written,
        )


def _take_back_profile(context: ActionContext, report: Report, made: Made, one: str) -> None:
    if not _was_there(context, made, one):
        report.undo("profiles", one, lambda: one not in made.gone and profile_deleted(context, one))
        return
    report.kept.append(one)
    before = made.before(one) or context.params.get("profile_before")
    report.tried(f"restore profile {one}", partial(profile_restored, context, one, before))


def _deployment_deleted(context: ActionContext, made: Made, one: str) -> bool:
    return one not in made.gone and deleted(context, DEPLOYMENTS, one)


def _endpoint_deleted(context: ActionContext, made: Made, one: str) -> bool:
    return one not in made.gone and endpoint_deleted(context, one)
