from __future__ import annotations

from typing import Any

from acme_pipeline_actions.render_report import RenderReport

from pipeline_engine.contract_kit import JOB_ID, NEW_ID, ActionContract, Case
from pipeline_engine.sdk import EventAction, EventContext, StepStatus


def told(**event: Any) -> EventContext:
    return EventContext(
        execution_id="e",
        external_workflow_id="report-1",
        event_type=event["type"],
        event_data={"workflow_id": "report-1", **event},
    )


def test_progress_is_passed_on() -> None:
    answer = RenderReport().on_event(told(type="report_progress", percentage=40))

    assert (answer.action, answer.progress) == (EventAction.UPDATE_PROGRESS, 40)


def test_a_rendered_report_completes_the_step() -> None:
    answer = RenderReport().on_event(
        told(type="report_completed", status="COMPLETED", result={"url": "http://x.example/1"})
    )

    assert (answer.action, answer.status) == (EventAction.COMPLETE, StepStatus.COMPLETED)
    assert answer.outputs == {
        "report_id": "report-1",
        "status": "rendered",
        "url": "http://x.example/1",
    }


def test_a_report_that_fails_says_why() -> None:
    answer = RenderReport().on_event(
        told(type="report_completed", status="FAILED", reason="no paper")
    )

    assert (answer.status, answer.error) == (StepStatus.FAILED, "no paper")


def told_at_the_end(status: str) -> dict[str, Any]:
    result = {"result": {"url": "http://reports.example/1.pdf"}}
    return {"type": "report_completed", "workflow_id": JOB_ID, "status": status, **result}


class TestContract(ActionContract):
    action = RenderReport
    peers = {"acme-reports": {"POST /reports": {"id": NEW_ID}, "DELETE /reports/{id}": {}}}
    cases = [
        Case(
            params={"title": "Sales", "rows": [{"city": "Rome", "sold": 7}]},
            succeeds=True,
            completed_by=told_at_the_end("COMPLETED"),
            failed_by=told_at_the_end("FAILED"),
        )
    ]
