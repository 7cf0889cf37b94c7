"""The engine's own web application, in the battery's processes, with the bug if there is one."""

from __future__ import annotations

from pipeline_engine_web.asgi import door

from battery import bugs

__all__ = ["door"]

bugs.plant_from_environment()
