"""``Prefer: wait=N``: how long a client is willing to wait."""

from __future__ import annotations

from importlib import import_module

import pytest
from flask import Flask

starting = import_module("pipeline_engine_web.api.starting")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=10", 10),
        ("respond-async, wait=5", 5),
        ("WAIT=7; x", 7),
        ("wait=600", 60),
        ("wait=999999999", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=5", 0),
        ("", 0),
    ],
)
def test_a_preference_is_followed_as_far_as_we_go(header: str, seconds: int) -> None:
    with Flask("test").test_request_context(headers={"Prefer": header}):
        assert starting.preferred_wait() == seconds
