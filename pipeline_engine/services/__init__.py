"""What the product does, one verb phrase per function; the API, the CLI and the worker call it."""

from __future__ import annotations

from pipeline_engine.scheduler.runtime import Runtime, tune_gc

__all__ = ["Runtime", "tune_gc"]
