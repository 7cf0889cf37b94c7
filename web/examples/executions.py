"""Examples of the operations on executions, and on streams of what happens to them."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example
from .pipelines import DEFINITION

CALLBACK = "https://pipelines.example.org/api/v1/callbacks/eyJhbGciOi…"
STREAM = (
    "retry: 4127\n\nevent: step_completed\nid: 3\n"
    f'data: {{"execution_id":"{EXECUTION_ID}","event_type":"step_completed","...":"..."}}\n\n'
)
STARTED = {
    "execution_id": EXECUTION_ID,
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "workflow_id": PIPELINE_ID,
    "workflow_name": "release",
    "status": "PENDING",
    "started_at": None,
    "completed_at": None,
    "params": {"version": "1.4.0"},
    "outputs": None,
    "error": None,
    "error_info": None,
}
PIPELINE_OF_EXECUTION = {
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "workflow_id": PIPELINE_ID,
    "workflow_name": "release",
}
LISTED_EXECUTION = {
    "id": EXECUTION_ID,
    "version": 1,
    "pipeline_id": PIPELINE_ID,
    "revision": 1,
    "pipeline_definition": PIPELINE_OF_EXECUTION,
    "initiator": "api",
    "user_id": "ada",
    "started_by": "env:user:ada",
    "status": "RUNNING",
    "progress_percentage": "50.00",
    "error_info": None,
    "start_time": AT,
    "end_time": None,
    "deadline_at": "2026-01-31T12:00:00+00:00",
    "cancel_requested_at": None,
    "created_at": AT,
    "updated_at": AT,
}
EXECUTION = LISTED_EXECUTION | {
    "pipeline_definition": PIPELINE_OF_EXECUTION
    | {"dag": DEFINITION, "params": {"version": "1.4.0"}},
    "final_outputs": None,
    "callback_topics": ["release-news"],
    "subscriber_ids": None,
    "payload_type": None,
    "notification_workflow_id": None,
}
STEP = {
    "id": "42",
    "execution_id": EXECUTION_ID,
    "version": 3,
    "kind": "step",
    "step_id": "sign_off",
    "step_name": "Wait for the sign-off",
    "handler_type": "wait_for_event",
    "status": "RUNNING",
    "start_time": AT,
    "end_time": None,
    "progress_percentage": "0.00",
    "outputs": {"event_key": "sign-off-1.4.0"},
    "error_message": None,
    "attempt": 1,
    "retry_count": 0,
    "sequence_number": 2,
    "awaiting_event": True,
    "parked": True,
    "external_workflow_id": "sign-off-1.4.0",
    "callback_url": CALLBACK,
    "created_at": AT,
    "updated_at": AT,
}
FAN_OUT = STEP | {
    "id": "43",
    "step_id": "upload",
    "step_name": "Upload the packages",
    "handler_type": "http_request",
    "outputs": None,
    "awaiting_event": False,
    "parked": False,
    "external_workflow_id": None,
    "callback_url": None,
    "sequence_number": 3,
    "items": {
        "total": 10000,
        "open": 4,
        "failed": 2,
        "by_status": {"COMPLETED": 9994, "FAILED": 2, "PENDING": 1, "RUNNING": 3},
        "parked": 1,
    },
}
EVENT = {
    "id": "7",
    "execution_id": EXECUTION_ID,
    "event_type": "step_completed",
    "sequence_number": 4,
    "progress_percentage": None,
    "eta_seconds": None,
    "current_step_desc": "Completed: Announce",
    "event_details": {"step_id": "announce", "duration_seconds": 0.01},
    "step_execution_id": "41",
    "timestamp": LATER,
    "created_at": LATER,
}
AN_EXECUTION = {"execution_id": EXECUTION_ID}

EXAMPLES: Mapping[str, Example] = {
    "start_execution": Example(
        body={"pipeline_id": PIPELINE_ID, "params": {"version": "1.4.0"}}, answer=STARTED
    ),
    "run_definition": Example(
        body={"pipeline_definition": DEFINITION, "params": {"version": "1.4.0"}},
        answer=STARTED | {"workflow_id": "ephemeral"},
    ),
    "list_executions": Example(answer={"executions": [LISTED_EXECUTION], "pagination": PAGE}),
    "get_execution": Example(path=AN_EXECUTION, answer=EXECUTION),
    "list_steps": Example(path=AN_EXECUTION, answer={"steps": [STEP, FAN_OUT]}),
    "get_step": Example(
        path={"execution_id": EXECUTION_ID, "step_execution_id": "42"},
        answer=STEP
        | {
            "params": {"key": "sign-off-1.4.0"},
            "params_problem": None,
            "outputs_are_elsewhere": False,
            "attempts": [
                {
                    "attempt": 1,
                    "started_at": AT,
                    "ended_at": None,
                    "status": "RUNNING",
                    "error": None,
                    "worker": "io@worker-1",
                }
            ],
            "callback_expires_at": "2026-01-31T12:00:00+00:00",
            "waits_for": {
                "kind": "event",
                "since": AT,
                "until": "2026-01-31T12:00:00+00:00",
                "external_workflow_ids": ["sign-off-1.4.0"],
                "approval": None,
            },
        },
    ),
    "get_step_outputs": Example(
        path={"execution_id": EXECUTION_ID, "step_execution_id": "42"},
        answer={"event_key": "sign-off-1.4.0"},
    ),
    "evaluate_expression": Example(
        path=AN_EXECUTION,
        body={"expression": "params.version ~ '-rc1'", "step_id": "sign_off"},
        answer={"value": "1.4.0-rc1", "type": "string"},
    ),
    "list_execution_events": Example(
        path=AN_EXECUTION,
        answer={"events": [EVENT], "total_count": 1, "limit": 100, "offset": 0, "next_after": 4},
    ),
    "list_execution_logs": Example(
        path=AN_EXECUTION,
        answer={
            "logs": [
                {
                    "cursor": "5181-12",
                    "at": LATER,
                    "level": "info",
                    "message": "uploaded",
                    "facts": {"files": 3},
                    "step_execution_id": "41",
                    "step_id": "upload",
                    "item_index": None,
                    "within": None,
                    "attempt": 1,
                }
            ],
            "next_after": "5181-12",
        },
    ),
    "get_progress": Example(
        path=AN_EXECUTION,
        answer={
            "execution": EXECUTION,
            "steps": [STEP],
            "recent_events": [EVENT],
            "aggregated_progress": {
                "overall_progress": "50.00",
                "eta_seconds": 2,
                "completed_steps": 1,
                "total_steps": 2,
                "current_step": "Wait for the sign-off",
            },
        },
    ),
    "explain_execution": Example(
        path=AN_EXECUTION,
        answer={
            "execution_id": EXECUTION_ID,
            "status": "RUNNING",
            "looked_at": LATER,
            "deadline_at": "2026-01-31T12:00:00+00:00",
            "open_steps": {"RUNNING": 1},
            "counted_up_to": 500,
            "findings": [
                {
                    "code": "parked",
                    "step_id": "sign_off",
                    "item_index": None,
                    "within": None,
                    "since": AT,
                    "because": "It waits for an event.",
                    "what_to_do": "Send the event that it waits for.",
                    "facts": {},
                }
            ],
        },
    ),
    "cancel_execution": Example(
        path=AN_EXECUTION,
        body={"reason": "The release is off."},
        answer={"execution_id": EXECUTION_ID, "status": "RUNNING", "cancel_requested_at": LATER},
    ),
    "answer_approval": Example(
        path=AN_EXECUTION,
        body={"approved": True, "reason": "The tests are green."},
        answer={
            "status": "received",
            "delivery_id": "17",
            "outcome": "accepted",
            "step_id": "sign_off",
            "item_index": None,
            "within": None,
        },
    ),
    "stream_execution": Example(path={"execution_id": EXECUTION_ID}, answer=STREAM),
    "stream_events": Example(answer=STREAM.replace("id: 3", "id: 5181-90412")),
}
