"""Examples of the operations on health."""

from __future__ import annotations

from collections.abc import Mapping

from .example import Example

EXAMPLES: Mapping[str, Example] = {
    "get_health": Example(
        answer={
            "status": "healthy",
            "service": "pipeline-engine",
            "version": "0.1.0",
            "database": "connected",
            "redis": "connected",
        }
    ),
    "get_readiness": Example(
        answer={
            "status": "ready",
            "database_connected": True,
            "parts": [{"name": "database", "is_well": True, "note": "connected"}],
        }
    ),
}
