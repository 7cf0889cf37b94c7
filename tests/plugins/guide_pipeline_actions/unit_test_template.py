import pytest
from unittest.mock import AsyncMock, patch
from guide_pipeline_actions.deployment_delete import DeploymentDeleteExecutor
from pipeline_engine.sdk import ActionContext, EventContext, EventAction, StepStatus


@pytest.fixture
def context():
    return ActionContext(
        step_id="step_1",
        execution_id="exec_1",
        params={"endpoint_id": "endpoint-123"},
        workflow_params={"user_id": "user-123"},
        step_outputs={},
    )


@pytest.mark.asyncio
async def test_execute_returns_awaiting_event(context):
    """Test that execute returns awaiting_event for async operations."""
    executor = DeploymentDeleteExecutor()

    with patch.object(context, "invoke_service", new_callable=AsyncMock) as mock_invoke:
        mock_invoke.return_value = {"workflow_id": "wf-123", "code": 200}

        result = await executor.execute(context)

        assert result.success is True
        assert result.awaiting_event is True
        assert result.external_workflow_id == "wf-123"


@pytest.mark.asyncio
async def test_on_event_completes_on_success():
    """Test that on_event completes the step on success event."""
    executor = DeploymentDeleteExecutor()
    event_context = EventContext(
        step_execution_id="step-exec-1",
        execution_id="exec-1",
        external_workflow_id="wf-123",
        event_type="notification",
        event_data={
            "type": "notification",
            "payload": {
                "event": "results",
                "content": {"status": "COMPLETED", "message": "Deleted"},
            },
        },
        step_outputs={"endpoint_id": "endpoint-123"},
    )

    result = await executor.on_event(event_context)

    assert result.action == EventAction.COMPLETE
    assert result.status == StepStatus.COMPLETED
    assert result.outputs["success"] is True
