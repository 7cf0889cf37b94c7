"""An execution as it is at one moment: its steps, with the items and steps that these hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.client.http import Client, Json
from pipeline_engine.client.tree import Branch, grown
from pipeline_engine.domain.paths import attempt_of
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step or item; its *items* are the steps that it holds, if it is a block."""

    id: str
    step_id: str
    name: str
    action: str
    status: StepStatus
    attempt: int
    percentage: float
    is_parked: bool
    parked_until: str | None
    error: str | None
    within: str | None = None  #: the blocks around it
    items_total: int = 0
    items_open: int = 0
    items: tuple[StepView, ...] = ()

    @property
    def is_working(self) -> bool:
        """A worker has it at the moment."""
        return self.status is StepStatus.RUNNING and not self.is_parked

    @property
    def rows(self) -> Iterator[StepView]:
        """This one, and after it what it holds."""
        yield self
        for item in self.items:
            yield from item.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One execution and all its steps."""

    execution_id: str
    name: str
    status: ExecutionStatus
    percentage: float
    eta_seconds: int | None
    outputs: Json | None
    error: Json | None
    steps: tuple[StepView, ...]
    taken_at: float = field(default_factory=time.monotonic, compare=False)

    @property
    def rows(self) -> Iterator[StepView]:
        """Every step, and after each what it holds."""
        for step in self.steps:
            yield from step.rows

    def step(self, step_id: str) -> StepView:
        """Return one step by its id in the definition; ``KeyError`` if there is none."""
        return {step.step_id: step for step in self.steps}[step_id]


def take(client: Client, execution_id: str) -> Snapshot:
    """Ask the API how an execution stands."""
    document = client.progress(execution_id)
    execution, aggregate = document["execution"], document["aggregated_progress"]
    return Snapshot(
        execution_id=execution["id"],
        name=execution["pipeline_definition"]["workflow_name"],
        status=ExecutionStatus(execution["status"]),
        percentage=float(aggregate["overall_progress"]),
        eta_seconds=aggregate["eta_seconds"],
        outputs=execution["final_outputs"],
        error=execution["error_info"],
        steps=tuple(_view(grown(client, execution_id, step)) for step in document["steps"]),
    )


def _view(branch: Branch) -> StepView:
    step, counts = branch.step, branch.step.get("items") or {}
    return StepView(
        id=str(step["id"]),
        step_id=step["step_id"],
        name=_name(step),
        action=step["handler_type"],
        status=StepStatus(step["status"]),
        attempt=attempt_of(
            step["attempt"], step.get("retry_count") or 0, holds_rows=bool(counts.get("total"))
        ),
        percentage=float(step["progress_percentage"]),
        is_parked=bool(step["parked"]),
        parked_until=step["timeout_at"],
        error=step["error_message"],
        within=step.get("within"),
        items_total=int(counts.get("total") or 0),
        items_open=int(counts.get("open") or 0),
        items=tuple(map(_view, branch.below)),
    )


def _name(step: Json) -> Any:
    index = step.get("item_index")
    return step["step_name"] if index is None else step.get("item_key") or f"item {index}"
