"""A Redis that answers nothing is waited for once."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
import redis as redis_client

from pipeline_engine.config import Settings
from pipeline_engine.fail_fast_redis import ANSWER_SECONDS, make_redis


def test_after_a_time_out_the_next_commands_fail_at_once(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        client = make_redis(replace(settings, redis_url=url))
        with pytest.raises(redis_client.TimeoutError):
            client.get("key")

        began = time.monotonic()
        for _ in range(10):
            with pytest.raises(redis_client.ConnectionError):
                client.get("key")

        assert time.monotonic() - began < ANSWER_SECONDS
        client.close()


def test_a_refused_connection_is_tried_again_at_once(settings: Settings) -> None:
    """It costs nothing, and Redis may be back."""
    client = make_redis(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(redis_client.ConnectionError, match="refused"):
        client.get("key")

    with pytest.raises(redis_client.ConnectionError, match="refused"):
        client.get("key")
