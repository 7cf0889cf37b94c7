"""All that an action may know and do while it runs, and while an event is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import requests
import structlog

from pipeline_engine.domain.expressions import SecretMisused, covered, ledger_of, masker_in
from pipeline_engine.sdk.door import ClosedDoor, EngineDoor
from pipeline_engine.sdk.services import CALLBACK_TOPIC, ServiceResponse

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(kw_only=True)
class _Caller:
    """What both contexts share: the identity that peers see, and the calls to them."""

    execution_id: str
    step_execution_id: str = ""
    idempotency_key: str = ""
    workflow_params: Mapping[str, Any] = field(default_factory=dict)
    user_id: str | None = None  #: who started the execution, as proved at the door
    system_user_id: str | None = None
    app_ids: Mapping[str, str] = field(default_factory=dict)
    engine: EngineDoor = field(default_factory=ClosedDoor, repr=False)

    @cached_property
    def _calls(self) -> Counter[str]:
        return Counter()

    @cached_property
    def log(self) -> Any:
        """A structlog logger that knows the execution and the step."""
        return structlog.get_logger("pipeline_engine.actions").bind(
            execution_id=self.execution_id, step_execution_id=self.step_execution_id
        )

    @property
    def acting_user_id(self) -> str | None:
        """On whose behalf peers act: never taken from the params of a step.

        The proved user comes first, so that nobody borrows another identity by naming it in
        the pipeline's params; those count only for executions that a service started.
        """
        given = self.workflow_params.get("user_id")
        return self.user_id or (str(given) if given else None) or self.system_user_id

    def app_id(self, name: str) -> str:
        """Return the application id that this deployment uses for the peer *name*."""
        return self.app_ids.get(name, name)

    def invoke_service(
        self,
        app_id: str,
        method_path: str,
        data: Any = None,
        http_method: str = "POST",
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30,
    ) -> ServiceResponse:
        """Call a peer service and return its JSON object; ``await`` is welcome, not needed.

        An empty body is ``{}``, a list is ``{"data": [...]}``. Raises ``ServiceError`` for a
        status of 400 or more, with the peer's own words, and when there is no answer.
        """
        return self.engine.invoke_service(
            self.app_id(app_id),
            method_path,
            data=data,
            http_method=http_method.upper(),
            params=params,
            timeout_seconds=timeout_seconds,
            headers=self._headers(http_method.upper(), method_path),
        )

    def _headers(self, method: str, path: str) -> dict[str, str]:
        headers = {"X-Correlation-ID": self.execution_id}
        if self.idempotency_key and method not in SAFE_METHODS:
            headers["Idempotency-Key"] = self._key_of_call(f"{method} {path.strip('/')}")
        return headers

    def _key_of_call(self, call: str) -> str:
        # One step may write several times: each call has a key of its own, which is the same
        # on every attempt, as long as the action makes its calls in the same order.
        self._calls[call] += 1
        digest = sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        key = f"{self.idempotency_key}:{digest}"
        return key if self._calls[call] == 1 else f"{key}:{self._calls[call]}"


@dataclass(kw_only=True)
class ActionContext(_Caller):
    """One attempt of a step, or of one item of a fan-out."""

    step_id: str
    params: dict[str, Any]
    step_outputs: Mapping[str, Any] = field(default_factory=dict)
    stored_outputs: Mapping[str, Any] = field(default_factory=dict)  #: its own, so far
    external_workflow_ids: tuple[str, ...] = ()  #: what it is parked on
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)  #: names in templates
    timeout_seconds: float | None = None
    retry_count: int = 0
    attempt: int = 1
    deadline: datetime | None = None
    item: Any = None
    item_index: int | None = None
    item_key: str | None = None
    callback_url: str = field(default="", repr=False)
    callback_topic: str = CALLBACK_TOPIC
    max_output_bytes: int = 262_144  #: what its outputs may have as JSON
    metadata: dict[str, Any] = field(default_factory=dict)

    def scope_with(self, **names: Any) -> dict[str, Any]:
        """The names in templates with these beside them; secrets in them can only be passed on."""
        ledger = ledger_of(self.scope)
        return {**self.scope, **{name: covered(value, ledger) for name, value in names.items()}}

    def refuse_secrets(self, value: Any, place: str) -> None:
        """Raise ``SecretMisused`` if *value* quotes a secret: for what would show parts of it."""
        if masker_in(self.scope).finds(value):
            raise SecretMisused(f"{place}: A secret can only be passed on whole")

    def keep_secret(self, made: str, *of: Any) -> None:
        """Hide *made*, which the action is about to answer, if one of *of* quotes a secret."""
        ledger = ledger_of(self.scope)
        if ledger is not None and ledger.masker.finds(of):
            ledger.secret(made)

    def heartbeat(self) -> None:
        """Say that the action is alive; long loops do so every few seconds."""
        self.engine.heartbeat()

    def progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Say how far the action is, from 0 to 100."""
        self.engine.report_progress(min(max(percentage, 0.0), 100.0), eta_seconds)

    def http_session(self) -> requests.Session:
        """Open a ``requests`` session that reaches public addresses only; close it after use."""
        return self.engine.http_session()

    def publish_notification(self, payload: Mapping[str, Any], *, topic: str | None = None) -> None:
        """Hand a notification to whoever delivers them; raises ``ServiceError``."""
        self.engine.publish_notification(topic, payload)

    def start_pipeline(self, pipeline: str, params: Mapping[str, Any]) -> str:
        """Start another pipeline by name or id; returns the id of its execution.

        Calls are told apart by their order, so a later attempt that makes the same calls finds
        what the ones before have started: an execution that is open, or whose end no attempt was
        told. After an end that was told, such as a failure, it starts another one on purpose.
        Park on ``execution:<id>`` to be told. Raises ``ActionError`` (``tree_too_large``,
        ``too_deeply_nested``, ``tree_cancelled``, ``attempt_over``) and what a client would be
        told: ``pipeline_not_found``, ``invalid_params``, ``too_many_open_executions`` …
        """
        key = self._key_of_call(f"start_pipeline {pipeline}")
        return self.engine.start_pipeline(pipeline, params, idempotency_key=key)

    def cancel_pipeline(self, execution_id: str) -> None:
        """Cancel an execution that ``start_pipeline`` began."""
        self.engine.cancel_pipeline(execution_id)


@dataclass(kw_only=True)
class EventContext(_Caller):
    """One event for a parked step, read under the lock of its row."""

    external_workflow_id: str
    event_type: str
    event_data: Mapping[str, Any]
    step_outputs: Mapping[str, Any] = field(default_factory=dict)  #: the step's own, so far
    params: Mapping[str, Any] = field(default_factory=dict)
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)  #: with ``event``, its data
    item: Any = None
    item_index: int | None = None
    item_key: str | None = None
    attempt: int = 1
