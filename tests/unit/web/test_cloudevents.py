"""What a sender calls its delivery."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from werkzeug.datastructures import Headers

cloudevents = import_module("pipeline_engine_web.api.cloudevents")


def arrival(body: dict[str, Any], **headers: str) -> Any:
    """*body* as it is handed to the inbox."""
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return cloudevents.arrival(body, named, most=1000)


@pytest.mark.parametrize(
    "body",
    [
        {"workflow_id": "w"},
        {"payload": {"workflow_id": "w"}},
        {"workflow_id": "w", "data": {"workflow_id": "other"}},
        {"notification_metadata": {}, "data": {"a": 1}},
        {"data": "text"},
        {},
    ],
)
def test_a_bare_payload_stays_as_it_is(body: dict[str, Any]) -> None:
    assert arrival(body).body == body
    assert arrival(body).source == "events"


def test_the_headers_of_a_binary_cloudevent_go_before_the_body() -> None:
    found = arrival({"id": "inner", "workflow_id": "w"}, ce_id="outer", ce_source="budsim")

    assert (found.delivery_id, found.source) == ("outer", "budsim")


@pytest.mark.parametrize(
    ("given", "kept"), [("x", "x"), (7, "7"), ("", None), (None, None), ({}, None), ([1], None)]
)
def test_an_id_is_a_text_or_there_is_none(given: Any, kept: str | None) -> None:
    assert arrival({"id": given}).delivery_id == kept


def test_two_long_ids_stay_two_ids() -> None:
    first, second = arrival({"id": "a" * 999}), arrival({"id": "a" * 998})

    assert first.delivery_id != second.delivery_id
    assert len(first.delivery_id) < 100


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        ({"specversion": "1.0", "type": "done", "data": {"a": 1}}, {}, "done"),
        ({"workflow_id": "w"}, {"ce_type": "done"}, "done"),
        ({"workflow_id": "w", "type": "done"}, {}, None),
        ({"specversion": "1.0", "type": {"odd": 1}, "data": {}}, {}, None),
    ],
)
def test_the_type_is_that_of_the_envelope(body: Any, headers: Any, kind: str | None) -> None:
    assert arrival(body, **headers).event_type == kind
