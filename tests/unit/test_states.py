"""The tables of statuses and of the moves between them."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.states import (
    EXECUTION_MOVES,
    FINAL_EXECUTION_STATUSES,
    FINAL_STEP_STATUSES,
    OPEN_STEP_STATUSES,
    STEP_MOVES,
    ExecutionStatus,
    PipelineStatus,
    StepStatus,
)


def test_the_statuses_are_those_that_clients_know():
    assert set(ExecutionStatus) == {"PENDING", "RUNNING", "COMPLETED", "FAILED", "INTERRUPTED"}
    assert set(PipelineStatus) == {"DRAFT", "ACTIVE", "ARCHIVED"}
    assert set(StepStatus) == {
        "PENDING",
        "RUNNING",
        "COMPLETED",
        "FAILED",
        "SKIPPED",
        "RETRYING",
        "TIMEOUT",
    }


@pytest.mark.parametrize(
    ("statuses", "moves"), [(ExecutionStatus, EXECUTION_MOVES), (StepStatus, STEP_MOVES)]
)
def test_every_status_has_its_row_in_the_table_and_never_leads_to_itself(statuses, moves):
    assert set(moves) == set(statuses)
    assert not [status for status in statuses if status in moves[status]]


def test_no_move_leads_out_of_an_end():
    ends = {StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.TIMEOUT}

    assert ends == FINAL_STEP_STATUSES
    assert {status for status in StepStatus if status.is_final} == ends
    assert set(StepStatus) - ends == OPEN_STEP_STATUSES


def test_an_execution_that_never_started_can_end_in_every_way():
    assert EXECUTION_MOVES[ExecutionStatus.PENDING] >= FINAL_EXECUTION_STATUSES
    assert {s for s in ExecutionStatus if s.is_final} == FINAL_EXECUTION_STATUSES


@pytest.mark.parametrize(
    ("moves", "start"),
    [(EXECUTION_MOVES, ExecutionStatus.PENDING), (STEP_MOVES, StepStatus.PENDING)],
)
def test_every_status_can_be_reached_and_can_come_to_an_end(moves, start):
    reached, waiting = {start}, [start]
    while waiting:
        for status in moves[waiting.pop()] - reached:
            reached.add(status)
            waiting.append(status)

    assert reached == set(moves)
    assert all(not moves[s] or any(not moves[t] for t in moves[s]) for s in moves)
