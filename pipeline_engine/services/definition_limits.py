"""How large what is sent to this installation may be."""

from __future__ import annotations

from pipeline_engine.config import Settings
from pipeline_engine.domain.checks import Limits


def limits_of(settings: Settings) -> Limits:
    """How large a definition may be in this installation."""
    return Limits(
        max_steps=settings.max_steps, max_edges=settings.max_edges, max_items=settings.max_items
    )
