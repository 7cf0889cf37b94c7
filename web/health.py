"""What ``/health`` and ``/ready`` answer; the door and Flask say the same."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services.health import SERVICE, VERSION, Health


def health_document(found: Health) -> dict[str, Any]:
    """The answer of ``/health``: this process lives, and this is what it misses."""
    return {
        "status": "healthy" if found.is_well else "degraded",
        "service": SERVICE,
        "version": VERSION,
        "database": _connected(found, "database"),
        "redis": _connected(found, "redis"),
    }


def readiness_document(found: Health) -> dict[str, Any]:
    """The answer of ``/ready``; its status is 503 unless ``found.is_ready``."""
    return {
        "status": "ready" if found.is_ready else "not_ready",
        "database_connected": found.has("database"),
        "parts": [
            {"name": part.name, "is_well": part.is_well, "note": part.note} for part in found.parts
        ],
    }


def _connected(found: Health, name: str) -> str:
    return "connected" if found.has(name) else "disconnected"
