"""The engine as an action sees it that is tried alone: peers, and nothing that takes servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pipeline_engine.config import Settings
from pipeline_engine.sdk import (
    ActionError,
    CeleryTask,
    PeerApi,
    Peers,
    ServiceError,
    ServiceResponse,
)
from pipeline_engine.sdk.celery_tasks import CeleryCall

#: Settings without which there are none, and which nothing here uses.
UNUSED = {
    "DATABASE_URL": "postgresql://alone.invalid/alone",
    "REDIS_URL": "redis://alone.invalid/0",
    "PIPELINE_SECRET_KEY": "of-a-trial-that-seals-nothing",
}
OnProgress = Callable[[float, float | None], None]


def settings_alone(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment that need not name servers; raises ``InvalidSettings``."""
    given = {name: value for name, value in environment.items() if value}
    return Settings.from_env({**UNUSED, **given})


class NeedsEngine(ActionError):
    """An action asked for what only a running engine can do."""

    code = "needs_engine"

    def __init__(self, what: str) -> None:
        message = f"{what} takes a running engine, and the action is tried alone"
        super().__init__(message, error_code=self.code, retryable=False)


class TrialEngine(PeerApi):
    """Calls peers where the settings say they are, and keeps the progress that is told."""

    def __init__(self, settings: Settings, on_progress: OnProgress) -> None:
        super().__init__(Peers(settings))
        self._settings = settings
        self._on_progress = on_progress

    def invoke_service(self, app_id: str, method_path: str, **call: Any) -> ServiceResponse:
        """Call a peer; raises ``ServiceError``, which says how to name one that has no address."""
        if app_id not in self._settings.service_urls and not self._settings.dapr_http_endpoint:
            example = f'PIPELINE_SERVICE_URLS=\'{{"{app_id}": "http://…"}}\''
            raise ServiceError(f"Nobody has said where {app_id} is: {example}", retryable=False)
        return super().invoke_service(app_id, method_path, **call)

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Keep it."""
        self._on_progress(percentage, eta_seconds)

    def callback_url(self) -> str:
        """An address of the right form, at which nobody listens."""
        return f"{self._settings.public_url.rstrip('/')}/api/v1/callbacks/of-a-trial"

    def tell_subscription(self, name: str, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise NeedsEngine(f"To tell the subscription {name}")

    def start_pipeline(self, pipeline: str, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise NeedsEngine(f"To start the pipeline {pipeline}")

    def cancel_pipeline(self, execution_id: str) -> NoReturn:
        """Refuse."""
        raise NeedsEngine(f"To cancel the execution {execution_id}")

    def send_celery_task(self, call: CeleryCall, **_: Any) -> NoReturn:
        """Refuse."""
        raise NeedsEngine(f"To send the task {call.name}")

    def revoke_celery_task(self, task: CeleryTask, **_: Any) -> NoReturn:
        """Refuse."""
        raise NeedsEngine(f"To revoke the task {task.task_id}")
