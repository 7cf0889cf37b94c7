"""The progress of an execution, with the worked values that clients know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain.progress import (
    LONGEST_ETA,
    StatusGroup,
    StepProgress,
    aggregate,
    aggregate_groups,
    never_less,
)
from pipeline_engine.domain.states import StepStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMPLETED, RUNNING, PENDING = StepStatus.COMPLETED, StepStatus.RUNNING, StepStatus.PENDING


def a_row(status, percentage=0.0, *, seconds=None, **fields):
    if seconds is not None:
        fields |= {"started_at": NOON, "finished_at": NOON + timedelta(seconds=seconds)}
    return StepProgress(status=status, percentage=percentage, **fields)


def overall(*rows):
    return str(aggregate(rows).overall_progress)


def test_an_execution_without_steps_is_at_nothing():
    found = aggregate([])

    assert str(found.overall_progress) == "0.00"
    assert (found.eta_seconds, found.current_step) == (None, None)
    assert (found.completed_steps, found.total_steps) == (0, 0)


def test_a_running_step_counts_with_its_own_percentage():
    assert overall(a_row(COMPLETED), a_row(RUNNING, 50), a_row(PENDING)) == "50.00"


def test_nobody_can_tell_how_long_a_person_takes():
    rows = [a_row(COMPLETED, seconds=1), a_row(RUNNING, waits_for_somebody=True), a_row(PENDING)]

    assert aggregate(rows).eta_seconds is None


def test_an_estimate_is_no_shorter_than_a_step_still_waits_for_the_clock():
    day = 24 * 3600
    rows = [a_row(COMPLETED, seconds=1), a_row(RUNNING, wakes_in_seconds=day), a_row(PENDING)]

    assert aggregate(rows).eta_seconds == day


def test_a_skipped_step_counts_as_done():
    found = aggregate([a_row(COMPLETED), a_row(StepStatus.SKIPPED), a_row(PENDING)])

    assert str(found.overall_progress) == "66.67"
    assert (found.completed_steps, found.total_steps) == (2, 3)


def test_a_failed_step_counts_with_what_it_reached():
    assert overall(a_row(COMPLETED), a_row(StepStatus.FAILED, 30)) == "65.00"


def test_a_fan_out_of_12_steps_is_where_the_reference_service_sees_it():
    rows = [*[a_row(COMPLETED)] * 5, a_row(RUNNING, 50), *[a_row(PENDING)] * 6]

    assert overall(*rows) == "45.83"


@pytest.mark.parametrize("status", [PENDING, StepStatus.RETRYING, StepStatus.TIMEOUT])
def test_other_steps_count_as_nothing_whatever_they_reached(status):
    assert overall(a_row(COMPLETED), a_row(status, 80)) == "50.00"


def test_a_heavy_step_counts_for_more():
    assert overall(a_row(COMPLETED, weight=3), a_row(PENDING)) == "75.00"


def test_the_current_step_is_the_last_one_that_runs():
    rows = [a_row(RUNNING, name="a"), a_row(RUNNING, name="b"), a_row(PENDING, name="c")]

    assert aggregate(rows).current_step == "b"


def test_the_eta_is_the_mean_duration_times_what_is_left():
    rows = [
        a_row(COMPLETED, seconds=10),
        a_row(COMPLETED, seconds=30),
        a_row(RUNNING, 75),
        a_row(PENDING),
    ]

    assert aggregate(rows).eta_seconds == 25


def test_the_eta_of_a_heavy_step_is_longer():
    rows = [a_row(COMPLETED, seconds=10), a_row(PENDING, weight=6)]

    assert aggregate(rows).eta_seconds == 60


@pytest.mark.parametrize(
    "rows",
    [
        [a_row(RUNNING, 50), a_row(PENDING)],
        [a_row(COMPLETED), a_row(PENDING)],
        [a_row(COMPLETED, seconds=10)],
        [a_row(COMPLETED, seconds=10), a_row(StepStatus.FAILED)],
    ],
)
def test_there_is_no_eta_without_a_finished_step_or_without_anything_left(rows):
    assert aggregate(rows).eta_seconds is None


def test_progress_never_goes_back():
    assert never_less(Decimal("50.00"), Decimal("40.00")) == Decimal("50.00")
    assert never_less(Decimal("50.00"), Decimal("60.00")) == Decimal("60.00")
    assert never_less(None, Decimal("0.00")) == Decimal("0.00")


ROWS = st.lists(
    st.builds(
        a_row,
        st.sampled_from(StepStatus),
        st.floats(-10, 200),
        seconds=st.none() | st.integers(0, 1000),
        weight=st.integers(1, 5),
    ),
    max_size=20,
)


@given(ROWS)
def test_sums_by_status_give_the_same_answer_as_all_rows(rows):
    def group(status):
        found = [row for row in rows if row.status is status]
        timed = [row for row in found if row.finished_at is not None]
        return StatusGroup(
            status=status,
            count=len(found),
            weight=sum(row.weight for row in found),
            weighted_percentage=sum(
                Decimal(str(min(max(row.percentage, 0), 100))) * row.weight for row in found
            ),
            timed_weight=sum(row.weight for row in timed),
            seconds=sum((row.finished_at - row.started_at).total_seconds() for row in timed),
        )

    by_group, by_row = aggregate_groups(map(group, StepStatus)), aggregate(rows)
    assert by_group.overall_progress == by_row.overall_progress
    assert by_group.eta_seconds == by_row.eta_seconds
    assert 0 <= by_row.overall_progress <= 100


@pytest.mark.parametrize(
    "weight",
    [1e-300, 5e-324, 1e308, 0.0, -0.0, -1.0, float("nan"), float("inf"), Decimal("NaN")],
)
def test_progress_is_told_whatever_weight_a_row_holds(weight):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    done = StepProgress(
        status=StepStatus.COMPLETED,
        weight=weight,
        started_at=began,
        finished_at=began + timedelta(seconds=3),
    )

    found = aggregate([done, StepProgress(status=StepStatus.PENDING, weight=1000)])

    assert 0 <= found.overall_progress <= 100
    assert found.eta_seconds is None or 0 <= found.eta_seconds <= LONGEST_ETA
