"""An execution as it is at one moment: its steps, and the items of those that fan out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.client.http import Client, Json
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

POLL_SECONDS = 0.25
#: more items than this are shown as numbers only
MOST_ITEMS_SHOWN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step or item."""

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
    items_total: int = 0
    items_open: int = 0
    items: tuple[StepView, ...] = ()

    @property
    def is_working(self) -> bool:
        """A worker has it at the moment."""
        return self.status is StepStatus.RUNNING and not self.is_parked


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
        """Every step, and after each its items."""
        for step in self.steps:
            yield step
            yield from step.items

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
        steps=tuple(_with_items(client, execution_id, step) for step in document["steps"]),
    )


def follow(
    client: Client, execution_id: str, *, every_seconds: float = POLL_SECONDS
) -> Iterator[Snapshot]:
    """Yield an execution again and again, the last time when it has ended."""
    pause = threading.Event()
    while True:
        snapshot = take(client, execution_id)
        yield snapshot
        if snapshot.status.is_final:
            return
        pause.wait(every_seconds)


def _with_items(client: Client, execution_id: str, step: Json) -> StepView:
    counts = step.get("items") or {}
    total = int(counts.get("total") or 0)
    items: tuple[StepView, ...] = ()
    if 0 < total <= MOST_ITEMS_SHOWN:
        found = client.items(execution_id, step["id"])
        items = tuple(_view(item) for item in found)
    return _view(step, total=total, open_=int(counts.get("open") or 0), items=items)


def _view(
    step: Json, *, total: int = 0, open_: int = 0, items: tuple[StepView, ...] = ()
) -> StepView:
    return StepView(
        id=str(step["id"]),
        step_id=step["step_id"],
        name=_name(step),
        action=step["handler_type"],
        status=StepStatus(step["status"]),
        attempt=step["attempt"],
        percentage=float(step["progress_percentage"]),
        is_parked=bool(step["parked"]),
        parked_until=step["timeout_at"],
        error=step["error_message"],
        items_total=total,
        items_open=open_,
        items=items,
    )


def _name(step: Json) -> Any:
    index = step.get("item_index")
    return step["step_name"] if index is None else step.get("item_key") or f"item {index}"
