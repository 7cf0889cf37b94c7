"""The one way in which a body from outside becomes a value: by the strict JSON guard."""

from __future__ import annotations

from pipeline_engine.domain.json_guard import JsonRejected, loads

__all__ = ["JsonRejected", "loads"]
