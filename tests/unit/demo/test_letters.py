from __future__ import annotations

import pytest

from pipeline_engine.demo.peers.behaviour import Behaviour, UnknownSwitch
from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.letters import is_early, letters
from pipeline_engine.demo.peers.results import clusters_for

BEHAVIOUR = Behaviour(event_delay=(1.0, 2.0))


def a_job(number: int = 0, kind: JobKind = JobKind.ONBOARDING) -> Job:
    return Job(number=number, kind=kind, key="key", subject="bud/guard")


def test_the_same_seed_plans_the_same_delays() -> None:
    shuffled = BEHAVIOUR.changed({"shuffle": True, "duplicates": 0.5})

    first, second = letters(a_job(), shuffled), letters(a_job(), shuffled)

    assert [one.delay for one in first] == [one.delay for one in second]


def test_delays_stay_in_their_range_and_in_order_unless_shuffled() -> None:
    delays = [letter.delay for letter in letters(a_job(), BEHAVIOUR)]

    assert delays == sorted(delays)
    assert all(1.0 <= delay <= 2.0 for delay in delays)


def test_the_events_of_one_job_can_be_late_while_those_of_others_are_not() -> None:
    late = BEHAVIOUR.changed({"late_events": {"bud/guard": 5.0}})
    other = Job(number=0, kind=JobKind.ONBOARDING, key="key", subject="bud/other")

    assert all(6.0 <= letter.delay <= 7.0 for letter in letters(a_job(), late))
    assert all(letter.delay <= 2.0 for letter in letters(other, late))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_are_shares(share: float) -> None:
    behaviour = BEHAVIOUR.changed({"duplicates": share, "early": share})

    planned = letters(a_job(), behaviour)

    assert len(planned) == (12 if share else 6)
    assert is_early(a_job(), behaviour) is bool(share)


def test_only_the_last_event_ends_a_job() -> None:
    failing = BEHAVIOUR.changed({"failing": ["bud/guard"]})

    assert [one.ends for one in letters(a_job(), BEHAVIOUR)] == [None] * 5 + ["completed"]
    assert [one.ends for one in letters(a_job(), failing)] == [None] * 4 + ["failed"]


def test_every_model_fits_on_at_least_two_clusters() -> None:
    assert clusters_for("bud/a")[:2] == clusters_for("bud/ab")[:2]


def test_a_switch_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownSwitch, match="loudness"):
        BEHAVIOUR.changed({"loudness": 11})
