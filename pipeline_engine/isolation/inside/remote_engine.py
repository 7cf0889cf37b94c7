"""The engine as a child sees it: each call goes to the process that holds connections and keys."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from pipeline_engine.isolation.between.contexts import Ask
from pipeline_engine.isolation.between.plain import from_json
from pipeline_engine.sdk import GuardedSession, ServiceResponse
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.celery_tasks import CeleryCall, CeleryTask


class RemoteEngine:
    """An ``EngineApi`` at the other end of a channel."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def invoke_service(self, app_id: str, method_path: str, **call: Any) -> ServiceResponse:
        """Call a peer service; raises ``ServiceError``."""
        call["params"] = None if call.get("params") is None else dict(call["params"])
        call["headers"] = dict(call["headers"])
        return ServiceResponse(
            self._ask("invoke_service", app_id=app_id, method_path=method_path, **call)
        )

    def http_session(self) -> requests.Session:
        """Open a session whose requests are sent by the engine."""
        return RemoteSession(self._ask)

    def gateway_tables(self) -> None:
        """Know none: they decide what guards anybody's endpoints."""

    def callback_url(self) -> str:
        """Return the address at which the outside ends this attempt."""
        return str(self._ask("callback_url"))

    def publish_notification(self, topic: str | None, payload: Mapping[str, Any]) -> None:
        """Send a notification; raises ``ServiceError``."""
        self._ask("publish_notification", topic=topic, payload=dict(payload))

    def tell_subscription(
        self, name: str, payload: Mapping[str, Any], *, idempotency_key: str
    ) -> None:
        """Post a message to a subscription of the execution's owner."""
        told = dict(payload)
        self._ask("tell_subscription", name=name, payload=told, idempotency_key=idempotency_key)

    def heartbeat(self) -> None:
        """Renew the lease of this attempt."""
        self._ask("heartbeat")

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Store how far this attempt is."""
        self._ask("report_progress", percentage=percentage, eta_seconds=eta_seconds)

    def start_pipeline(
        self, pipeline: str, params: Mapping[str, Any], *, idempotency_key: str
    ) -> str:
        """Start another pipeline and return the id of its execution."""
        told = dict(params)
        key = idempotency_key
        return str(self._ask("start_pipeline", pipeline=pipeline, params=told, idempotency_key=key))

    def cancel_pipeline(self, execution_id: str) -> None:
        """Cancel an execution that this step has started."""
        self._ask("cancel_pipeline", execution_id=execution_id)

    def keep_line(self, level: str, message: str, facts: Mapping[str, Any]) -> None:
        """Do nothing: the log of a context has sent the line already."""

    def send_celery_task(self, call: CeleryCall, *, waits: bool, look_first: bool) -> CeleryTask:
        """Send a task of another Celery app."""
        told = self._ask("send_celery_task", call=call, waits=waits, look_first=look_first)
        return from_json(CeleryTask, told)

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool) -> None:
        """Ask the workers of the app to let a task be."""
        self._ask("revoke_celery_task", task=task, terminate=terminate)


class RemoteSession(GuardedSession):
    """A ``requests`` session without sockets; redirects are followed here, one request each."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(AddressGuard())
        self.adapters.clear()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _RemoteAdapter(ask))


class _RemoteAdapter(HTTPAdapter):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the body is here when it is looked at
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002 - the engine has its own mind about it
        cert: Any = None,  # noqa: ARG002 - as above
        proxies: Any = None,  # noqa: ARG002 - as above
    ) -> requests.Response:
        """Let the engine send one request; raises what ``requests`` raises."""
        answer = self._ask(
            "http",
            method=request.method,
            url=request.url,
            headers=[[name, _text(value)] for name, value in request.headers.items()],
            body=_encoded(request.body),
            timeout=list(timeout) if isinstance(timeout, tuple) else timeout,
        )
        raw = HTTPResponse(
            body=io.BytesIO(base64.b64decode(answer["body"])),
            headers=HTTPHeaderDict([tuple(one) for one in answer["headers"]]),
            status=answer["status"],
            reason=answer["reason"],
            preload_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _encoded(body: Any) -> str | None:
    if body is None:
        return None
    if hasattr(body, "read"):
        body = body.read()
    elif not isinstance(body, str | bytes):
        body = b"".join(body)
    return base64.b64encode(body.encode() if isinstance(body, str) else body).decode()
