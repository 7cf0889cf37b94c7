"""Whose turn it is among owners, from what each has had."""

from __future__ import annotations

import pytest

from pipeline_engine.scheduler import sharing
from pipeline_engine.scheduler.sharing import Share


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def share(clock: Clock) -> Share:
    return Share(now=clock)


def served(share: Share, mine: str, count: int, seconds: float = 1.0) -> list[str]:
    """Who is served if there is always something of *mine* to go on with."""
    found = []
    for _ in range(count):
        owner = share.before(mine) or mine
        share.charge({owner: seconds})
        found.append(owner)
    return found


def test_owners_take_turns_however_much_each_has_queued(share):
    share.saw(["a", "b", "c"])

    found = served(share, "a", 30)

    assert [found.count(owner) for owner in "abc"] == [10, 10, 10]


def test_the_share_is_one_of_time_and_not_of_steps(share):
    share.saw(["quick", "slow"])
    found = []
    for _ in range(40):
        owner = share.before("slow") or "slow"
        share.charge({owner: 3.0 if owner == "slow" else 1.0})
        found.append(owner)

    assert found.count("quick") == 30


def test_who_comes_anew_is_next_and_does_not_make_up_for_what_others_had_before(share):
    share.saw(["a"])
    share.charge({"a": 3600.0})
    share.charge({"a": 1.0})

    share.saw(["a", "b"])

    assert served(share, "a", 5) == ["b", "a", "b", "a", "b"]


def test_among_many_who_wait_the_one_who_has_had_nothing_is_next(share):
    share.saw([f"a{number}" for number in range(10)])
    served(share, "a0", 100)

    share.saw([*(f"a{number}" for number in range(10)), "b"])

    assert share.before("a3") == "b"


def test_who_has_fewer_steps_at_work_is_served_first(share):
    share.saw(["a", "b"])
    share.charge({"b": 100.0})

    with share.at_work("a"), share.at_work("a"), share.at_work("b"):
        assert share.before("a") == "b"
        assert share.before("b") is None


def test_nobody_is_asked_while_one_owner_is_alone_or_a_worker_was_idle(share, clock):
    share.saw(["a"])
    assert share.is_alone
    clock.at += sharing.BELIEVED_SECONDS
    assert not share.is_alone
    assert share.was_idle

    share.charge({"a": 1.0})

    assert not share.was_idle
    clock.at += 2 * sharing.IDLE_SECONDS
    with share.at_work("a"):
        assert not share.was_idle


def test_what_is_kept_of_owners_is_bounded(share):
    for number in range(3 * sharing.KEPT):
        share.charge({f"owner-{number}": 1.0})

    assert len(share._had) <= sharing.KEPT


@pytest.mark.parametrize("rest", [["z"], []])
def test_who_is_the_last_of_a_long_row_is_not_alone(share, clock, rest):
    share.saw([f"a{number}" for number in range(64)], next_from="a9\x01")
    share.saw(rest)

    assert (share.is_alone, share.is_shared) == (False, True)

    share.saw(["a"])

    assert share.is_alone
