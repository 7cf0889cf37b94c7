from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from support.due_times import ANCHOR, cron, moment, said

from pipeline_engine.domain.recurrence import Kind, Recurrence, require_zones, zone_release
from pipeline_engine.domain.recurrence.zones import names
from pipeline_engine.errors import InvalidSchedule, NoTimeZones

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def refused(**given) -> tuple[str, str]:
    """The field that is wrong, and why."""
    with pytest.raises(InvalidSchedule) as caught:
        Recurrence.of(given.pop("kind", "cron"), anchor=ANCHOR, **given)
    (problem,) = caught.value.facts["problems"]
    assert str(caught.value) == f"Invalid schedule: {problem.message}"
    return problem.pointer, problem.code


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 * * 8", "60 * * * *", "*/0 * * * *", "5- * * * *", "1,,2 * * * *", "0 0 1 MON *",
        "0 0 0 * *", "0 24 * * *", "0 0 * 13 *", "-1 * * * *", "1.5 * * * *", "1_0 * * * *",
        "? * * * *", "0 0 ? * 1", "0 0 L/2 * *", "0 0 LW/2 * *", "0 0 * * L", "0 0 * * ²L",
        "0 0 * * 1#6", "0 0 * * 1#0", "0 0 5L * *", "0 8 * * FRI-MON", "0 0 10-5 * *", "H * * * *",
        "* * * *", "* * * * * *", "@reboot", "@fortnightly", "@every 5m", "hourly", "٣ * * * *",
        "0 0 * * \u017fun", "0\u00a00 * * *",
        "1" * 256 + " * * * *", "9" * 200 + " * * * *", "\x00 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused_with_its_field(expression):
    assert refused(expression=expression) == ("/schedule/expression", "invalid_expression")


@pytest.mark.parametrize(
    "expression",
    ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 */40 * 5#5", "* * 31 2 */2"],
)
def test_a_date_that_does_not_exist_is_refused_at_once(expression):
    names()
    start = time.perf_counter()

    found = refused(expression=expression)

    assert found == ("/schedule/expression", "never_fires")
    assert time.perf_counter() - start < 0.05


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_Yrok", "UTC+3", "europe/berlin", "Mars/Phobos", "", "../../etc/passwd",
        "/etc/localtime", "localtime", "Factory", "Europe", "right/UTC", "a\x00b", "é",
    ],
)  # fmt: skip
def test_only_a_name_of_iana_is_a_zone(zone):
    found = refused(expression="0 0 * * *", timezone=zone)

    assert found == ("/schedule/timezone", "invalid_timezone")


def test_a_zone_in_other_letters_is_told_its_name():
    with pytest.raises(InvalidSchedule) as caught:
        cron("0 0 * * *", "europe/berlin")

    assert caught.value.facts["problems"][0].hint == "Did you mean Europe/Berlin?"


def test_a_zone_with_a_sign_means_what_iana_says():
    assert said([cron("0 9 * * *", "Etc/GMT+3").next_after(ANCHOR)]) == ["2026-01-01T12:00"]


def test_every_zone_that_is_offered_can_be_used():
    assert names() == available_timezones() - {"localtime", "Factory"}
    assert all(cron("0 0 * * *", zone).next_after(ANCHOR) for zone in names())


def test_a_machine_without_zones_is_told_so_at_the_start():
    require_zones()
    with pytest.raises(NoTimeZones):
        require_zones(frozenset())


def test_the_release_of_the_zones_is_known():
    assert zone_release() != "unknown"


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"kind": "weekly"}, "type", "invalid_type"),
        ({}, "expression", "required"),
        ({"expression": ""}, "expression", "required"),
        ({"kind": "interval"}, "expression", "required"),
        ({"kind": "one_time"}, "run_at", "required"),
        ({"kind": "manual", "expression": "* * * * *"}, "expression", "invalid_expression"),
        ({"kind": "one_time", "expression": "* * * * *"}, "expression", "invalid_expression"),
        ({"expression": "* * * * *", "run_at": ANCHOR}, "run_at", "invalid_run_at"),
        ({"kind": "one_time", "run_at": FIRST}, "run_at", "invalid_run_at"),
        ({"kind": "one_time", "run_at": LAST}, "run_at", "invalid_run_at"),
        ({"expression": "* * * * *", "dst_missing": "first"}, "dst_missing", "invalid_dst_missing"),
        ({"expression": "* * * * *", "dst_doubled": "next"}, "dst_doubled", "invalid_dst_doubled"),
        (
            {"kind": "interval", "expression": "@every 1h", "dst_missing": "skip"},
            "dst_missing",
            "invalid_dst_missing",
        ),
    ],
)
def test_what_a_kind_does_not_know_is_refused_and_not_passed_over(given, field, code):
    assert refused(**given) == (f"/schedule/{field}", code)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("@every 1h", 3600),
        ("@EVERY 1H30M", 5400),
        ("@every 90s", 90),
        ("@every 1h2m3s", 3723),
        ("@every 0h0m1s", 1),
        (" @every  36h ", 129_600),
    ],
)
def test_an_interval_is_hours_minutes_and_seconds(text, seconds):
    every = Recurrence.of("interval", anchor=ANCHOR, expression=text)

    first, second = every.between(ANCHOR, moment("2027-01-01"), 2)

    assert ((first - ANCHOR).total_seconds(), (second - first).total_seconds()) == (
        seconds,
        seconds,
    )


@pytest.mark.parametrize(
    "text",
    [
        "@every", "@every 0s", "@every 0h0m0s", "@every 5m1h", "@every 1d", "@every 5", "every 5m",
        "@every -5m", "@every 1.5h", "@every 99999999h", "@every 1234567890s", "5m", "@every ٣m",
    ],
)  # fmt: skip
def test_what_is_no_interval_is_refused(text):
    found = refused(kind="interval", expression=text)

    assert found == ("/schedule/expression", "invalid_expression")


def test_an_interval_that_starts_later_is_due_when_it_starts():
    starts = moment("2026-05-01T08:00")

    every = Recurrence.of("interval", anchor=starts, expression="@every 1h")

    assert every.next_after(ANCHOR) == starts
    assert every.last_before(ANCHOR) is None
    assert every.count_between(ANCHOR, moment("2026-05-01T10:00"), 100) == 3


def test_a_manual_schedule_is_never_due_by_itself():
    manual = Recurrence.of("manual", anchor=ANCHOR)

    assert manual.kind is Kind.MANUAL
    assert manual.next_after(ANCHOR) is None
    assert manual.last_before(ANCHOR) is None
    assert manual.between(ANCHOR, moment("2027-01-01"), 5) == []
    manual.require_next_after(ANCHOR)


def test_what_will_not_be_due_any_more_can_be_refused():
    past = Recurrence.of("one_time", anchor=ANCHOR, run_at=moment("2025-12-31T23:59"))
    in_gaps_only = cron("30 2 * 3 0#2", "America/New_York", dst_missing="skip")

    for recurrence, code in ((past, "in_the_past"), (in_gaps_only, "never_fires")):
        with pytest.raises(InvalidSchedule) as caught:
            recurrence.require_next_after(ANCHOR)
        assert caught.value.facts["problems"][0].code == code


def test_the_last_due_time_may_be_now_and_the_next_one_is_later():
    hourly = cron("0 * * * *")

    assert hourly.last_before(ANCHOR) == ANCHOR
    assert said([hourly.next_after(ANCHOR)]) == ["2026-01-01T01:00"]
    assert hourly.between(ANCHOR, moment("2026-01-01T02:00"), 9) == [
        moment("2026-01-01T01:00"),
        moment("2026-01-01T02:00"),
    ]


def test_the_last_due_time_is_found_however_long_ago_it_was():
    assert said([cron("0 0 29 2 *").last_before(ANCHOR)]) == ["2024-02-29T00:00"]
    assert said([cron("0 0 1 1 *").last_before(moment("2025-12-31"))]) == ["2025-01-01T00:00"]


@pytest.mark.parametrize("far", [FIRST, LAST])
def test_no_date_is_too_far_to_ask_for(far):
    hourly = cron("0 * * * *", "Asia/Tokyo")

    assert hourly.between(far, far, 3) == []
    assert len(hourly.between(moment("2000-01-01"), LAST, 3)) == 3
    assert hourly.count_between(FIRST, ANCHOR, 1000) == 1000
    hourly.next_after(far)
    hourly.last_before(far)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "Every minute"),
        ("*/1 * * * *", "Every minute"),
        ("@every_minute", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("5 * * * *", "Every hour at minute 5"),
        ("@hourly", "Every hour at minute 0"),
        ("30 9 * * *", "Every day at 09:30"),
        ("@daily", "Every day at 00:00"),
        ("0 9 * * 1-5", "Every weekday (Monday-Friday) at 09:00"),
        ("0 9 * * mon-fri", "Every weekday (Monday-Friday) at 09:00"),
        ("15 18 * * 5", "Every Friday at 18:15"),
        ("0 0 * * 7", "Every Sunday at 00:00"),
        ("@weekly", "Every Sunday at 00:00"),
        ("0 9 * * MON,WED,FRI", "Every Monday, Wednesday and Friday at 09:00"),
        ("*/7 * * * *", "Every seventh minute of every hour"),
        ("0 9 1,15 * *", "At 09:00 on the first and the 15th day of month"),
        ("0 0 * * 5L", "At 00:00 on the last Friday of the month"),
    ],
)
def test_a_cron_expression_is_told_in_words(expression, words):
    assert cron(expression).description == words


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("interval", {"expression": "@every 1h"}, "Every hour"),
        ("interval", {"expression": "@every 90m"}, "Every 1 hour 30 minutes"),
        ("interval", {"expression": "@every 10s"}, "Every 10 seconds"),
        (
            "one_time",
            {"run_at": moment("2026-06-01T10:00"), "timezone": "Europe/Berlin"},
            "Once at 2026-06-01 12:00:00 (Europe/Berlin)",
        ),
        ("manual", {}, "Only when triggered"),
    ],
)
def test_the_other_kinds_are_told_in_words(kind, given, words):
    assert Recurrence.of(kind, anchor=ANCHOR, **given).description == words


def test_everything_that_cron_understands_has_words():
    fields = ("*", "*/2", "1-5", "1,3", "2-6/2", "3")
    for minute in fields:
        for weekday in (*fields, "5L", "1#2", "FRI-SUN"):
            recurrence = cron(f"{minute} 3 * * {weekday}")

            assert recurrence.description
