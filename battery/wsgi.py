"""The engine's own web application, in the battery's processes, with the bug if there is one."""

from __future__ import annotations

from pipeline_engine_web.wsgi import app

from battery import bugs

__all__ = ["app"]

bugs.plant_from_environment()
