"""The calendar of schedules: the scheduler's own arithmetic, by the days of whoever looks."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.driving import Driver
from support.schedules import ADA, Clockwork

from pipeline_engine.domain.callers import Caller
from pipeline_engine.services import Runtime

PATH = "/api/v1/schedules/calendar"
ALICE = Caller("alice", rights=ADA.rights, principal="token:1")
BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"


@pytest.fixture
def clock(runtime: Runtime, session: Session) -> Clockwork:
    return Clockwork(Driver(runtime), session, ALICE)


def days(client: FlaskClient, first: str, last: str, zone: str = BERLIN) -> list[dict[str, Any]]:
    answer = client.get(PATH, query_string={"from": first, "to": last, "zone": zone})
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["days"]
    return found


def marks(day: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["local"], one["mark"]) for one in day["firings"]]


def test_a_day_has_as_many_hours_as_its_clocks_and_odd_times_are_marked(
    clock: Clockwork, alice: FlaskClient
) -> None:
    clock.schedule("30 2 * * *", "2027-03-27 12:00", timezone=BERLIN, name="nightly")
    clock.schedule("0 * * * *", "2027-03-27 12:00", timezone=BERLIN, name="hourly")

    spring = days(alice, "2027-03-27", "2027-03-29")
    (autumn,) = days(alice, "2027-10-31", "2027-10-31")

    assert [day["hours"] for day in spring] == [24, 23, 24]
    assert autumn["hours"] == 25
    assert ("2027-03-28T03:00:00+02:00", "shifted") in marks(spring[1])
    assert [(one["local"], one["why"]) for one in spring[1]["skipped"]] == [
        ("2027-03-28T02:00:00", "missing")  # the hourly one, which is no time of the day
    ]
    hourly = [one for one in autumn["firings"] if one["name"] == "hourly"]
    assert len(hourly) == 25
    assert ("2027-10-31T02:00:00+01:00", "repeated") in marks(autumn)
    assert ("2027-10-31T02:30:00+02:00", None) in marks(autumn)
    assert [(one["name"], one["at"], one["why"]) for one in autumn["skipped"]] == [
        ("nightly", "2027-10-31T01:30:00+00:00", "doubled")
    ]


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [("2027-10-02", "2027-10-04", [24, 23.5, 24]), ("2027-04-03", "2027-04-05", [24, 24.5, 24])],
)
def test_a_change_by_half_an_hour_makes_half_an_hour_of_difference(
    alice: FlaskClient, first: str, last: str, hours: list[float]
) -> None:
    assert [day["hours"] for day in days(alice, first, last, LORD_HOWE)] == hours


def test_it_shows_a_week_from_today_unless_told_otherwise(alice: FlaskClient) -> None:
    assert len(alice.get(PATH).json["days"]) == 7
    assert len(alice.get(f"{PATH}?from=2027-03-28").json["days"]) == 7


def test_it_is_what_the_scheduler_then_fires_whichever_zone_looks(
    clock: Clockwork, alice: FlaskClient
) -> None:
    made = {
        zone: [
            clock.schedule(expression, "2027-10-30 12:00", timezone=zone, misfire="all")
            for expression in ("30 2 * * *", "0 7,9 * * *", "*/45 1-3 * * *")
        ]
        for zone in (BERLIN, LORD_HOWE)
    }
    seen = days(alice, "2027-10-30", "2027-11-01", "America/New_York")
    foreseen = {
        (one["schedule_id"], one["due_at"])
        for day in seen
        for one in day["firings"]
        if one["due_at"] < "2027-11-01T12:00"
    }

    clock.tick("2027-11-01 11:59:59")

    fired = {
        (str(one), f"{due}+00:00")
        for ids in made.values()
        for one in ids
        for due, _ in clock.ledger(one, "%Y-%m-%dT%H:%M:%S")
    }
    assert foreseen == fired
    assert len(fired) > 20


def test_what_fires_too_often_is_counted_and_what_is_paused_or_used_up_is_left_out(
    clock: Clockwork, alice: FlaskClient, bob: FlaskClient
) -> None:
    busy = clock.schedule("* * * * *", "2027-03-27 23:00", timezone=BERLIN, name="busy")
    twice = clock.schedule("0 7 * * *", "2027-03-27 23:00", name="twice", max_runs=2)
    paused = clock.schedule("0 8 * * *", "2027-03-27 23:00", name="paused")
    alice.post(f"/schedules/{paused}/pause")

    found = days(alice, "2027-03-28", "2027-03-31")

    assert found[0]["more"] == [
        {
            "schedule_id": str(busy),
            "name": "busy",
            "pipeline_id": found[0]["more"][0]["pipeline_id"],
            "count": 23 * 60 - 1,  # midnight is settled: it was saved at that minute
        }
    ]
    assert [one["schedule_id"] for day in found for one in day["firings"]] == [str(twice)] * 2
    assert [day["firings"] + day["more"] for day in days(bob, "2027-03-28", "2027-03-31")] == (
        [[]] * 4
    )


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2027-03-01&to=2027-04-01", "to"),
        ("from=2027-03-02&to=2027-03-01", "to"),
        ("from=2027-03-01&to=2027-03-02&zone=Europe/Nowhere", "zone"),
        ("to=2027-03-02", "from"),
        ("from=0001-01-01&to=0001-01-02", "from"),
    ],
)
def test_what_is_no_such_span_is_refused(alice: FlaskClient, query: str, pointer: str) -> None:
    refused = alice.get(f"{PATH}?{query}")

    assert refused.status_code == 422
    assert pointer in str(refused.json["errors"])
