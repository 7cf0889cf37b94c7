"""What every action may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ConditionalVisibility,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    FanOutActionExecutor,
    InvalidAnswer,
    Item,
    ItemResult,
    MoreItems,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    RetryPolicy,
    SelectOption,
    ServiceError,
    StepStatus,
    ValidationRules,
    evaluate_condition,
    register_action,
    render_value,
)


def described(action_type: str, **more: Any) -> ActionMeta:
    return ActionMeta(
        type=action_type,
        name=action_type.replace("_", " "),
        category="Strangers",
        description="An action of a stranger.",
        **more,
    )


@register_action(
    described(
        "stranger_greet",
        version="1.2.0",
        params=(
            ParamDefinition(
                name="whom",
                label="Whom",
                required=True,
                validation=ValidationRules(min_length=1, max_length=40, pattern="[a-z ]+"),
            ),
            ParamDefinition(
                name="tone",
                label="Tone",
                type=ParamType.SELECT,
                options=[SelectOption("warm", "Warm"), SelectOption("cold", "Cold")],
                show_when=ConditionalVisibility("whom", not_equals="nobody"),
            ),
            ParamDefinition(
                name="more",
                label="More",
                type=ParamType.JSON,
                validation=ValidationRules(
                    items=NestedRules(type="object", properties={"n": NestedRules(type="integer")})
                ),
            ),
        ),
        outputs=(OutputDefinition("greeting", "string", "What was said."),),
        retry_policy=RetryPolicy(max_attempts=2),
        examples=(ActionExample("Greet", {"whom": "world"}),),
        required_services=("budapp",),
        aliases=("stranger_hello",),
        lacks_names={"more": frozenset({"item"})},
    )
)
class Greet(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        context.log.bind(noise=1).unbind("noise").info("greeting", whom=context.params["whom"])
        print("said on standard output")  # noqa: T201 - it goes to the engine's log
        context.progress(50)
        return ActionResult(success=True, outputs={"greeting": f"hello {context.params['whom']}"})

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        return ["nobody is not greeted"] if params.get("whom") == "nobody" else []


@register_action(described("stranger_wait", execution_mode=ExecutionMode.EVENT_DRIVEN))
class Wait(BaseActionExecutor):
    async def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=str(context.params["job"])
        )

    async def on_event(self, context: EventContext) -> EventResult:
        if context.event_data.get("failed"):
            raise ValueError("no such event")
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={
                "said": context.event_data.get("word", context.event_data.get("number")),
                "asked": context.params["job"],
            },
        )

    def check_event(self, context: EventContext) -> None:
        if "word" not in context.event_data:
            problems = [{"pointer": "/word", "message": "It is missing."}]
            raise InvalidAnswer("1 problem(s) in the answer.", problems=problems)


@register_action(described("stranger_each"))
class Each(FanOutActionExecutor):
    def expand(self, context: ActionContext) -> list[Item]:
        return [Item(value=number, key=f"n{number}") for number in range(context.params["count"])]

    def execute_item(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"squared": context.item**2})

    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems:
        if len(results) == context.params["count"]:
            return MoreItems(items=[Item(value=100)], progress=90)
        total = sum(result.outputs["squared"] for result in results)
        return ActionResult(success=True, outputs={"total": total, "last": results[-1].value})

    def max_concurrency(self, context: ActionContext) -> int | None:
        return 2


@register_action(
    described(
        "stranger_render",
        params=(
            ParamDefinition(name="text", label="Text", type=ParamType.TEMPLATE),
            ParamDefinition(name="condition", label="Condition"),
        ),
        unrendered_params=frozenset({"text", "condition"}),
        adds_names=frozenset({"extra"}),
    )
)
class Render(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        scope = context.scope_with(extra="more")
        rendered = render_value(context.params["text"], scope)
        holds = evaluate_condition(context.params.get("condition"), scope)
        params = dict(context.workflow_params)
        return ActionResult(
            success=True, outputs={"rendered": rendered, "holds": holds, "params": params}
        )


@register_action(described("stranger_ask", required_services=("budapp",)))
class Ask(BaseActionExecutor):
    """Asks the engine for something, and says what came of it."""

    def execute(self, context: ActionContext) -> ActionResult:
        return getattr(self, f"_{context.params['what']}")(context)

    def _session(self, context: ActionContext) -> ActionResult:
        with context.http_session() as session:
            answer = session.get(context.params["url"], timeout=5)
        return ActionResult(
            success=True, outputs={"status": answer.status_code, "body": answer.text}
        )

    def _peer(self, context: ActionContext) -> ActionResult:
        try:
            found = context.start_once(context.params["peer"], "things", {"a": 1})
        except ServiceError as error:
            return ActionResult(
                success=False, error=f"{type(error).__name__} {error.status}", retryable=False
            )
        return ActionResult(success=True, outputs=dict(found))

    def _refuse(self, context: ActionContext) -> ActionResult:
        raise ActionError("not today", error_code="shut", retryable=False, retry_after_seconds=3)

    def _address(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"address": context.callback_url})

    def _step(self, context: ActionContext) -> ActionResult:
        known = {name: dict(value) for name, value in context.step_outputs.items()}
        return ActionResult(success=True, outputs={"known": known})

    def _cancel(self, context: ActionContext) -> ActionResult:
        context.cancel_pipeline(context.params["execution"])
        return ActionResult(success=True)
