"""What the product does, one verb phrase per function; the API, the CLI and the worker call it."""

from __future__ import annotations

from pipeline_engine.scheduler.runtime import Runtime, calm_the_collector

__all__ = ["Runtime", "calm_the_collector"]
