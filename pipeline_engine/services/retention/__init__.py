"""Retention: what is deleted when, and where it is kept before that.

Reading order: ``clean_up`` (rules, batches, rows with an age of their own), ``archive``.
"""

from __future__ import annotations

from pipeline_engine.services.retention.clean_up import (
    Cleaned,
    Overview,
    Stats,
    clean_up,
    overview,
    rules_of,
    stats,
)

__all__ = ["Cleaned", "Overview", "Stats", "clean_up", "overview", "rules_of", "stats"]
