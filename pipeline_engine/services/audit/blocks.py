"""Blocks in a history: their steps run while they are open, and they end as these ended."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.advance.fan_out import STOPPED
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import Recorded
from pipeline_engine.services.audit.scopes import Scope


def check_open(scope: Scope, block: Row) -> Iterator[Finding]:
    """What is wrong with the beginning of an attempt of a block."""
    if block.steps != len(scope.step_ids):
        yield _differs(
            block,
            found=f"it was opened into {block.steps} steps",
            expected=f"{len(scope.step_ids)}, as many as it holds",
        )


def check_new_step(scope: Scope | None, step: Row) -> Iterator[Finding]:
    """What the first event of a step says about the block that it is in."""
    if scope is None:
        yield _differs(
            step, found="it began in a block that was not open", expected="that it is opened first"
        )
    elif scope.is_over or scope.undoes:
        yield _differs(
            step, found="it began after its block had ended", expected="that it ends first"
        )


def check_end(scope: Scope, block: Row, event: Recorded, *, fails_fast: bool) -> Iterator[Finding]:
    """What the end of an attempt of a block says about the steps in it."""
    missing = scope.still_open
    if missing:
        yield _differs(
            block,
            found=f"it ended when {', '.join(missing)} had not",
            expected="that its steps end first",
        )
    yield from _check_failures(scope, block, event)
    if _was_stopped(event):
        return
    if scope.stopped and not (scope.failures and fails_fast):
        yield _differs(
            block,
            found=f"{', '.join(scope.stopped)} was stopped, and nothing had failed",
            expected="that all of its steps run",
        )
    if scope.not_needed and event.skip_reason is not SkipReason.NOT_NEEDED:
        yield _differs(
            block,
            found=f"{', '.join(scope.not_needed)} was not needed, and the block was",
            expected="that all of its steps run",
        )
    if fails_fast:
        yield from scope.not_stopped(scope.failures[:1])


def has_to_undo(scope: Scope, event: Recorded) -> bool:
    """Whether an attempt that ends so has failed: by its steps or outputs, or stopped alone."""
    if event.skip_reason is not None:
        return False
    return bool(scope.failures) or event.details.get("error_code") is not None


def _check_failures(scope: Scope, block: Row, event: Recorded) -> Iterator[Finding]:
    """The failure of a step in it is that of the block, if nothing else has stopped it."""
    if not scope.failures or _was_stopped(event):
        return
    failed = scope.failures[0].step_id
    codes = _codes(scope)
    code = event.details.get("error_code")
    if event.end is StepStatus.COMPLETED and event.caught is None:
        yield _differs(
            block, found=f"it completed although {failed} had failed", expected="a failure"
        )
    elif code is not None and code not in codes:
        yield _differs(
            block,
            found=f"it failed with {code}",
            expected=f"{' or '.join(sorted(codes))}, as {failed} did",
        )


def _was_stopped(event: Recorded) -> bool:
    """Whether an attempt may have ended from outside, and not because its steps had ended."""
    return event.skip_reason is not None or event.details.get("error_code") in STOPPED


def _codes(scope: Scope) -> set[str]:
    return {failure.details.get("error_code") or "step_failed" for failure in scope.failures}


def _differs(row: Row, *, found: str, expected: str) -> Finding:
    return row.differs(Disagreement.WRONG_STEPS, found=found, expected=expected)
