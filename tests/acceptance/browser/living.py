"""What has happened before somebody looks: something ended, failed and parked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.observing import Run, parked, step

from pipeline_engine.client import Client

REPORT: dict[str, Any] = {
    "name": "nightly report",
    "description": "Reads three sources, adds them up, and waits for somebody.",
    "parameters": [{"name": "day", "type": "string", "default": "2026-11-28"}],
    "steps": [
        step("collect", "log", message="{{ params.day }}"),
        step("read", "log", "collect", message="{{ item }}", for_each={"items": ["a", "b", "c"]}),
        step("sign_off", "approval", "read", message="Send it?"),
        step("send", "log", "sign_off", message="sent"),
    ],
}


@dataclass(frozen=True)
class Living:
    """The ids of what there is."""

    pipeline: str
    parked: str
    failed: str


def lived(client: Client) -> Living:
    """Store a pipeline, and leave an execution that waits and one that has failed."""
    pipeline = str(client.store(REPORT)["id"])
    waiting = Run(client, str(client.start(pipeline, {})["execution_id"]))
    broken = Run.start(client, step("stop", "fail", message="no <b>paper</b>"), name="broken")
    broken.end()
    waiting.until(parked, what="the parked step")
    return Living(pipeline, waiting.id, broken.id)
