"""What each pipeline is given.

Rules may share a model: it is onboarded, simulated and deployed once, and ``rule_ids`` says for
which of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pipeline_engine.guardrails.rules.steps import Fields, State, Step

#: The shipped pipeline that a step starts.
PIPELINES: Mapping[Step, str] = MappingProxyType(
    {
        Step.ONBOARDING: "guardrail-model-onboarding",
        Step.CLUSTER_RECOMMENDATION: "guardrail-cluster-recommendation",
        Step.DEPLOYMENT: "guardrail-deployment",
    }
)
#: As what subscribers are told of its progress.
PAYLOAD_TYPES: Mapping[Step, str] = MappingProxyType(
    {
        Step.ONBOARDING: "guardrail_model_onboarding",
        Step.CLUSTER_RECOMMENDATION: "guardrail_simulation",
        Step.DEPLOYMENT: "guardrail_deployment",
    }
)
PROFILE = ("name", "description", "tags", "guard_types", "severity_threshold")


def params(step: Step, state: State, *, workflow_id: str, user_id: str) -> dict[str, Any]:
    """The params of the pipeline of *step*."""
    return {"workflow_id": workflow_id, **_PARAMS[step](state, user_id)}


def _onboarding(state: State, user_id: str) -> dict[str, Any]:
    return {
        "models_to_onboard": models_to_onboard(state),
        "credential_id": state.given["credential_id"],
        "user_id": user_id,
    }


def _recommendation(state: State, user_id: str) -> dict[str, Any]:  # noqa: ARG001 - as the others
    return {
        "models": models_to_simulate(state),
        "hardware_mode": state.given["hardware_mode"],
    }


def _deployment(state: State, user_id: str) -> dict[str, Any]:
    given = state.given
    return {
        "profile_config": profile_config(state),
        "project_id": given["project_id"],
        "endpoint_ids": given.get("endpoint_ids") or [],
        "is_standalone": given["is_standalone"],
        "models_to_deploy": models_to_deploy(state),
        "models_to_reuse": models_to_reuse(state),
        "probe_selections": probe_selections(state),
        "user_id": user_id,
    }


_PARAMS: Mapping[Step, Callable[[State, str], dict[str, Any]]] = MappingProxyType(
    {
        Step.ONBOARDING: _onboarding,
        Step.CLUSTER_RECOMMENDATION: _recommendation,
        Step.DEPLOYMENT: _deployment,
    }
)


def probe_selections(state: State) -> Sequence[Fields]:
    """The chosen probes: those that were said, or those of the existing profile."""
    existing = state.derived.get("profile") or {}
    return state.given.get("probe_selections") or existing.get("probes") or []


def profile_config(state: State) -> dict[str, Any]:
    """The settings of the profile; with an ``id`` that one is changed, and none is made."""
    said = {name: state.given[name] for name in PROFILE if name in state.given}
    profile_id = state.given.get("guardrail_profile_id")
    if profile_id is None:
        return said
    existing = state.derived.get("profile") or {}
    return {"id": profile_id, **_present(existing, PROFILE), **said}


def _present(fields: Fields, names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if fields.get(name) is not None}


def models_to_onboard(state: State) -> list[dict[str, Any]]:
    """Each model that has to be onboarded, once."""
    return [
        {**_for_rules(rules), "model_uri": one["model_uri"], "model_provider_type": provider}
        for (_, provider), rules in _by(
            (one for one in state.statuses or () if one["requires_onboarding"]),
            lambda one: (one["model_uri"], one["model_provider_type"]),
        )
        for one in rules[:1]
    ]


def models_to_simulate(state: State) -> list[dict[str, Any]]:
    """Each model that has to be deployed, once, with what it has to carry."""
    config = state.given.get("deploy_config") or {}
    return [
        {
            **_for_rules(rules),
            "model_id": model_id,
            "model_uri": rules[0]["model_uri"],
            "deployment_config": config,
        }
        for model_id, rules in _deployable(state)
    ]


def models_to_deploy(state: State) -> list[dict[str, Any]]:
    """The same with the cluster, and the configuration that was found for it."""
    configs = {one.get("model_id"): one for one in state.derived.get("per_model_configs") or ()}
    given = state.given
    return [
        {
            **model,
            "cluster_id": given.get("cluster_id"),
            "deployment_config": {
                **((configs.get(model["model_id"]) or model).get("deployment_config") or {}),
                **_present(given, ("hardware_mode",)),
            },
            "budaiscaler_specification": given.get("budaiscaler_specification"),
        }
        for model in models_to_simulate(state)
    ]


def models_to_reuse(state: State) -> list[dict[str, Any]]:
    """What serves already, rule by rule."""
    names = ("rule_id", "model_id", "model_uri", "endpoint_id", "endpoint_name", "endpoint_url")
    return [
        {name: one.get(name) for name in names} for one in state.statuses or () if one["can_reuse"]
    ]


def _deployable(state: State) -> Iterable[tuple[Any, list[Fields]]]:
    wanted = (one for one in state.statuses or () if one["requires_deployment"])
    return _by(wanted, lambda one: one["model_id"] or one["model_uri"])


def _by(
    statuses: Iterable[Fields], key: Callable[[Fields], Any]
) -> Iterable[tuple[Any, list[Fields]]]:
    """The statuses that have a key in common, in the order in which the keys appear."""
    found: dict[Any, list[Fields]] = {}
    for one in statuses:
        found.setdefault(key(one), []).append(one)
    return found.items()


def _for_rules(rules: Sequence[Fields]) -> dict[str, Any]:
    """For whom a model is: the first rule is the one that events name."""
    ids = [one["rule_id"] for one in rules]
    return {"rule_id": ids[0], "rule_ids": ids}
