"""What may come in from the broker, and what Celery never gets to see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, group

from pipeline_engine.broker import MOST_BYTES, Junk, checked
from pipeline_engine.dispatch.messages import RUN_BATCH


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    """What this version of Celery puts into a queue, by a transport that keeps it in memory."""
    with Celery("tests", broker="memory://", set_as_current=False) as app:
        soon = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
        chosen = [app.signature(RUN_BATCH, args=([number],), immutable=True) for number in (1, 2)]
        group(chosen, app=app).apply_async(ignore_result=True, queue="fast")
        app.send_task("engine.sweep", queue="fast", expires=10, headers={"of": "somebody"})
        app.send_task("engine.sweep", queue="fast", expires=soon, ignore_result=True)
        with app.connection_for_read() as connection:
            queue = connection.SimpleQueue("fast")
            found = [queue.get(timeout=1) for _ in range(4)]
            raw = [message._raw for message in found]
            queue.close()
    return raw


def test_what_celery_sends_comes_in_without_what_nobody_asked_for(sent):
    for raw in sent:
        found = checked(raw, "fast")

        assert found["headers"]["task"] == raw["headers"]["task"]
        assert found["body"] == raw["body"]
        assert not {"of", "eta", "timelimit"} & found["headers"].keys()


def test_questions_to_workers_are_none_of_its_business(sent):
    question = {**sent[0], "headers": {}, "body": "e30="}

    assert checked(question, "worker@host.celery.pidbox") == question


@pytest.mark.parametrize(
    "change",
    [
        {"headers": None},
        {"headers": {"id": "1"}},
        {"body": None},
        {"body": "x" * (MOST_BYTES + 1)},
        {"content-type": "application/x-python-serialize"},
        {"content-encoding": "rot13"},
        {"properties": {}},
        {"properties": None},
    ],
)
def test_what_is_no_message_of_ours_is_refused(sent, change):
    with pytest.raises(Junk):
        checked({**sent[0], **change}, "fast")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("timelimit", [1, 2]),
        ("timelimit", "soon"),
        ("eta", "2030-01-01T00:00:00"),
        ("expires", "9999-12-31T23:59:59-23:59"),
        ("expires", 12),
        ("retries", "many"),
        ("id", ["1"]),
        ("task", {}),
        ("group_index", -1),
        ("argsrepr", "x" * 5000),
    ],
)
def test_a_header_that_none_of_us_sets_so_is_refused(sent, header, value):
    odd = {**sent[0], "headers": {**sent[0]["headers"], header: value}}

    with pytest.raises(Junk, match=header):
        checked(odd, "fast")
