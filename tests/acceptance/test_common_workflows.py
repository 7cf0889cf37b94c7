"""Workflows of docs/howto/common-workflows.md in which time and death matter, on real processes."""

from __future__ import annotations

import json

from support.documented_workflows import documents
from support.local_service import Answer, local_service
from support.observing import Run

from pipeline_engine.client import Client
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.embedded.stack import Stack

DOCUMENTS = documents("howto/common-workflows.md")


def test_the_race_of_two_jobs_and_a_clock_is_decided_although_who_wakes_them_was_killed(
    client: Client, stack: Stack
) -> None:
    text = json.dumps(DOCUMENTS["either-of-two"])
    document = json.loads(text.replace('"duration_seconds": 15', '"duration_seconds": 600'))
    with local_service() as service:
        service.answer("GET /a", {"done": False})
        service.answer_in_turn("GET /b", Answer(200, {"done": False}))
        service.answer("GET /b", {"done": True})
        urls = {name: f"{service.url}/{name}" for name in "ab"}
        run = Run(client, client.run(document, urls)["execution_id"])
        run.until(lambda _: {one.path for one in service.received} == {"/a", "/b"})

        stack.kill("worker-system")
        end = run.ends_well(within=60)

    assert client.execution(run.id)["final_outputs"] == {"winner": "b"}
    assert end.step("job-a").status is end.step("clock").status is StepStatus.SKIPPED
