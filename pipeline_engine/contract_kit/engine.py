"""The engine as an action sees it while it is checked: real calls to the stand-ins, all noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from pipeline_engine.contract_kit.stand_ins import LOOPBACK, SAFE_METHODS
from pipeline_engine.sdk import CeleryTask, PeerApi, Peers, ServiceResponse
from pipeline_engine.sdk.celery_tasks import CeleryCall

CALLBACK_URL = "https://pipelines.example/api/v1/callbacks/token"


@dataclass(frozen=True)
class KitSettings:
    """Where the stand-ins are; they may be called by address, too."""

    service_urls: Mapping[str, str] = field(default_factory=dict)
    dapr_http_endpoint: str | None = None
    dapr_api_token: str | None = None
    app_api_token: str | None = None
    pubsub_name: str = "pubsub"
    notify_service_topic: str | None = None
    notification_webhook_url: str | None = None
    http_allowed_hosts: tuple[str, ...] = (LOOPBACK,)
    #: No port can be it: what is not on the loopback address is not called.
    http_allowed_ports: tuple[str, ...] = ("0",)


@dataclass(frozen=True)
class Write:
    """One thing that an action had done: the call, what went with it, and its key."""

    call: str
    sent: str
    key: str | None


class KitEngine(PeerApi):
    """Calls the peers, and notes what was asked of it; pipelines are only noted."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        super().__init__(Peers(KitSettings(service_urls=urls)))
        self.writes: list[Write] = []
        self.calls = 0  #: to peers, those that only read among them

    def invoke_service(self, app_id: str, method_path: str, **call: Any) -> ServiceResponse:
        """Call a stand-in; raises ``ServiceError``."""
        self.calls += 1
        method, key = call.get("http_method", "POST"), (call.get("headers") or {})
        if method not in SAFE_METHODS:
            name = f"{method} {app_id}/{method_path.lstrip('/')}"
            self._note(name, key.get("Idempotency-Key"), call.get("data"), call.get("params"))
        return super().invoke_service(app_id, method_path, **call)

    def callback_url(self) -> str:
        """An address that nobody has."""
        return CALLBACK_URL

    def publish_notification(self, topic: str | None, payload: Mapping[str, Any]) -> None:
        """Take it."""
        orjson.dumps([topic, payload])

    def tell_subscription(
        self, name: str, payload: Mapping[str, Any], *, idempotency_key: str
    ) -> None:
        """Take it."""
        self._note(f"tell {name}", idempotency_key, payload)

    def start_pipeline(
        self, pipeline: str, params: Mapping[str, Any], *, idempotency_key: str
    ) -> str:
        """Return the id that belongs to the key."""
        self._note(f"start {pipeline}", idempotency_key, params)
        return str(uuid5(NAMESPACE_URL, idempotency_key))

    def cancel_pipeline(self, execution_id: str) -> None:
        """Note it."""
        self._note(f"cancel {execution_id}", None)

    def send_celery_task(self, call: CeleryCall, *, waits: bool, look_first: bool) -> CeleryTask:  # noqa: ARG002
        """Return the task, as if it had been sent."""
        self._note(f"send {call.name}", call.task_id, call.args, call.kwargs, call.queue)
        return CeleryTask(call.app or "celery", call.task_id)

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool) -> None:
        """Note it."""
        self._note(f"revoke {task.external_id}", None, terminate)

    def _note(self, call: str, key: str | None, *sent: Any) -> None:
        written = orjson.dumps(sent, default=str, option=orjson.OPT_SORT_KEYS)
        self.writes.append(Write(call, written.decode(), key))
