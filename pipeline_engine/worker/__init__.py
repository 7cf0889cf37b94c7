"""The Celery side: ``celery -A pipeline_engine.worker worker|beat|flower``."""

from __future__ import annotations

from pipeline_engine.worker.app import app

__all__ = ["app"]
