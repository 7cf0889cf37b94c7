"""What a child asks for while a call runs: done here, with the rights of that call and no others.

The child may have been taken over by whoever wrote its package. So each request is read as
carefully as one from the Internet, and only what the contract of actions offers is offered.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import requests

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import masker_in
from pipeline_engine.domain.expressions.secrecy import revealed
from pipeline_engine.isolation.between.contexts import PIECE, Context
from pipeline_engine.isolation.between.plain import Misshapen, from_json, to_json
from pipeline_engine.isolation.between.wire import Message
from pipeline_engine.sdk import ActionError, ActionMeta, ItemResult
from pipeline_engine.sdk.celery_tasks import CeleryCall, CeleryTask
from pipeline_engine.sdk.timed_http import total_seconds

#: Bytes of the body of an answer that a child is given.
LARGEST_BODY = 16 * 1024 * 1024
#: Headers with which an action's calls to peers are told apart; tokens are none of its business.
_HEADERS_TO_PEERS = frozenset({"X-Correlation-ID", "Idempotency-Key"})
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
#: Names of facts that mean something else to a logger, or that it knows already.
_NOT_FACTS = frozenset(
    {"event", "exc_info", "stack_info", "stacklevel", "extra", "execution_id", "step_execution_id"}
)
#: Seconds for all that is done for a call whose context says nothing of its end.
USUAL_SECONDS = 300.0
#: Lines that one call may log.
MOST_LINES = 1000


class Clerk:
    """Answers the child during one call; without a context there is nothing to ask for."""

    def __init__(
        self,
        meta: ActionMeta,
        context: Context | None = None,
        results: Sequence[ItemResult] = (),
        *,
        seconds: float = USUAL_SECONDS,
    ) -> None:
        self._meta, self._context, self._results = meta, context, results
        self._ends_at = time.monotonic() + seconds
        self._lines = 0
        self._tasks: set[str] = set()  #: of other Celery apps, which it has sent

    def answer(self, what: Any, told: Any) -> Any:
        """Do what is asked for. Raises what that raises, and ``Misshapen``."""
        do = _OFFERED.get(what) if isinstance(what, str) else None
        if do is None or self._context is None or not isinstance(told, dict):
            raise Misshapen(f"Nothing is called {str(what)[:100]!r} here")
        return do(self, self._context, **told)

    def log(self, message: Message) -> None:
        """Write a line of the action, as if it ran here."""
        level, text, facts = message.get("log"), message.get("event"), message.get("facts")
        self._lines += 1
        if self._context is None or level not in _LEVELS or self._lines > MOST_LINES:
            return
        known = facts if isinstance(facts, dict) else {}
        kept = {n: v for n, v in known.items() if n.isidentifier() and n not in _NOT_FACTS}
        getattr(self._context.log, level)(str(text), **kept)

    def _at_most(self, seconds: float) -> float:
        """What is left of the call, if more is asked for: a worker waits no longer for a peer."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise requests.Timeout("The time of this call is over")
        return min(left, seconds)

    # ── What is offered ──────────────────────────────────────────────────────────────────

    def _invoke_service(
        self,
        context: Context,
        *,
        app_id: str,
        method_path: str,
        headers: Mapping[str, str],
        http_method: str,
        timeout_seconds: float,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        declared = self._meta.required_services
        if app_id not in {name for peer in declared for name in (peer, context.app_id(peer))}:
            raise ActionError(
                f"The peer {app_id} is not among the required_services of {self._meta.type}",
                error_code="peer_not_declared",
                retryable=False,
            )
        return context.engine.invoke_service(
            app_id,
            str(method_path),
            data=data,
            http_method=str(http_method),
            params=params,
            timeout_seconds=self._at_most(float(timeout_seconds)),
            headers={n: str(v) for n, v in headers.items() if n in _HEADERS_TO_PEERS},
        )

    def _http(
        self,
        context: Context,
        *,
        method: str,
        url: str,
        headers: Sequence[Sequence[str]],
        body: str | None,
        timeout: Any,
    ) -> Message:
        request = requests.Request(method, url, headers=_headers(headers))
        asked = total_seconds(tuple(timeout) if isinstance(timeout, list) else timeout)
        seconds = self._at_most(asked)
        with context.engine.http_session() as session:
            prepared = session.prepare_request(request)
            if body is not None:
                prepared.body = base64.b64decode(body)
            ends_at = time.monotonic() + seconds
            answer = session.send(prepared, timeout=seconds, stream=True, allow_redirects=False)
            return _answer(answer, _raw_body(answer, ends_at))

    def _callback_url(self, context: Context) -> str:
        return str(getattr(context, "callback_url", "") or context.engine.callback_url())

    def _publish(self, context: Context, *, topic: str | None, payload: Mapping[str, Any]) -> None:
        context.engine.publish_notification(topic, payload)

    def _tell(
        self, context: Context, *, name: str, payload: Mapping[str, Any], idempotency_key: str
    ) -> None:
        key = _own(context, idempotency_key)
        context.engine.tell_subscription(name, json_guard.check(payload), idempotency_key=key)

    def _heartbeat(self, context: Context) -> None:
        context.engine.heartbeat()

    def _progress(
        self, context: Context, *, percentage: float, eta_seconds: float | None = None
    ) -> None:
        eta = None if eta_seconds is None else float(eta_seconds)
        context.engine.report_progress(min(max(float(percentage), 0.0), 100.0), eta)

    def _start_pipeline(
        self, context: Context, *, pipeline: str, params: Mapping[str, Any], idempotency_key: str
    ) -> str:
        key = _own(context, idempotency_key)
        return context.engine.start_pipeline(
            str(pipeline), json_guard.check(params), idempotency_key=key
        )

    def _cancel_pipeline(self, context: Context, *, execution_id: str) -> None:
        context.engine.cancel_pipeline(str(execution_id))

    def _send_celery(self, context: Context, *, call: Any, waits: bool, look_first: bool) -> Any:
        found = from_json(CeleryCall, call)
        task = context.engine.send_celery_task(found, waits=waits, look_first=look_first)
        self._tasks.add(task.external_id)
        return to_json(task)

    def _revoke_celery(self, context: Context, *, task: Any, terminate: bool) -> None:
        found = from_json(CeleryTask, task)
        waited = getattr(context, "external_workflow_ids", ())
        if found.external_id not in {*self._tasks, *waited}:
            raise Misshapen("This step has not sent the task")
        context.engine.revoke_celery_task(found, terminate=terminate)

    def _outputs(self, context: Context, *, step: str) -> Any:
        found: Mapping[str, Any] = getattr(context, "step_outputs", {})
        return found.get(step)

    def _step(self, context: Context, *, step: str) -> Any:
        names = context.scope.get("steps", {}).get(step)
        return None if names is None else masker_in(context.scope).mask(revealed(dict(names)))

    def _items(self, _: Context, *, first: int) -> Any:
        return to_json(list(self._results[first : first + PIECE]))


def _headers(told: Sequence[Sequence[str]]) -> dict[str, str]:
    return {str(name): str(value) for name, value in told}


def _own(context: Context, key: str) -> str:
    """The key of a call, which no other step has. Raises ``Misshapen``."""
    if not isinstance(key, str) or not key.startswith(context.idempotency_key):
        raise Misshapen("The idempotency key is that of somebody else")
    return key


def _raw_body(answer: requests.Response, ends_at: float) -> bytes:
    """The body as it was sent; the child decodes it, and has to pay for what comes out."""
    body = bytearray()
    try:
        while piece := answer.raw.read1(65_536, decode_content=False):
            body += piece
            if len(body) > LARGEST_BODY:
                raise ActionError(
                    f"The answer is larger than {LARGEST_BODY} bytes",
                    error_code="response_too_large",
                    retryable=False,
                )
            if time.monotonic() > ends_at:
                raise requests.Timeout("The answer took too long")
    finally:
        answer.close()
    return bytes(body)


def _answer(answer: requests.Response, body: bytes) -> Message:
    return {
        "status": answer.status_code,
        "reason": answer.reason,
        "headers": [[name, value] for name, value in answer.raw.headers.items()],
        "body": base64.b64encode(body).decode(),
    }


_OFFERED: Mapping[str, Callable[..., Any]] = {
    "invoke_service": Clerk._invoke_service,
    "http": Clerk._http,
    "callback_url": Clerk._callback_url,
    "publish_notification": Clerk._publish,
    "tell_subscription": Clerk._tell,
    "heartbeat": Clerk._heartbeat,
    "report_progress": Clerk._progress,
    "start_pipeline": Clerk._start_pipeline,
    "cancel_pipeline": Clerk._cancel_pipeline,
    "send_celery_task": Clerk._send_celery,
    "revoke_celery_task": Clerk._revoke_celery,
    "outputs": Clerk._outputs,
    "step": Clerk._step,
    "items": Clerk._items,
}
#: What a child may ask for, for the documentation and its test.
OFFERED: Collection[str] = _OFFERED.keys()
