"""A process knows which of its threads should have come back."""

from __future__ import annotations

import pytest

from pipeline_engine.scheduler.occupation import Occupied


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_comes_back_is_not_stuck(clock):
    occupied = Occupied(clock)

    with occupied.by("a call", seconds=5):
        assert [one.what for one in occupied.all()] == ["a call"]
        clock.now += 4
        assert occupied.stuck() == []
    clock.now += 100

    assert occupied.all() == occupied.stuck() == []


def test_what_does_not_come_back_is_stuck_after_its_time_and_the_grace(clock):
    occupied = Occupied(clock)

    with occupied.by("a call", seconds=5), occupied.by("another", seconds=60):
        clock.now += 7
        assert [one.what for one in occupied.stuck()] == ["a call"]
        assert occupied.stuck(grace=10) == []
        clock.now += 10
        assert [one.what for one in occupied.stuck(grace=10)] == ["a call"]


def test_a_thread_that_fails_has_come_back(clock):
    occupied = Occupied(clock)

    with pytest.raises(RuntimeError), occupied.by("a call", seconds=5):
        raise RuntimeError

    assert occupied.all() == []
