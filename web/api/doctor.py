"""``/doctor``: is the installation set up the way the engine needs it?"""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import doctor as services

from .blueprint import Blueprint
from .context import looks, runtime
from .schemas.doctor import InstallationReportSchema

doctor = Blueprint("doctor", __name__, description="Whether the installation is set up well.")


@doctor.on("GET", operation="get_doctor", scope=Scope.ADMIN)
@doctor.answers(200, InstallationReportSchema)
def show() -> Any:
    """Look at the servers, the workers and the settings, as `pipeline-engine doctor` does.

    It takes two seconds, in which the workers may answer, and never three; who asks
    meanwhile is told the same. Secrets are masked.
    """
    return services.examine_within(runtime(), looks())
