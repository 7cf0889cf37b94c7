"""Actions that leave a record of the moment at which they ran; installed for benchmarks only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from benchmarks.ledger import Ledger
from pipeline_engine.registry import GROUP, TRUSTING, Registry
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ParamDefinition,
    ParamType,
    register_action,
)

#: holds the metadata of a package with these entry points; goes into a process's PYTHONPATH
PLUGIN = Path(__file__).parent / "plugin"
HELD_SECONDS = 120.0

PARAMS = (
    ParamDefinition("ledger", "Ledger", required=True),
    ParamDefinition("number", "Number", ParamType.NUMBER, required=True),
)
NOTE = ActionMeta(
    type="benchmark_note",
    name="Note",
    category="Benchmark",
    description="Writes down when it runs, as any blocking action would run.",
    idempotent=True,
    params=PARAMS,
)
CHEAP_NOTE = ActionMeta(
    type="benchmark_note_cheap",
    name="Cheap note",
    category="Benchmark",
    description="Writes down when it runs, inside the transaction of its batch.",
    cheap=True,
    params=PARAMS,
)
HOLD = ActionMeta(
    type="benchmark_hold",
    name="Hold",
    category="Benchmark",
    description="Writes down when it runs; the first attempt then waits for its worker to die.",
    idempotent=True,
    params=PARAMS,
)


@register_action(NOTE)
class Note(BaseActionExecutor):
    """Leaves one record."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Write the number and the time."""
        _note(context)
        return ActionResult(success=True)


@register_action(CHEAP_NOTE)
class CheapNote(Note):
    """Leaves one record, as a cheap step."""


@register_action(HOLD)
class Hold(BaseActionExecutor):
    """Leaves a record for each attempt."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Write the number and the time; the first attempt does not end."""
        _note(context)
        if context.attempt == 1:
            time.sleep(HELD_SECONDS)
        return ActionResult(success=True)


def _note(context: ActionContext) -> None:
    _ledger(str(context.params["ledger"])).note(int(context.params["number"]))


@cache
def _ledger(path: str) -> Ledger:
    return Ledger(Path(path))  # kept open, or opening the file would be measured, too


def known_actions() -> Registry:
    """Return the actions that workers find with ``PLUGIN`` in their path."""
    return Registry.discover(
        [*metadata.entry_points(group=GROUP), *_entry_points()], terms=TRUSTING
    )


def _entry_points() -> Sequence[metadata.EntryPoint]:
    found = metadata.distributions(path=[str(PLUGIN)])
    return [point for distribution in found for point in distribution.entry_points]
