"""The calls about guardrail deployment workflows: ``Client.guardrails``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

Json = dict[str, Any]
TOTAL_STEPS = 12


class Guardrails:
    """One method per call; what they return are the API's own documents."""

    def __init__(self, send: Callable[..., requests.Response]) -> None:
        self._send = send

    def begin(self, step_number: int = 1, *, key: str | None = None, **said: Any) -> Json:
        """Begin a workflow; with a *key* the same call begins no second one."""
        body = {"workflow_total_steps": TOTAL_STEPS, "step_number": step_number, **said}
        headers = {"Idempotency-Key": key} if key else {}
        return self._object("POST", "guardrails/deploy-workflow", json=body, headers=headers)

    def submit(self, workflow_id: str, step_number: int, **said: Any) -> Json:
        """Say a step of a workflow."""
        body = {"workflow_id": workflow_id, "step_number": step_number, **said}
        return self._object("POST", "guardrails/deploy-workflow", json=body)

    def list(self, **filters: Any) -> Json:
        """Return a page of workflows, newest first."""
        return self._object("GET", "guardrails/deploy-workflow", params=filters)

    def get(self, workflow_id: str) -> Json:
        """Return a workflow."""
        return self._object("GET", f"guardrails/deploy-workflow/{workflow_id}")

    def model_status(self, workflow_id: str) -> Json:
        """Say what has to be done for the models that its rules need."""
        return self._object("GET", f"guardrails/deploy-workflow/{workflow_id}/model-status")

    def progress(self, workflow_id: str) -> Json:
        """Tell how far it is, and the pipeline that it is at."""
        return self._object("GET", f"guardrails/deployment/{workflow_id}/progress")

    def cancel(self, workflow_id: str, reason: str | None = None) -> Json:
        """Cancel it, or say what has come of that."""
        path = f"guardrails/deploy-workflow/{workflow_id}/cancel"
        return self._object("POST", path, json={"reason": reason})

    def _object(self, method: str, path: str, **request: Any) -> Json:
        found: Json = self._send(method, path, **request).json()
        return found
