"""How a test looks at an execution from outside: through the API, and at what actions left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline_engine.client import Client, Snapshot, StepView
from pipeline_engine.client.snapshot import take
from pipeline_engine.domain.states import ExecutionStatus
from support.waiting import ASK_SECONDS, wait_until

RESULTS = frozenset({"step_completed", "step_failed", "step_skipped", "step_timeout"})
LAST_EVENTS = frozenset({"workflow_completed", "workflow_failed", "workflow_interrupted"})


class Run:
    """One execution that a test has started."""

    def __init__(self, client: Client, execution_id: str) -> None:
        self._client = client
        self.id = execution_id

    @classmethod
    def start(cls, client: Client, *steps: dict[str, Any], **rest: Any) -> Run:
        """Run *steps* as a pipeline that is not stored; *rest* are its other fields."""
        params = rest.pop("params", {})
        document = {"name": "under-test", "steps": list(steps), **rest}
        return cls(client, client.run(document, params)["execution_id"])

    def now(self) -> Snapshot:
        """Return how it stands."""
        return take(self._client, self.id)

    def until(
        self, condition: Callable[[Snapshot], Any], *, within: float = 20, what: str = ""
    ) -> Snapshot:
        """Wait for a state of the execution and return it."""

        def fitting() -> Snapshot | None:
            snapshot = self.now()
            if not condition(snapshot):
                assert not snapshot.status.is_final, f"ended too early: {snapshot}"
                return None
            return snapshot

        what = what or f"a state of {self.id}"
        found = wait_until(fitting, within=within, what=what, every=ASK_SECONDS)
        assert found is not None
        return found

    def end(self, *, within: float = 40) -> Snapshot:
        """Wait for the end; every step has exactly one result then."""
        snapshot = self.until(lambda now: now.status.is_final, within=within, what="the end")
        history = self.history()
        results = Counter(e["step_execution_id"] for e in history if e["event_type"] in RESULTS)
        wrong = {row.step_id: results[row.id] for row in snapshot.rows if results[row.id] != 1}
        assert not wrong, f"steps without exactly one result: {wrong}"
        assert all(row.status.is_final for row in snapshot.rows)
        return snapshot

    def history(self) -> list[dict[str, Any]]:
        """Wait for the last event and return all of them, oldest first."""

        def whole() -> list[dict[str, Any]] | None:
            events = self._client.events(self.id)
            return events if any(e["event_type"] in LAST_EVENTS for e in events) else None

        return list(reversed(wait_until(whole, what="the end of the history") or []))

    def ends_well(self, *, within: float = 40) -> Snapshot:
        """Wait for the end, which has to be a good one."""
        snapshot = self.end(within=within)
        assert snapshot.status is ExecutionStatus.COMPLETED, "\n".join(self._story())
        return snapshot

    def _story(self) -> Iterator[str]:
        """What has happened, line by line: more than how it stands tells why."""
        for event in self.history():
            yield f"{event['timestamp']} {event['event_type']} {event['event_details']}"

    def outputs(self, step_id: str) -> dict[str, Any]:
        """Return what a step has left."""
        steps = {step["step_id"]: step for step in self._client.steps(self.id)}
        return steps[step_id]["outputs"] or {}

    def step(self, step_id: str) -> dict[str, Any]:
        """Return a step as the API shows it."""
        return {step["step_id"]: step for step in self._client.steps(self.id)}[step_id]


class Ledger:
    """What the probe actions have really done, in every process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def __str__(self) -> str:
        return str(self.path)

    def entries(self, what: str) -> list[dict[str, Any]]:
        """Return what was done, in its order."""
        lines = map(json.loads, self.path.read_text().splitlines())
        return [line for line in lines if line["what"] == what]

    def count(self, what: str) -> int:
        """Return how often it was done."""
        return len(self.entries(what))


def step(step_id: str, action: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """Return a step of a document; *fields* that a step does not have are its params."""
    own = {k: fields.pop(k) for k in STEP_FIELDS & fields.keys()}
    return {
        "id": step_id,
        "name": step_id,
        "action": action,
        "depends_on": list(depends_on),
        "params": fields,
        **own,
    }


STEP_FIELDS = frozenset(
    {"condition", "for_each", "on_failure", "queue", "retry", "timeout_seconds", "trigger_rule"}
)


def parked(snapshot: Snapshot) -> list[StepView]:
    """Return the rows that wait for an event."""
    return [row for row in snapshot.rows if row.is_parked]
