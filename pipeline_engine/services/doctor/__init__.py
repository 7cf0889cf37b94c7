"""Is the running installation set up the way the engine needs it? Looked at, not assumed.

Each check is a trap that has cost somebody a day. What cannot be looked at is not well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.doctor import access, broker, configuration, database, workers
from pipeline_engine.services.doctor.checks import Check, Installation
from pipeline_engine.services.doctor.report import Report, report
from pipeline_engine.services.doctor.within import SECONDS, look_within
from pipeline_engine.services.looks import Looks

__all__ = ["Check", "Report", "examine", "examine_within", "run"]

PARTS = {
    "database": database.run,
    "redis": broker.run,
    "workers": workers.run,
    "configuration": configuration.run,
    "access": access.run,
}


def run(runtime: Runtime, *, flower_url: str | None = None) -> list[Check]:
    """Look at everything; it takes two seconds, in which the workers may answer."""
    installation = Installation(runtime, flower_url)
    return [check for look in PARTS.values() for check in look(installation)]


def examine(runtime: Runtime, *, flower_url: str | None = None) -> Report:
    """Look at everything, one thing after another, however long it takes."""
    return report(runtime.settings, run(runtime, flower_url=flower_url))


def examine_within(runtime: Runtime, looks: Looks, *, seconds: float = SECONDS) -> Report:
    """Look at everything at once, and say of what has not answered in time that it has not."""
    installation = Installation(runtime, runtime.settings.flower_url)
    parts = {name: partial(_listed, look) for name, look in PARTS.items()}
    return report(runtime.settings, look_within(looks, installation, parts, seconds=seconds))


def _listed(look: Callable[[Installation], Iterator[Check]], of: Installation) -> list[Check]:
    return list(look(of))
