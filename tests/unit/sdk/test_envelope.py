from __future__ import annotations

import pytest
from support.contexts import a_notification

from pipeline_engine.sdk import EventEnvelope

FLAT = {
    "type": "workflow_completed",
    "workflow_id": "wf-1",
    "workflow_type": "model_onboarding",
    "status": "completed",
    "result": {"model_id": "m-1"},
    "reason": None,
}


def test_a_notification_is_read_from_its_content():
    event = EventEnvelope.of(a_notification("results", result={"n": 1}, message="done"))

    assert (event.type, event.payload_type) == ("notification", "perform_model_extraction")
    assert (event.event, event.status, event.message) == ("results", "COMPLETED", "done")
    assert (event.workflow_id, event.result) == ("wf-1", {"n": 1})
    assert (event.has_results, event.has_failed) == (True, False)


def test_a_flat_event_is_read_from_itself():
    event = EventEnvelope.of(FLAT)

    assert (event.type, event.status, event.workflow_id) == (
        "workflow_completed",
        "COMPLETED",
        "wf-1",
    )
    assert event.result == {"model_id": "m-1"}
    assert event.has_failed is False


def test_a_cloud_event_is_unwrapped():
    wrapped = {"specversion": "1.0", "id": "1", "type": "x", "data": FLAT}

    assert EventEnvelope.of(wrapped) == EventEnvelope.of(FLAT)


def test_budcluster_puts_its_results_under_another_name():
    event = a_notification("results")
    event["payload"]["content"]["results"] = {"namespace": "n"}

    assert EventEnvelope.of(event).result == {"namespace": "n"}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"payload": None},
        {"payload": "text", "type": None},
        {"payload": {"content": None, "event": 7}},
        {"payload": {"content": {"result": None, "status": None}}, "result": [1]},
        {"notification_metadata": "x", "status": 3},
    ],
)
def test_whatever_is_absent_or_of_another_kind_is_empty(event):
    read = EventEnvelope.of(event)

    assert (dict(read.result), read.workflow_id, read.has_results) == ({}, None, False)


@pytest.mark.parametrize(
    ("message", "minutes"), [("12", 12), (" 7 ", 7), ("-4", 0), ("soon", None), ("1.5", None)]
)
def test_an_estimate_is_whole_minutes_and_never_negative(message, minutes):
    assert EventEnvelope.of(a_notification("eta", message=message)).eta_minutes == minutes


def test_only_an_eta_event_is_an_estimate():
    assert EventEnvelope.of(a_notification("results", message="12")).eta_minutes is None


@pytest.mark.parametrize("status", ["FAILED", "UNKNOWN", ""])
def test_a_last_word_that_is_not_completed_is_a_failure(status):
    assert EventEnvelope.of(FLAT | {"status": status}).has_failed
