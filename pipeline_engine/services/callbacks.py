"""The address at which a parked step is completed, for those who may see the step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.scheduler.actions.context import checks_events
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.history import StepRecord


def address(runtime: Runtime, step: StepRecord) -> str | None:
    """The callback URL of the attempt that is parked now; None if none is."""
    if not step.parked:
        return None
    left = timedelta(seconds=runtime.settings.parked_timeout_seconds)
    if step.deadline_at is not None:
        left = max(step.deadline_at - datetime.now(UTC), timedelta(0))
    token = CallbackToken(step.id, step.attempt, is_checked=_is_checked(runtime, step.action))
    return callback_url(runtime.settings, token, valid_for=left)


def _is_checked(runtime: Runtime, action: str) -> bool:
    try:
        return checks_events(runtime.registry.executor(action))
    except PipelineEngineError:  # its plug-in is not installed here
        return False
