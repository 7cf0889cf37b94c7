"""``/health`` and ``/ready``: open to everybody, and honest."""

from __future__ import annotations

from typing import Any

from ..health import health_document, readiness_document
from .auth import open_to_everybody
from .blueprint import Blueprint
from .context import probe
from .schemas.health import HealthSchema, ReadySchema

health = Blueprint("health", __name__, description="Is it well?")


@health.on("GET", "/health", operation="get_health", scope=None)
@health.answers(200, HealthSchema)
@open_to_everybody
def show_health() -> Any:
    """Say that this process lives, and what it misses; always 200."""
    return health_document(probe().look())


@health.on("GET", "/ready", operation="get_readiness", scope=None)
@health.answers(200, ReadySchema)
@open_to_everybody
def show_readiness() -> Any:
    """Say whether requests can be served: 503 without a database of the right version."""
    found = probe().look()
    return readiness_document(found), 200 if found.is_ready else 503
