"""Which events a trigger takes, which of them are one, and which configurations make no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_engine.domain.event_triggers import Config, Event, problems, window_end

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def an_event(body: dict[str, Any]) -> Event:
    return Event(type="ready", source="tests", body=body)


def of(**config: Any) -> Config:
    return Config(event_type="ready", **config)


@pytest.mark.parametrize(
    ("filters", "body", "is_taken"),
    [
        ({}, {}, True),
        ({"a.b": 1, "c": "x"}, {"a": {"b": 1}, "c": "x"}, True),
        ({"a.b": 1, "c": "x"}, {"a": {"b": 1}, "c": "y"}, False),
        ({"a": 1.0}, {"a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": False}, {"a": 0}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}, True),
        ({"a": {"b": [1]}}, {"a": {"b": [True]}}, False),
        ({"a.1.n": 2}, {"a": [{"n": 1}, {"n": 2}]}, True),
        ({"a.9.n": None}, {"a": []}, True),
        ({"a.b": 1}, {"a.b": 1, "a": {"b": 2}}, True),
        ({"a.b.c": 1}, {"a": "text"}, False),
    ],
)
def test_every_path_has_to_be_equal_and_a_path_to_nothing_is_null(filters, body, is_taken):
    assert of(filters=filters).takes(an_event(body)) is is_taken


@pytest.mark.parametrize(
    ("condition", "is_taken"),
    [
        (None, True),
        ("event.n > 2", True),
        ("event.n > 3", False),
        ("{{ event.n == 3 and event_type == 'ready' }}", True),
        ("source == 'elsewhere'", False),
        ("event.nothing.there", False),
    ],
)
def test_a_condition_is_an_expression_over_the_event(condition, is_taken):
    assert of(condition=condition).takes(an_event({"n": 3})) is is_taken


def test_a_key_is_what_a_template_makes_and_nothing_is_no_key():
    config = of(dedupe_key="{{ event.order }}")

    def key(**body: Any) -> str | None:
        return config.key_of(an_event(body))

    assert key(order=7) == key(order=7, other=1)
    assert key(order=7) != key(order="7")
    assert (key(), key(order=None), key(order="")) == (None, None, None)
    assert of().key_of(an_event({"order": 7})) is None


def test_a_window_ends_when_it_is_quiet_or_when_it_was_open_for_long():
    def end(last: float, *, max_wait: float | None) -> float:
        moment = T0 + timedelta(seconds=last)
        return (window_end(T0, moment, quiet=5, max_wait=max_wait) - T0).total_seconds()

    assert (end(0, max_wait=29), end(28, max_wait=29), end(28, max_wait=None)) == (5, 29, 33)


@pytest.mark.parametrize(
    ("config", "pointer", "code"),
    [
        ({"condition": "event.a ="}, "/config/condition", "template_syntax"),
        ({"condition": "steps.a"}, "/config/condition", "unknown_root"),
        ({"dedupe_key": "{{ evnt.id }}"}, "/config/dedupe_key", "unknown_root"),
        ({"max_wait_seconds": 3}, "/config/max_wait_seconds", "inconsistent"),
        (
            {"max_wait_seconds": 3, "quiet_seconds": 4},
            "/config/max_wait_seconds",
            "inconsistent",
        ),
        ({"dedupe_seconds": 3}, "/config/dedupe_seconds", "inconsistent"),
        (
            {"dedupe_seconds": 3, "dedupe_key": "x", "quiet_seconds": 4},
            "/config/dedupe_seconds",
            "inconsistent",
        ),
    ],
)
def test_what_makes_no_sense_is_found_with_its_place(config, pointer, code):
    (issue,) = problems(of(**config))

    assert (issue.pointer, issue.code) == (pointer, code)


def test_a_configuration_is_the_same_after_it_was_stored():
    config = of(filters={"a": 1}, quiet_seconds=5.0, max_wait_seconds=29.0)

    assert Config.of(config.document | {"from_a_newer_version": 1}) == config
    assert problems(config) == []
