"""
Model Add Action

Adds a new model to the Bud AI Foundry repository from HuggingFace.
This is an event-driven action that waits for model download completion.
"""

from pipeline_engine.sdk import (
    ActionMeta,
    BaseActionExecutor,
    ActionContext,
    ActionResult,
    EventContext,
    EventResult,
    ParamDefinition,
    OutputDefinition,
    ParamType,
    ExecutionMode,
    RetryPolicy,
    register_action,
    ActionExample,
    EventAction,
    SelectOption,
    StepStatus,
    ValidationRules,
)


# === Metadata Definition ===

META = ActionMeta(
    type="model_add",
    version="1.0.0",
    name="Add Model",
    description="Add a new model to the repository from HuggingFace",
    category="Model",
    icon="📥",
    color="#722ed1",

    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=1800,  # 30 minutes for large models
    idempotent=True,

    retry_policy=RetryPolicy(
        max_attempts=3,
        backoff_multiplier=2.0,
        initial_interval_seconds=5,
    ),

    required_services=["budapp"],
    required_permissions=["model:write"],

    params=[
        ParamDefinition(
            name="huggingface_id",
            label="HuggingFace Model ID",
            type=ParamType.STRING,
            required=True,
            placeholder="meta-llama/Llama-2-7b-hf",
            description="The HuggingFace model identifier (org/model)",
            validation=ValidationRules(
                pattern=r"^[\w-]+/[\w.-]+$",
                pattern_message="Must be in format 'organization/model-name'",
            ),
        ),
        ParamDefinition(
            name="model_name",
            label="Model Name",
            type=ParamType.STRING,
            required=False,
            placeholder="Auto-derived from HuggingFace ID",
            description="Display name (optional, derived from HuggingFace ID if not provided)",
        ),
        ParamDefinition(
            name="description",
            label="Description",
            type=ParamType.STRING,
            required=False,
            placeholder="A large language model for...",
        ),
        ParamDefinition(
            name="modality",
            label="Modality",
            type=ParamType.MULTISELECT,
            required=False,
            default=["text"],
            options=[
                SelectOption(label="Text", value="text"),
                SelectOption(label="Image", value="image"),
                SelectOption(label="Audio", value="audio"),
                SelectOption(label="Video", value="video"),
            ],
        ),
        ParamDefinition(
            name="max_wait_seconds",
            label="Max Wait Time (seconds)",
            type=ParamType.NUMBER,
            required=False,
            default=1800,
            description="Maximum time to wait for model download (default: 30 min)",
            validation=ValidationRules(min=60, max=7200),
            group="Advanced",
        ),
    ],

    outputs=[
        OutputDefinition(name="success", type="boolean", description="Whether operation succeeded"),
        OutputDefinition(name="model_id", type="string", description="UUID of the created model"),
        OutputDefinition(name="model_name", type="string", description="Name of the model"),
        OutputDefinition(name="workflow_id", type="string", description="BudApp workflow ID"),
        OutputDefinition(name="status", type="string", description="Final status"),
        OutputDefinition(name="message", type="string", description="Status message"),
    ],

    examples=[
        ActionExample(
            title="Add Llama 2 7B",
            params={"huggingface_id": "meta-llama/Llama-2-7b-hf"},
            description="Add the Llama 2 7B model from HuggingFace",
        ),
    ],

    docs_url="https://docs.budecosystem.com/actions/model-add",
)


# === Executor Implementation ===

class Executor(BaseActionExecutor):
    """Executes the model add operation."""

    async def execute(self, context: ActionContext) -> ActionResult:
        """Initiate model addition via budapp."""
        huggingface_id = context.params["huggingface_id"]
        model_name = context.params.get("model_name") or huggingface_id.split("/")[-1]

        # Call budapp to start model download workflow
        response = await context.invoke_service(
            app_id="budapp",
            method="/models/add",
            data={
                "huggingface_id": huggingface_id,
                "name": model_name,
                "description": context.params.get("description"),
                "modality": context.params.get("modality", ["text"]),
            },
        )

        if not response.get("success"):
            return ActionResult(
                success=False,
                error=response.get("message", "Failed to initiate model addition"),
            )

        workflow_id = response["workflow_id"]

        # Return awaiting event - execution continues when workflow completes
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=workflow_id,
            outputs={
                "workflow_id": workflow_id,
                "model_name": model_name,
                "status": "downloading",
                "message": f"Model download initiated: {huggingface_id}",
            },
        )

    async def on_event(self, context: EventContext) -> EventResult:
        """Handle workflow completion event."""
        event_type = context.event_type
        event_data = context.event_data

        if event_type == "workflow_completed":
            status = event_data.get("status", "unknown")

            if status == "COMPLETED":
                return EventResult(
                    action=EventAction.COMPLETE,
                    status=StepStatus.COMPLETED,
                    outputs={
                        "success": True,
                        "model_id": event_data.get("model_id"),
                        "model_name": context.step_outputs.get("model_name"),
                        "workflow_id": context.external_workflow_id,
                        "status": "completed",
                        "message": "Model added successfully",
                    },
                )
            else:
                return EventResult(
                    action=EventAction.COMPLETE,
                    status=StepStatus.FAILED,
                    error=event_data.get("error", f"Workflow failed with status: {status}"),
                    outputs={
                        "success": False,
                        "status": "failed",
                        "message": event_data.get("error", "Model addition failed"),
                    },
                )

        # Unknown event type - ignore
        return EventResult(action=EventAction.IGNORE)


# === Registration ===

# This decorator registers the action with the global registry
@register_action(META)
class ModelAddAction:
    meta = META
    executor_class = Executor
