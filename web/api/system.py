"""``/system``: what the installation is made of now."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import system as services

from .blueprint import Blueprint
from .context import looks, runtime
from .schemas.system import SystemSchema

system = Blueprint("system", __name__, description="What the installation is made of.")


@system.on("GET", operation="get_system", scope=Scope.ADMIN)
@system.answers(200, SystemSchema)
def show() -> Any:
    """Tell of workers, queues, beat, servers and settings; secrets are masked.

    It takes two seconds at most: `away` names what has not answered by then.
    """
    return services.describe(runtime(), looks())
