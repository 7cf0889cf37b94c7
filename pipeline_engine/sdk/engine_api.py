"""The engine as an action sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import requests

from pipeline_engine.sdk.celery_tasks import CeleryCall, CeleryTask
from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.services import ServiceResponse


class EngineApi(Protocol):
    """What the engine does for an action while it runs; contexts offer it in a handier form."""

    def invoke_service(
        self,
        app_id: str,
        method_path: str,
        *,
        data: Any,
        http_method: str,
        params: Mapping[str, Any] | None,
        timeout_seconds: float,
        headers: Mapping[str, str],
    ) -> ServiceResponse:
        """Call a peer service; raises ``ServiceError``."""

    def http_session(self) -> requests.Session:
        """Open a session that reaches public addresses only; whoever asked closes it."""

    def gateway_tables(self) -> GatewayTables | None:
        """Return the tables of the gateway's Redis; None if this installation knows none."""

    def callback_url(self) -> str:
        """Return the address at which the outside ends this attempt; asked once for a context."""

    def publish_notification(self, topic: str | None, payload: Mapping[str, Any]) -> None:
        """Send a notification; *topic* None is the configured one.  Raises ``ServiceError``."""

    def tell_subscription(
        self, name: str, payload: Mapping[str, Any], *, idempotency_key: str
    ) -> None:
        """Post a message to a subscription of the execution's owner; once for each key."""

    def heartbeat(self) -> None:
        """Renew the lease of this attempt."""

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Store how far this attempt is (0 to 100), and the seconds that it still needs."""

    def keep_line(self, level: str, message: str, facts: Mapping[str, Any]) -> None:
        """Keep a line of the log with this attempt."""

    def start_pipeline(
        self, pipeline: str, params: Mapping[str, Any], *, idempotency_key: str
    ) -> str:
        """Start another pipeline by name or id, and return the id of its execution.

        The same *idempotency_key* finds the execution that was started with it before.
        """

    def cancel_pipeline(self, execution_id: str) -> None:
        """Cancel an execution that ``start_pipeline`` began; one that has ended stays as it is."""

    def send_celery_task(self, call: CeleryCall, *, waits: bool, look_first: bool) -> CeleryTask:
        """Send a task of another Celery app; with *look_first* not if that has begun it already.

        With *waits* the app has to keep results.
        """

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool) -> None:
        """Ask the workers of the app to let a task be."""


class NullEngine:
    """An engine for contexts that are made by hand: calls to others raise ``ActionError``."""

    def invoke_service(self, app_id: str, method_path: str, **_: Any) -> ServiceResponse:
        """Refuse."""
        raise ActionError(f"No engine to call {app_id}/{method_path} with")

    def http_session(self) -> requests.Session:
        """Refuse."""
        raise ActionError("No engine to send requests with")

    def gateway_tables(self) -> GatewayTables | None:
        """Know none."""
        return None

    def callback_url(self) -> str:
        """Have none: nobody waits."""
        return ""

    def publish_notification(self, *_: Any) -> None:
        """Refuse."""
        raise ActionError("No engine to publish notifications with")

    def tell_subscription(self, name: str, *_: Any, **__: Any) -> None:
        """Refuse."""
        raise ActionError(f"No engine to tell {name} with")

    def heartbeat(self) -> None:
        """Do nothing: there is no lease."""

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Do nothing: nobody looks."""

    def keep_line(self, *_: Any) -> None:
        """Do nothing: nobody reads."""

    def start_pipeline(self, pipeline: str, *_: Any, **__: Any) -> str:
        """Refuse."""
        raise ActionError(f"No engine to start {pipeline} with")

    def cancel_pipeline(self, execution_id: str) -> None:
        """Refuse."""
        raise ActionError(f"No engine to cancel {execution_id} with")

    def send_celery_task(self, call: CeleryCall, *, waits: bool, look_first: bool) -> CeleryTask:  # noqa: ARG002
        """Refuse."""
        raise ActionError(f"No engine to send the task {call.name} with")

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool) -> None:  # noqa: ARG002
        """Refuse."""
        raise ActionError(f"No engine to revoke the task {task.task_id} with")
