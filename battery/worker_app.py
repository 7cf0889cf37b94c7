"""The engine's own Celery app, in the battery's processes."""

from __future__ import annotations

from pipeline_engine.worker import app

__all__ = ["app"]
