"""Examples of the operations on pipelines."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PIPELINE_ID, Example

DEFINITION = {
    "name": "release",
    "parameters": [{"name": "version", "type": "string"}],
    "steps": [
        {
            "id": "announce",
            "name": "Announce",
            "action": "log",
            "params": {"message": "{{ params.version }} is ready"},
        },
        {
            "id": "sign_off",
            "name": "Wait for the sign-off",
            "action": "wait_for_event",
            "depends_on": ["announce"],
            "params": {"event_key": "sign-off-{{ params.version }}"},
        },
    ],
    "outputs": {"said": "{{ steps.announce.outputs.message }}"},
}
PIPELINE = {
    "id": PIPELINE_ID,
    "name": "release",
    "version": "1.0",
    "lock_version": 1,
    "revision": 1,
    "status": "ACTIVE",
    "created_at": AT,
    "updated_at": AT,
    "created_by": "ada",
    "step_count": 2,
    "user_id": "ada",
    "system_owned": False,
    "description": None,
    "icon": None,
    "dag": DEFINITION,
    "action_versions": {"log": "1.0.0", "wait_for_event": "1.0.0"},
    "execution_count": 0,
    "last_execution_at": None,
}
#: What ``recent`` adds to a pipeline in a list.
HISTORY = {
    "execution_count": 1,
    "last_execution_at": AT,
    "recent": [
        {"execution_id": EXECUTION_ID, "status": "COMPLETED", "created_at": AT, "seconds": 2.04}
    ],
    "next_due_at": LATER,
}
A_PIPELINE = {"pipeline_id": PIPELINE_ID}

EXAMPLES: Mapping[str, Example] = {
    "validate_definition": Example(
        body={"dag": DEFINITION},
        answer={
            "valid": True,
            "errors": [],
            "warnings": [],
            "step_count": 2,
            "has_cycles": False,
            "action_versions": {"log": "1.0.0", "wait_for_event": "1.0.0"},
            "error_details": [],
            "warning_details": [],
        },
    ),
    "create_pipeline": Example(body={"dag": DEFINITION}, answer=PIPELINE),
    "list_pipelines": Example(answer=[PIPELINE | HISTORY]),
    "get_pipeline": Example(path=A_PIPELINE, answer=PIPELINE),
    "replace_pipeline": Example(
        path=A_PIPELINE,
        body={"dag": DEFINITION, "lock_version": 1},
        answer=PIPELINE | {"lock_version": 2},
    ),
    "delete_pipeline": Example(path=A_PIPELINE),
    "archive_pipeline": Example(
        path=A_PIPELINE, answer=PIPELINE | {"lock_version": 2, "status": "ARCHIVED"}
    ),
    "restore_pipeline": Example(path=A_PIPELINE, answer=PIPELINE | {"lock_version": 3}),
}
