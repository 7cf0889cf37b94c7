"""The engine's own web application, in the battery's processes."""

from __future__ import annotations

from pipeline_engine_web.wsgi import app

__all__ = ["app"]
