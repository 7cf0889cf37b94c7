import pytest
from pipeline_engine.registry import action_registry
from pipeline_engine.sdk import ActionContext, ActionMeta, ParamDefinition


class TestActionRegistry:
    def test_discover_actions(self):
        action_registry.discover_actions()
        assert action_registry.has("log")
        assert action_registry.has("model_add")

    def test_get_meta(self):
        meta = action_registry.get_meta("log")
        assert meta is not None
        assert meta.type == "log"
        assert meta.category == "Control Flow"

    def test_get_executor(self):
        executor = action_registry.get_executor("log")
        assert executor is not None
        assert hasattr(executor, "execute")

    def test_unknown_action_raises(self):
        with pytest.raises(KeyError):
            action_registry.get_executor("nonexistent")


class TestActionExecution:
    @pytest.mark.asyncio
    async def test_log_action(self):
        executor = action_registry.get_executor("log")
        context = ActionContext(
            step_id="test-step",
            execution_id="test-exec",
            params={"message": "Test log", "level": "info"},
            workflow_params={},
            step_outputs={},
        )

        result = await executor.execute(context)

        assert result.success
        assert result.outputs["logged"] is True
