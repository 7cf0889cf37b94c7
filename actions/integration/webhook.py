"""Tells somebody else's webhook what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ValidationRules,
    is_templated,
    register_action,
)

from .http.bodies import METHODS_WITH_BODY
from .http.exchange import TIMEOUT_SECONDS, sent
from .http.request import METHODS, SCHEMES

LONGEST_SECONDS = 300

META = ActionMeta(
    type="webhook",
    name="Trigger Webhook",
    category="Integration",
    description="Sends a payload to a webhook on the public Internet.",
    icon="link",
    color="#EC4899",
    timeout_seconds=LONGEST_SECONDS + 30,  # more than the param allows
    idempotent=False,
    params=[
        ParamDefinition(
            "url",
            "URL",
            required=True,
            placeholder="https://hooks.example.com/T1/B2",
            description="An http or https address on the public Internet.",
        ),
        ParamDefinition(
            "payload",
            "Payload",
            ParamType.JSON,
            default={},
            description="Sent as JSON; with GET as the query.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "headers",
            "Headers",
            ParamType.JSON,
            default={},
            description="Name to value.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "method",
            "Method",
            ParamType.SELECT,
            default="POST",
            description="The HTTP method; DELETE has no payload.",
            options=[SelectOption(method, method) for method in METHODS],
        ),
        ParamDefinition(
            "include_metadata",
            "Include metadata",
            ParamType.BOOLEAN,
            default=True,
            description="Adds _workflow_metadata {execution_id, step_id}, to tell doubles apart.",
        ),
        ParamDefinition(
            "timeout_seconds",
            "Timeout",
            ParamType.NUMBER,
            default=TIMEOUT_SECONDS,
            description="For the whole exchange.",
            validation=ValidationRules(min=1, max=LONGEST_SECONDS),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the answer was a 2xx status."),
        OutputDefinition("status_code", "number", "The status; 0 when there was no answer."),
        OutputDefinition("response", "any", "The answer as JSON if it is JSON, else as text."),
    ],
    examples=[
        ActionExample(
            "Tell a chat room",
            {
                "url": "https://hooks.example.com/T1/B2",
                "payload": {"text": "{{ params.model }} is deployed"},
            },
        )
    ],
)


@register_action(META)
class Webhook(BaseActionExecutor):
    """Is ``http_request`` with what webhooks expect, under the same guard."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what can be seen before the step runs."""
        url = params.get("url")
        if not url:
            return ["url is required"]
        if not is_templated(url) and not str(url).lower().startswith(SCHEMES):
            return ["url must start with http:// or https://"]
        return []

    def execute(self, context: ActionContext) -> ActionResult:
        """Send the payload."""
        result = sent(context, _asked(context))
        outputs = {
            "success": result.success,
            "status_code": result.outputs["status_code"],
            "response": result.outputs["body"],
        }
        return ActionResult(
            success=result.success,
            error=None if result.success else f"Webhook failed: {result.error}",
            error_code=result.error_code,
            retryable=result.retryable,
            retry_after_seconds=result.retry_after_seconds,
            outputs=outputs,
        )


def _asked(context: ActionContext) -> dict[str, Any]:
    """Return the params that ``http_request`` would be given."""
    params = context.params
    method, url = params.get("method") or "POST", str(params.get("url") or "")
    payload = _payload(context)
    if method == "GET" and payload:
        query = urlencode(_flat(payload))
        context.keep_secret(query, payload)
        url = f"{url}{'&' if '?' in url else '?'}{query}"
    return {
        "url": url,
        "method": method,
        "headers": params.get("headers") or {},
        "body": payload if method in METHODS_WITH_BODY else None,
        "timeout_seconds": params.get("timeout_seconds"),
    }


def _payload(context: ActionContext) -> dict[str, Any]:
    payload = dict(context.params.get("payload") or {})
    if context.params.get("include_metadata") is False:
        return payload
    metadata = {"execution_id": context.execution_id, "step_id": context.step_id}
    return {**payload, "_workflow_metadata": metadata}


def _flat(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return what a query can hold: texts as they are, anything else as JSON."""
    return {
        name: value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        for name, value in payload.items()
    }
