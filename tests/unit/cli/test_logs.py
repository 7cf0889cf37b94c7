"""``logs --step`` tells a step that wrote nothing from one that there is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

ID = "01a2210a-f75d-7472-9dc9-fd43814129a0"
STEPS = [{"id": "each", "for_each": "{{ [1] }}", "steps": [{"id": "inner"}]}, {"id": "last"}]


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    execution: dict[str, Any] = {"id": ID, "status": "COMPLETED"}
    execution["pipeline_definition"] = {"dag": {"steps": STEPS}}
    with local_service() as made:
        made.answer(f"GET /api/v1/executions/{ID}", execution)
        made.answer(f"GET /api/v1/executions/{ID}/logs", {"logs": [], "next_after": None})
        made.answer(f"GET /api/v1/executions/{ID}/steps", {"steps": [{"step_id": "last_undo"}]})
        yield made


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [
        ("nope", 4, "has no step 'nope'; its steps are each, last. [step_not_found]"),
        ("last", 0, ""),
        ("inner", 0, ""),
        ("last_undo", 0, ""),
    ],
)
def test_no_lines_of_a_step_mean_something_else_if_there_is_no_such_step(
    service: LocalService, step: str, code: int, said: str
) -> None:
    reached = {"PIPELINE_API_URL": service.url, "PIPELINE_API_TOKEN": "secret"}

    asked = CliRunner().invoke(main, ["logs", ID, "--step", step], env=reached)

    assert (asked.exit_code, asked.stdout) == (code, "")
    assert said in asked.stderr
