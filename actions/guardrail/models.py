"""The models that a guardrail pipeline is given."""

from __future__ import annotations

from collections.abc import Mapping
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


def for_each_rule(model: Mapping[str, Any], line: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what came of a model once for each rule that shares it (``rule_ids``)."""
    shared = model.get("rule_ids")
    rules = shared if isinstance(shared, list) and shared else [model.get("rule_id")]
    return [{**line, "rule_id": rule} for rule in rules]


def _key(model: dict[str, Any]) -> str:
    return str(model.get("rule_id") or model.get("model_id") or model["model_uri"])
