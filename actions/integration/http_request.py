"""Sends one HTTP request to a public address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import requests

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    RequestBlocked,
    SelectOption,
    ValidationRules,
    is_templated,
    read_body,
    register_action,
    timed,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
TIMEOUT_SECONDS = 30
MAX_BYTES = 1_048_576
SCHEMES = ("http://", "https://")

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: These say how the message travels; a second one would let an author smuggle a request.
RESERVED_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)

META = ActionMeta(
    type="http_request",
    name="HTTP Request",
    category="Integration",
    description="Sends a request to a public address and returns the answer; no redirects.",
    icon="globe",
    color="#8B5CF6",
    timeout_seconds=330,  # more than the param allows, which is what ends an exchange
    idempotent=False,
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
            "body",
            "Body",
            ParamType.JSON,
            description="Sent as JSON with POST, PUT and PATCH.",
        ),
        ParamDefinition(
            "timeout_seconds",
            "Timeout",
            ParamType.NUMBER,
            default=TIMEOUT_SECONDS,
            description="For the whole exchange.",
            validation=ValidationRules(min=1, max=300),
        ),
        ParamDefinition(
            "include_metadata",
            "Include metadata",
            ParamType.BOOLEAN,
            default=False,
            description="Adds _workflow_metadata {execution_id, step_id} to an object body.",
        ),
    ],
    outputs=[
        OutputDefinition("status_code", "number", "The status; 0 when there was no answer."),
        OutputDefinition("body", "any", "The answer as JSON if it is JSON, else as text."),
        OutputDefinition("headers", "object", "The headers of the answer."),
    ],
    examples=[
        ActionExample(
            "Create a thing",
            {
                "url": "https://api.example.com/v1/things",
                "method": "POST",
                "body": {"name": "{{ params.name }}"},
            },
        )
    ],
)


@register_action(META)
class HttpRequest(BaseActionExecutor):
    """Reaches what the guard lets it reach."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what can be seen before the step runs."""
        url, method = params.get("url"), params.get("method", "GET")
        problems = []
        if not url:
            problems.append("url is required")
        elif not is_templated(url) and not str(url).lower().startswith(SCHEMES):
            problems.append("url must start with http:// or https://")
        if not is_templated(method) and str(method).upper() not in METHODS:
            problems.append(f"method must be one of {', '.join(METHODS)}")
        return problems

    def execute(self, context: ActionContext) -> ActionResult:
        """Send the request and judge its status."""
        seconds = float(context.params.get("timeout_seconds") or TIMEOUT_SECONDS)
        try:
            return _sent(context, _request(context), seconds)
        except RequestBlocked as error:
            return _failed(f"Request blocked (SSRF protection): {error}", error)
        except ActionError as error:
            return _failed(f"Request failed: {error}", error)
        except requests.Timeout:
            return _failed(f"Request timed out after {seconds:g}s")
        except (requests.RequestException, UnicodeError) as error:
            return _failed(f"Request failed: {_reason(error)}")


def _sent(context: ActionContext, request: requests.Request, seconds: float) -> ActionResult:
    with context.http_session() as session, timed(seconds) as call:
        response = session.send(
            session.prepare_request(request),
            timeout=seconds,
            stream=True,
            allow_redirects=False,
        )
        body = read_body(response, max_bytes=MAX_BYTES, deadline=call.expires_at)
    return _judged(response.status_code, body, response.headers)


def _request(context: ActionContext) -> requests.Request:
    params = context.params
    url, method = str(params.get("url") or ""), str(params.get("method") or "GET").upper()
    if not url:
        raise InvalidActionParams("url is required")
    if method not in METHODS:
        raise InvalidActionParams(f"method must be one of {', '.join(METHODS)}")
    headers = _checked_headers(params.get("headers") or {})
    body = _body(context) if method in METHODS_WITH_BODY else None
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    return requests.Request(method, url, headers=headers, data=body)


def _body(context: ActionContext) -> bytes | None:
    body = context.params.get("body")
    if context.params.get("include_metadata"):
        if not isinstance(body or {}, dict):
            raise InvalidActionParams("include_metadata needs a body that is an object")
        metadata = {"execution_id": context.execution_id, "step_id": context.step_id}
        body = {**(body or {}), "_workflow_metadata": metadata}
    return None if body is None or body in ({}, [], "") else orjson.dumps(body)


def _checked_headers(headers: Any) -> dict[str, str]:
    if not isinstance(headers, dict):
        raise InvalidActionParams("headers must be an object")
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or isinstance(value, dict | list):
            raise InvalidActionParams(f"{name!r} is not a header that can be sent")
        if any(character in "\r\n\0" for character in str(value)):
            raise InvalidActionParams(f"the value of {name} holds a line break")
        if name.lower() in RESERVED_HEADERS or name.lower().startswith("proxy-"):
            raise InvalidActionParams(f"{name} is set by the engine")
    return {name: str(value) for name, value in headers.items() if value is not None}


def _judged(status: int, body: bytes, headers: Mapping[str, str]) -> ActionResult:
    success = 200 <= status < 300
    return ActionResult(
        success=success,
        error=None if success else f"HTTP {status}",
        error_code=None if success else "http_error",
        retryable=status >= 500 or status in (408, 429),
        outputs={"status_code": status, "body": _parsed(body), "headers": dict(headers)},
    )


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # PostgreSQL keeps no NUL in a text.
        return body.decode("utf-8", "replace").replace("\0", "\ufffd")


def _failed(message: str, error: ActionError | None = None) -> ActionResult:
    return ActionResult(
        success=False,
        error=message,
        error_code=error.error_code if error else "request_failed",
        retryable=error.retryable if error else True,
        outputs={"status_code": 0, "body": None, "headers": {}},
    )


def _reason(error: Exception) -> str:
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", None) or cause)[:500]
