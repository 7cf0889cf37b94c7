"""What budapp knows of a model, and how budsim has to be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, path_segment

from .answers import inner
from .calls import looked_up

#: What the two kinds of engines serve, by the words in the names of endpoints.
ENGINES = {
    "LLM": ("chat",),
    "EMBEDDING": ("embedding", "classify", "rerank", "moderation"),
}


def model_info(context: ActionContext, model_id: Any) -> Mapping[str, Any]:
    """Return what budapp says of a model. Raises ``ServiceError``, also for one it has not."""
    response = looked_up(context, f"/models/{path_segment(model_id)}")
    return inner(response, "model", "data")


def pretrained_uri(model: Mapping[str, Any]) -> str | None:
    """Return where budsim finds a model: classifiers can only be read from their local path."""
    places = (model.get(name) for name in ("local_path", "uri", "huggingface_url"))
    return next((str(place) for place in places if place), None)


def model_endpoints(model: Mapping[str, Any]) -> str | None:
    """Return ``LLM``, ``EMBEDDING`` or both, from the endpoints that a model supports.

    Without it budsim takes a classifier for a language model, and finds no engine for it.
    """
    given = model.get("supported_endpoints")
    names = _enabled(given) if isinstance(given, Mapping) else given
    texts = [str(name).lower() for name in names or ()] if not isinstance(names, str) else [names]
    engines = [
        engine
        for engine, words in ENGINES.items()
        if any(word in text for text in texts for word in words)
    ]
    return ",".join(engines) or None


def _enabled(endpoints: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, facts in endpoints.items()
        if not isinstance(facts, Mapping) or facts.get("enabled", True)
    ]
