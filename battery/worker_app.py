"""The engine's own Celery app, in the battery's processes, with the bug if there is to be one."""

from __future__ import annotations

from battery import bugs
from pipeline_engine.worker import app

__all__ = ["app"]

bugs.plant_from_environment()
