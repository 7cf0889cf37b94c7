"""What the supervisor decides without starting anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline_engine.embedded.supervisor import LONGEST_DELAY, restart_delay


def test_the_first_death_is_answered_at_once_because_work_is_waiting():
    assert restart_delay(0) == timedelta(0)


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.5), (2, 1), (3, 2), (4, 4)])
def test_each_quick_death_doubles_the_delay_so_that_a_crash_loop_costs_little(deaths, seconds):
    assert restart_delay(deaths) == timedelta(seconds=seconds)


def test_the_delay_is_capped_so_that_a_repaired_cause_is_noticed_soon():
    assert restart_delay(10_000) == LONGEST_DELAY
