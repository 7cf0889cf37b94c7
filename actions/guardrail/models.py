"""The models that a guardrail pipeline is given."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import ActionContext, InvalidActionParams, Item


def model_items(context: ActionContext) -> list[Item]:
    """Return one item per entry of ``params.models``; each needs a ``model_uri``."""
    models = context.params.get("models")
    if not isinstance(models, list):
        raise InvalidActionParams(f"models must be a list, got {type(models).__name__}")
    for index, model in enumerate(models):
        if not isinstance(model, dict) or not model.get("model_uri"):
            raise InvalidActionParams(f"models[{index}] has no model_uri")
    return [Item(value=model, key=_key(model)) for model in models]


def _key(model: dict[str, Any]) -> str:
    return str(model.get("rule_id") or model.get("model_id") or model["model_uri"])
