"""The address at which a parked step is completed, for those who may see the step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline_engine.scheduler.callbacks import CallbackToken, callback_url
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.history import StepRecord


def address(runtime: Runtime, step: StepRecord) -> str | None:
    """The callback URL of the attempt that is parked now; None if none is."""
    if not step.parked:
        return None
    left = timedelta(seconds=runtime.settings.parked_timeout_seconds)
    if step.deadline_at is not None:
        left = max(step.deadline_at - datetime.now(UTC), timedelta(0))
    return callback_url(runtime.settings, CallbackToken(step.id, step.attempt), valid_for=left)
