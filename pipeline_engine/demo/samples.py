"""The sample pipelines and what they are run with."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

HELLO = "hello"
ONBOARDING = "guardrail-model-onboarding"
RECOMMENDATION = "guardrail-cluster-recommendation"
DEPLOYMENT = "guardrail-deployment"
#: Those that come with the engine.
SHIPPED = (ONBOARDING, RECOMMENDATION, DEPLOYMENT)
MODELS = (
    "meta-llama/Llama-Guard-3-8B",
    "google/shieldgemma-9b",
    "ibm-granite/granite-guardian-3.3-8b",
    "protectai/deberta-v3-base-prompt-injection-v2",
    "nvidia/nemoguard-8b-topic-control",
    "unitary/toxic-bert",
)


def pipeline(name: str) -> dict[str, Any]:
    """Return a sample pipeline as it is stored."""
    package = "pipeline_engine.demo" if name == HELLO else "pipeline_engine.guardrails"
    text = files(package).joinpath("pipelines", f"{name}.json").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


def onboarding_params(models: tuple[str, ...] = MODELS) -> dict[str, Any]:
    """Return params for the onboarding of *models*, one for each rule."""
    return {
        "workflow_id": "wizard-1",
        "models_to_onboard": [
            {
                "rule_id": f"rule-{number}",
                "model_uri": uri,
                "model_provider_type": "hugging_face",
            }
            for number, uri in enumerate(models, start=1)
        ],
        "credential_id": "credential-1",
        "user_id": "demo",
    }


def recommendation_params(onboarded: list[dict[str, Any]]) -> dict[str, Any]:
    """Return params that ask where the onboarded models have room."""
    config = {"input_tokens": 1024, "output_tokens": 128, "concurrency": 10}
    return {
        "workflow_id": "wizard-1",
        "models": [
            {
                "rule_id": model.get("rule_id"),
                "model_id": model["model_id"],
                "model_uri": model["model_uri"],
                "deployment_config": config,
            }
            for model in onboarded
        ],
        "hardware_mode": "dedicated",
    }


def deployment_params(models: list[dict[str, Any]], cluster_id: str) -> dict[str, Any]:
    """Return params that deploy onboarded models on a cluster, in front of an endpoint."""
    return {
        "workflow_id": "wizard-1",
        "profile_config": {"name": "Chat", "guard_types": ["input"], "severity_threshold": 0.75},
        "project_id": "project-1",
        "endpoint_ids": ["endpoint-1"],
        "models_to_deploy": [
            {
                "rule_id": model["rule_id"],
                "model_id": model["model_id"],
                "cluster_id": cluster_id,
                "deployment_config": {"concurrency": 10, "hardware_mode": "shared"},
            }
            for model in models
        ],
        "probe_selections": [{"id": "harm", "rules": []}],
        "user_id": "demo",
    }
