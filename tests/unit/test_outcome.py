"""How an execution ends, and which handlers that runs."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.definitions import parse
from pipeline_engine.domain.outcome import AbortReason, handlers_after, outcome
from pipeline_engine.domain.readiness import SURVIVES_CANCEL, SURVIVES_FAILURE
from pipeline_engine.domain.states import ExecutionStatus

COMPLETED, FAILED, INTERRUPTED = (
    ExecutionStatus.COMPLETED,
    ExecutionStatus.FAILED,
    ExecutionStatus.INTERRUPTED,
)


@pytest.mark.parametrize(
    ("reason", "failed", "status"),
    [
        (None, False, COMPLETED),
        (None, True, FAILED),
        (AbortReason.FAILED, True, FAILED),
        (AbortReason.TIMED_OUT, True, FAILED),
        (AbortReason.CANCELLED, True, INTERRUPTED),
        (AbortReason.CANCELLED, False, INTERRUPTED),
    ],
)
def test_a_cancel_beats_a_failure_and_a_failure_beats_the_rest(reason, failed, status):
    assert outcome(reason, failed=failed) is status


def test_less_survives_a_cancel_than_a_failure():
    survivors = {reason: reason.survivors for reason in AbortReason}

    assert survivors == {
        AbortReason.FAILED: SURVIVES_FAILURE,
        AbortReason.TIMED_OUT: SURVIVES_FAILURE,
        AbortReason.CANCELLED: SURVIVES_CANCEL,
        AbortReason.ENDED: SURVIVES_CANCEL,
    }


@pytest.mark.parametrize(
    ("status", "ids"),
    [
        (COMPLETED, ["always"]),
        (FAILED, ["always", "on_failure"]),
        (INTERRUPTED, ["always", "on_cancel"]),
    ],
)
def test_each_end_runs_its_own_handlers_in_the_order_of_the_document(status, ids):
    handlers = [
        {"id": when, "name": when, "action": "log", "when": when}
        for when in ("always", "on_failure", "on_cancel")
    ]
    document = {"name": "p", "steps": [], "settings": {"finally": handlers}}

    assert [step.id for step in handlers_after(parse(document), status)] == ids
