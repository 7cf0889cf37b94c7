"""What a client says of a schedule, and which of it decides what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline_engine.domain.schedules import Misfire, Overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that a client says of a schedule."""

    pipeline_id: UUID | str | None  #: null: that of a saved one was deleted
    name: str
    kind: str
    expression: str | None = None
    timezone: str = "UTC"
    run_at: datetime | None = None
    dst_missing: str | None = None
    dst_doubled: str | None = None
    jitter_seconds: int = 0
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    max_runs: int | None = None
    misfire: str = Misfire.LAST
    catch_up_seconds: int | None = None
    overlap: str = Overlap.ALLOW
    pause_after_failures: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    description: str | None = None
    callback_topics: Sequence[str] | None = None
    subscriber_ids: str | None = None
    payload_type: str | None = None
    notification_workflow_id: str | None = None


#: What decides when a schedule is due; a change of one of them begins anew.
TIMING = (
    *("kind", "expression", "timezone", "run_at", "dst_missing", "dst_doubled"),
    *("jitter_seconds", "starts_at", "expires_at", "max_runs"),
)
#: What moves the moment that intervals count from.
ANCHORED = ("kind", "expression", "starts_at")
#: What has nothing to do with what is started, nor with whose rights.
NAMES = frozenset({"name", "description", "enabled"})
#: What else a row keeps as it was said.
PLAIN = (
    *("name", "description", "misfire", "catch_up_seconds", "overlap", "pause_after_failures"),
    *("subscriber_ids", "payload_type", "notification_workflow_id"),
)
