"""What is known about executions: the read side. Nothing here changes what happens.

Everything that leaves is redacted, and what belongs to another user does not exist.
"""

from __future__ import annotations

from pipeline_engine.services.queries.evaluation import Evaluated, Trial, evaluate
from pipeline_engine.services.queries.events import (
    EVENT_TYPES,
    EventFilter,
    EventList,
    EventRecord,
    events,
)
from pipeline_engine.services.queries.executions import (
    EXECUTION_STATUSES,
    ExecutionRecord,
    StartedRecord,
    execution,
    executions,
    just_started,
    started_execution,
)
from pipeline_engine.services.queries.items import STEP_STATUSES, ItemCounts, ItemFilter
from pipeline_engine.services.queries.logs import LEVELS, LogFilter, LogLine, LogList, logs
from pipeline_engine.services.queries.one_step import OneStep, one_step
from pipeline_engine.services.queries.overview import Overview, overview
from pipeline_engine.services.queries.parked import PARKED_KINDS, ParkedStep, parked
from pipeline_engine.services.queries.progress import Progress, ProgressQuery, progress
from pipeline_engine.services.queries.steps import (
    StepRecord,
    below,
    callback_url_of,
    step,
    steps,
)
from pipeline_engine.services.queries.wanted_executions import ExecutionFilter
from pipeline_engine.storage.parked import ParkedFilter, ParkedKind

__all__ = [
    "EVENT_TYPES",
    "EXECUTION_STATUSES",
    "LEVELS",
    "PARKED_KINDS",
    "STEP_STATUSES",
    "Evaluated",
    "EventFilter",
    "EventList",
    "EventRecord",
    "ExecutionFilter",
    "ExecutionRecord",
    "ItemCounts",
    "ItemFilter",
    "LogFilter",
    "LogLine",
    "LogList",
    "OneStep",
    "Overview",
    "ParkedFilter",
    "ParkedKind",
    "ParkedStep",
    "Progress",
    "ProgressQuery",
    "StartedRecord",
    "StepRecord",
    "Trial",
    "below",
    "callback_url_of",
    "evaluate",
    "events",
    "execution",
    "executions",
    "just_started",
    "logs",
    "one_step",
    "overview",
    "parked",
    "progress",
    "started_execution",
    "step",
    "steps",
]
