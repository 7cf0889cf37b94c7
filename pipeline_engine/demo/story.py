"""What has happened in a demo: told by ``report.py``, judged by ``verdict.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.client import Snapshot, StepView
from pipeline_engine.client.http import Json
from pipeline_engine.demo.gateway import Guards
from pipeline_engine.demo.samples import ONBOARDING


@dataclass(frozen=True, slots=True)
class Run:
    """An execution as it has ended, and its history."""

    end: Snapshot
    history: list[Json]


@dataclass(frozen=True, slots=True)
class Death:
    """A worker was killed, and this is what it left behind."""

    worker: str
    pid: int
    parked: tuple[StepView, ...]
    working: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the peers and the gateway have at one moment, as they say themselves."""

    journal: Mapping[str, Any] = field(default_factory=dict)
    guards: Guards = field(default_factory=lambda: Guards({}, {}))

    def jobs(self, kind: str, project_id: str | None = None) -> list[Json]:
        """The peers' jobs of a kind, in the order in which they were started."""
        return [
            job
            for job in self.journal.get("starts", [])
            if job["kind"] == kind and project_id in (None, job["facts"].get("project_id"))
        ]

    def there(self, noun: str, project_id: str | None = None) -> list[Json]:
        """What there is of endpoints, profiles or deployments, of one project or of all."""
        found: list[Json] = self.journal.get("there", {}).get(noun, [])
        return [one for one in found if project_id in (None, one.get("project_id"))]


@dataclass(slots=True)
class Story:
    """All of it, as far as it has come."""

    runs: list[Run] = field(default_factory=list)
    #: by their names, as they have ended each time
    workflows: dict[str, list[Json]] = field(default_factory=dict)
    death: Death | None = None
    successor: int | None = None
    after_failure: Outside = field(default_factory=Outside)
    at_the_end: Outside = field(default_factory=Outside)

    @property
    def rows(self) -> Iterator[StepView]:
        """Every step and item of all executions."""
        for run in self.runs:
            yield from run.end.rows

    @property
    def retried(self) -> list[StepView]:
        """The rows that needed more than one attempt."""
        return [row for row in self.rows if row.attempt > 1]

    @property
    def survivor(self) -> str:
        """The id of the execution in which a worker was killed."""
        return next(run.end.execution_id for run in self.runs if run.end.name == ONBOARDING)

    def fields(self, name: str, *, end: int = -1) -> Json:
        """What is known of a workflow at one of its ends, the last without a word."""
        ends = self.workflows.get(name) or [{}]
        found: Json = ends[end].get("workflow_steps") or {}
        return found
