"""Sends one HTTP request to a public address, and may wait for a callback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import requests
from requests.structures import CaseInsensitiveDict

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
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    RequestBlocked,
    SelectOption,
    StepStatus,
    ValidationRules,
    charset_in,
    content_of,
    is_templated,
    read_into,
    reason_of,
    register_action,
    retry_after,
    timed,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
TIMEOUT_SECONDS = 30
DAY = 86_400
MAX_BYTES = 1_048_576
MAX_HEADER_BYTES = 32_768
BYTES_BESIDE = 512  #: of the other outputs, as JSON
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
SCHEMES = ("http://", "https://")

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
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
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=330,  # more than the param allows, which is what ends an exchange
    idempotent=False,
    parks_when=ConditionalVisibility("wait_for_callback", equals=True),
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
            description="Sent as JSON; a text is sent as it is.",
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
        OutputDefinition("body", "any", "The answer as JSON if it is JSON, else as text."),
        OutputDefinition("headers", "object", "The headers of the answer; Set-Cookie is a list."),
        OutputDefinition("body_format", "string", "What body is: json, text, base64 or null."),
        OutputDefinition("truncated", "boolean", "Whether body or headers were cut."),
        OutputDefinition("size", "number", "Bytes of the body that were read, decompressed."),
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
                "body": {"name": "{{ params.name }}"},
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


def sent(context: ActionContext, params: Mapping[str, Any]) -> ActionResult:
    """Send what *params* of this action say, and judge the status of the answer."""
    seconds = float(params.get("timeout_seconds") or TIMEOUT_SECONDS)
    answer = Answer()
    try:
        _exchange(context, _request(context, params), seconds, answer)
    except RequestBlocked as error:
        return _failed(f"Request blocked (SSRF protection): {error}", context, answer, error)
    except ActionError as error:
        return _failed(f"Request failed: {error}", context, answer, error)
    except requests.Timeout:
        return _failed(f"Request timed out after {seconds:g}s", context, answer)
    except (requests.RequestException, UnicodeError) as error:
        return _failed(f"Request failed: {reason_of(error)}", context, answer)
    return _judged(answer, context)


@dataclass
class Answer:
    """What has come of an answer; it may break off anywhere."""

    response: requests.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    def outputs(self, room: int) -> dict[str, Any]:
        """Return all of it that fits into *room* bytes of JSON."""
        if self.response is None:
            return {
                "status_code": 0,
                "body": None,
                "headers": {},
                "body_format": None,
                "truncated": False,
                "size": 0,
            }
        headers, all_headers = _kept_headers(self.response, min(MAX_HEADER_BYTES, room // 4))
        room -= len(orjson.dumps(headers)) + BYTES_BESIDE
        content = content_of(
            bytes(self.body), _content_type(self.response), is_whole=self.is_whole, room=room
        )
        return {
            "status_code": self.response.status_code,
            "body": content.value,
            "headers": headers,
            "body_format": content.form,
            "truncated": content.is_cut or not all_headers,
            "size": len(self.body),
        }


def _exchange(
    context: ActionContext, request: requests.Request, seconds: float, answer: Answer
) -> None:
    with context.http_session() as session, timed(seconds) as call:
        answer.response = session.send(
            session.prepare_request(request),
            timeout=seconds,
            stream=True,
            allow_redirects=False,
        )
        answer.is_whole = read_into(
            answer.body, answer.response, max_bytes=MAX_BYTES, deadline=call.expires_at
        )


# ── What is sent ─────────────────────────────────────────────────────────────────────────


def _request(context: ActionContext, params: Mapping[str, Any]) -> requests.Request:
    url, method = str(params.get("url") or ""), str(params.get("method") or "GET").upper()
    if not url:
        raise InvalidActionParams("url is required")
    if method not in METHODS:
        raise InvalidActionParams(f"method must be one of {', '.join(METHODS)}")
    headers = _checked_headers(params.get("headers") or {})
    body = _body(context, params, method)
    if body is not None and "content-type" not in headers:
        headers["Content-Type"] = TEXT if isinstance(body, str) else JSON
    data = None if body is None else _bytes(body, headers.get("Content-Type") or "")
    return requests.Request(method, url, headers=headers, data=data)


def _body(context: ActionContext, params: Mapping[str, Any], method: str) -> Any:
    body = params.get("body")
    if not params.get("include_metadata"):
        return body
    if body is None and method not in METHODS_WITH_BODY:
        return None
    if not isinstance(body or {}, dict):
        raise InvalidActionParams("include_metadata needs a body that is an object")
    metadata = {"execution_id": context.execution_id, "step_id": context.step_id}
    return {**(body or {}), "_workflow_metadata": metadata}


def _bytes(body: Any, content_type: str) -> bytes:
    """Return a text in the charset that its headers promise, anything else as JSON."""
    try:
        if isinstance(body, str):
            return body.encode(charset_in(content_type) or "utf-8")
        # Not orjson: it makes null of what is no number, and takes no integer beyond 64 bits.
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidActionParams(f"the body cannot be sent: {error}") from error


def _checked_headers(headers: Any) -> CaseInsensitiveDict[str]:
    if not isinstance(headers, dict):
        raise InvalidActionParams("headers must be an object")
    checked: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in headers.items():
        _check_header(name, value)
        if name in checked:
            raise InvalidActionParams(f"the header {name} is given twice")
        if value is not None:
            checked[name] = _header_text(value)
    return checked


def _check_header(name: str, value: Any) -> None:
    if not TOKEN.fullmatch(name) or isinstance(value, dict | list):
        raise InvalidActionParams(f"{name!r} is not a header that can be sent")
    if any(character in "\r\n\0" for character in str(value)):
        raise InvalidActionParams(f"the value of {name} holds a line break")
    if UNSENDABLE.search(str(value)):
        raise InvalidActionParams(f"the value of {name} holds what no header can carry")
    if name.lower() in RESERVED_HEADERS or name.lower().startswith("proxy-"):
        raise InvalidActionParams(f"{name} is set by the engine")


def _header_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip(" \t")


# ── What came back ───────────────────────────────────────────────────────────────────────


def _parked(result: ActionResult, context: ActionContext) -> ActionResult:
    """Wait for the callback, if that is wanted and the request was accepted."""
    if not context.params.get("wait_for_callback"):
        return result
    outputs = {**result.outputs, "callback": None}
    if not result.success:
        return replace(result, outputs=outputs)
    return replace(
        result,
        outputs=outputs,
        awaiting_event=True,
        awaiting_callback=True,
        timeout_seconds=float(context.params.get("callback_timeout_seconds") or DAY),
    )


def _judged(answer: Answer, context: ActionContext) -> ActionResult:
    outputs = answer.outputs(context.max_output_bytes)
    status = outputs["status_code"]
    success = 200 <= status < 300
    return ActionResult(
        success=success,
        error=None if success else f"HTTP {status}",
        error_code=None if success else f"http_{status}",
        retryable=status >= 500 or status in (408, 429),
        retry_after_seconds=retry_after(outputs["headers"]) if not success else None,
        outputs=outputs,
    )


def _failed(
    message: str, context: ActionContext, answer: Answer, error: ActionError | None = None
) -> ActionResult:
    return ActionResult(
        success=False,
        error=message,
        error_code=error.error_code if error else "request_failed",
        retryable=error.retryable if error else True,
        outputs=answer.outputs(context.max_output_bytes),
    )


def _kept_headers(response: requests.Response, room: int) -> tuple[dict[str, Any], bool]:
    """Return the headers that fit into *room* bytes of JSON, and whether these are all."""
    kept: dict[str, Any] = {}
    for name, value in _headers(response):
        cost = len(orjson.dumps({name: value}))
        if cost > room:
            return kept, False
        room -= cost
        kept[name] = value
    return kept, True


def _headers(response: requests.Response) -> Iterator[tuple[str, Any]]:
    """Return values in one text, as HTTP joins them; a cookie may hold a comma itself."""
    cookies = response.raw.headers.getlist("Set-Cookie")
    for name, value in response.headers.items():
        if name.lower() == "set-cookie":
            yield name, [_storable(cookie) for cookie in cookies]
        else:
            yield _storable(name), _storable(value)


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL in a text


def _content_type(response: requests.Response) -> str:
    """Say what the body is; of one that nobody here can decompress, that it is bytes."""
    codings = response.headers.get("Content-Encoding", "").lower().split(",")
    known = {"", "identity", *response.raw.CONTENT_DECODERS}
    if any(coding.strip() not in known for coding in codings):
        return "application/octet-stream"
    return str(response.headers.get("Content-Type", ""))
