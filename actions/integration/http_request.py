"""Sends one HTTP request to a public address, and may follow pages or wait for a callback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ConditionalVisibility,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    JsonShape,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    StepStatus,
    ValidationRules,
    register_action,
)

from .http.answer import FORMS
from .http.auth import MEMBERS
from .http.checks import problems_of
from .http.exchange import TIMEOUT_SECONDS, sent
from .http.pages import LARGEST_MOST, MOST_PAGES
from .http.request import METHODS

DAY = 86_400
LONGEST_SECONDS = 300

META = ActionMeta(
    type="http_request",
    name="HTTP Request",
    category="Integration",
    description="Sends a request to a public address and returns the answer; no redirects.",
    icon="globe",
    color="#8B5CF6",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=LONGEST_SECONDS + 30,  # more than the param allows, which ends an exchange
    idempotent=False,
    parks_when=ConditionalVisibility("wait_for_callback", equals=True),
    unrendered_params=frozenset({"paginate"}),
    adds_names=frozenset({"response"}),
    lacks_names={
        "paginate/next_param": frozenset({"response"}),
        "paginate/max_pages": frozenset({"response"}),
    },
    params=[
        ParamDefinition(
            "url",
            "URL",
            required=True,
            placeholder="https://api.example.com/v1/things",
            description="An http or https address on the public Internet.",
        ),
        ParamDefinition(
            "method",
            "Method",
            ParamType.SELECT,
            default="GET",
            description="The HTTP method.",
            options=[SelectOption(method, method) for method in METHODS],
        ),
        ParamDefinition(
            "headers", "Headers", ParamType.JSON, default={}, description="Name to value."
        ),
        ParamDefinition(
            "query",
            "Query",
            ParamType.JSON,
            description="Name to value, or to a list of values; null is left out.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "auth",
            "Authentication",
            ParamType.JSON,
            description="{type: bearer, token}, {type: basic, username, password}, or"
            " {type: header or query, name, value}.",
            shape=JsonShape.OBJECT,
            validation=ValidationRules(properties={"type": NestedRules(enum=tuple(MEMBERS))}),
        ),
        ParamDefinition(
            "body",
            "Body",
            ParamType.JSON,
            description="Sent as JSON; a text is sent as it is.",
        ),
        ParamDefinition(
            "form",
            "Form",
            ParamType.JSON,
            description="In place of a body: name to value, or to a list of values, urlencoded.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "multipart",
            "Form in parts",
            ParamType.JSON,
            description="In place of a body: name to a text, or to a file as {text or base64,"
            " filename, content_type}.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "raw_body",
            "Raw body",
            ParamType.JSON,
            description="In place of a body: a text, or {text or base64, content_type}, as it is.",
        ),
        ParamDefinition(
            "expected_status",
            "Expected statuses",
            ParamType.JSON,
            default="2xx",
            description="A status, a range as 2xx or 200-204, or a list of these: any other fails.",
            secrets=False,
        ),
        ParamDefinition(
            "retry_statuses",
            "Statuses to retry",
            ParamType.JSON,
            default=[408, 429, "500-999"],
            description="After which of the others another attempt may help.",
            secrets=False,
        ),
        ParamDefinition(
            "response",
            "Answer",
            ParamType.SELECT,
            default="auto",
            description="What becomes of the body; metadata does not read it.",
            options=[SelectOption(form, form) for form in FORMS],
        ),
        ParamDefinition(
            "paginate",
            "Pages",
            ParamType.JSON,
            description="{next, next_param, items, max_pages}: reads further pages and collects"
            " what is on them.",
            shape=JsonShape.OBJECT,
            validation=ValidationRules(
                properties={
                    "next": NestedRules(required=False),
                    "next_param": NestedRules(required=False),
                    "items": NestedRules(required=False),
                    "max_pages": NestedRules(
                        type="integer", required=False, min=1, max=LARGEST_MOST
                    ),
                }
            ),
        ),
        ParamDefinition(
            "timeout_seconds",
            "Timeout",
            ParamType.NUMBER,
            default=TIMEOUT_SECONDS,
            description="For the whole exchange, all pages included.",
            validation=ValidationRules(min=1, max=LONGEST_SECONDS),
        ),
        ParamDefinition(
            "include_metadata",
            "Include metadata",
            ParamType.BOOLEAN,
            default=False,
            description="Adds _workflow_metadata {execution_id, step_id} to an object body.",
        ),
        ParamDefinition(
            "wait_for_callback",
            "Wait for a callback",
            ParamType.BOOLEAN,
            default=False,
            description="After a good answer, wait for a call to {{ callback_url }}.",
        ),
        ParamDefinition(
            "callback_timeout_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=DAY,
            description="After so long without that call the step ends as TIMEOUT.",
            validation=ValidationRules(min=1, max=7 * DAY),
            show_when=ConditionalVisibility("wait_for_callback", not_equals=False),
        ),
    ],
    outputs=[
        OutputDefinition("status_code", "number", "The status; 0 when there was no answer."),
        OutputDefinition(
            "body", "any", "The answer as JSON if it is JSON, else as text; with pages null."
        ),
        OutputDefinition("headers", "object", "The headers of the answer; Set-Cookie is a list."),
        OutputDefinition("body_format", "string", "What body is: json, text, base64 or null."),
        OutputDefinition("truncated", "boolean", "Whether body or headers were cut."),
        OutputDefinition("size", "number", "Bytes of the body that were read, decompressed."),
        OutputDefinition("items", "array", "With paginate: what was on all pages; else null."),
        OutputDefinition("pages", "number", "With paginate: how many were read; else null."),
        OutputDefinition(
            "more", "boolean", "With paginate: whether a bound has ended it before the last page."
        ),
        OutputDefinition(
            "callback", "object", "With wait_for_callback: what was sent to it; null before it."
        ),
    ],
    examples=[
        ActionExample(
            "Create a thing",
            {
                "url": "https://api.example.com/v1/things",
                "method": "POST",
                "auth": {"type": "bearer", "token": "{{ secrets.things_token }}"},
                "body": {"name": "{{ params.name }}"},
                "expected_status": [201, 409],
            },
        ),
        ActionExample(
            "Collect all pages",
            {
                "url": "https://api.example.com/v1/things",
                "query": {"per_page": 100, "kind": ["a", "b"]},
                "paginate": {
                    "items": "{{ response.body['items'] }}",
                    "next": "{{ response.body.next }}",
                    "max_pages": MOST_PAGES,
                },
            },
        ),
        ActionExample(
            "Start a job and wait for its end",
            {
                "url": "https://jobs.example.com/v1/jobs",
                "method": "POST",
                "body": {"input": "{{ params.input }}", "tell": "{{ callback_url }}"},
                "wait_for_callback": True,
            },
        ),
    ],
)


@register_action(META)
class HttpRequest(BaseActionExecutor):
    """Reaches what the guard lets it reach."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what can be seen before the step runs."""
        return problems_of(params)

    def execute(self, context: ActionContext) -> ActionResult:
        """Send the request and judge its status."""
        return _parked(sent(context, context.params), context)

    def on_answer(self, context: EventContext, answer: EventResult) -> EventResult:
        """Keep what was sent, if it ends the step well."""
        if answer.status is not StepStatus.COMPLETED:
            return answer
        return replace(answer, outputs={"callback": dict(context.event_data), **answer.outputs})

    def on_event(self, context: EventContext) -> EventResult:
        """End with whatever was sent to the callback URL."""
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={"callback": dict(context.event_data)},
        )


def _parked(result: ActionResult, context: ActionContext) -> ActionResult:
    """Wait for the callback, if that is wanted and the request was accepted."""
    result = replace(result, outputs={**result.outputs, "callback": None})
    if not result.success or not context.params.get("wait_for_callback"):
        return result
    return replace(
        result,
        awaiting_event=True,
        awaiting_callback=True,
        timeout_seconds=float(context.params.get("callback_timeout_seconds") or DAY),
    )
