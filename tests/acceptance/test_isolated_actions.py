"""Actions of a package that nobody trusts, in the children of real workers of both kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.observing import Run, parked, step

from pipeline_engine.client import Client

Send = Callable[..., dict[str, Any]]
TOLD = ["HOME", "LANG", "MALLOC_ARENA_MAX", "PATH", "TMPDIR"]


@pytest.mark.parametrize("queue", ["io", "cpu"])
def test_they_crash_without_their_worker_and_are_ended_by_events_like_any_other(
    client: Client, send: Send, key: str, queue: str
) -> None:
    crash = step("crash", "stranger_misbehave", how="crash", queue=queue, on_failure="continue")
    secret = step("look", "stranger_misbehave", how="environment", queue=queue)
    run = Run.start(
        client, crash, secret, step("wait", "stranger_wait", "crash", job=key, queue=queue)
    )

    run.until(parked)
    send(1)
    run.ends_well()

    assert run.step("crash")["status"].upper() == "FAILED"
    assert sorted(run.outputs("look")["found"]) == TOLD
    assert run.outputs("wait")["said"] == 1
    assert client.action("stranger_wait")["isolated"] is True
