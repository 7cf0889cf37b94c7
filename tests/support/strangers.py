"""A package of actions that nobody trusts, as an engine finds it."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline_engine.isolation.terms import Terms
from pipeline_engine.registry import Registry

PLUGINS = Path(__file__).parents[1] / "plugins" / "stranger_pipeline_actions"
PACKAGE = "stranger-pipeline-actions"
#: Two processes at most, whose files stay small.
TERMS = Terms(file_bytes=1024 * 1024, children=2)


def with_terms(entry_points: list[metadata.EntryPoint], **changed: Any) -> Registry:
    """Its actions on other terms; each registry has children of its own."""
    return Registry.discover(entry_points, terms=replace(TERMS, **changed))
