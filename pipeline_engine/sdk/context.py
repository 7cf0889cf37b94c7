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
from pipeline_engine.sdk.engine_api import EngineApi, NullEngine
from pipeline_engine.sdk.services import CALLBACK_TOPIC, ServiceResponse

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(kw_only=True)
class _Caller:
    """What both contexts share: the identity that peers see, and the calls to them."""

    #: Id of the execution (a UUID as text).
    execution_id: str
    #: Id of the row of this step or item (a number as text), as the API shows it.
    step_execution_id: str = ""
    #: The same on every attempt of this step or item, and for no other.
    idempotency_key: str = ""
    #: Params of the execution, defaults included.
    workflow_params: Mapping[str, Any] = field(default_factory=dict)
    #: Who started the execution, as proved at the door; None for a service.
    user_id: str | None = None
    #: The user of the installation (``SYSTEM_USER_ID``).
    system_user_id: str | None = None
    #: What this installation calls its peers; ask ``app_id`` instead.
    app_ids: Mapping[str, str] = field(default_factory=dict)
    #: The engine behind the methods below; in tests a ``PeerApi``, or one of your own.
    engine: EngineApi = field(default_factory=NullEngine, repr=False)

    @cached_property
    def _calls(self) -> Counter[str]:
        return Counter()

    @cached_property
    def log(self) -> Any:
        """A structlog logger that knows the execution and the step; secrets are masked."""
        return structlog.get_logger("pipeline_engine.actions").bind(
            execution_id=self.execution_id, step_execution_id=self.step_execution_id
        )

    @property
    def acting_user_id(self) -> str | None:
        """On whose behalf peers act: never taken from the params of a step.

        The proved user comes first, so that nobody borrows another identity by naming it in
        the pipeline's params; those count only for executions that a service started. Last
        comes ``system_user_id``.
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

        *data* is sent as JSON, *params* as the query. *timeout_seconds* is for the whole
        exchange. An empty body is ``{}``, a list is ``{"data": [...]}``. Every call that writes
        carries an ``Idempotency-Key`` that is the same on every attempt, as long as the action
        makes its calls in the same order.

        Raises ``ServiceError`` for a status of 400 or more, with the peer's own words, and when
        there is no answer (``circuit_open`` if the peer did not answer lately). Left alone, it
        fails the step, which is tried again if that may help.
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


class _Address:
    """The field ``callback_url``: what a test gave, or what the engine signs when it is asked.

    Most steps never ask, and a signature costs as much as a whole cheap step.
    """

    def __get__(self, context: Any, _owner: type | None = None) -> str:
        if context is None:  # dataclass reads the default
            return ""
        if not context.__dict__.get("callback_url"):
            context.__dict__["callback_url"] = context.engine.callback_url()
        address: str = context.__dict__["callback_url"]
        return address

    def __set__(self, context: Any, given: Any) -> None:
        context.__dict__["callback_url"] = "" if given is self else given


@dataclass(kw_only=True)
class ActionContext(_Caller):
    """One attempt of a step, or of one item of a fan-out."""

    #: Id of the step in the pipeline.
    step_id: str
    #: Its params with every template rendered; defaults of the action are not filled in.
    params: dict[str, Any]
    #: Outputs of the steps before it, by their ids.
    step_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: What this step has left so far: seen by ``on_wake`` and ``cleanup``.
    stored_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: What it is parked on; seen by ``cleanup``.
    external_workflow_ids: tuple[str, ...] = ()
    #: Names in templates, for ``evaluate_condition`` and ``render_value``.
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Seconds that this attempt has; None if neither the pipeline nor the action has said so.
    timeout_seconds: float | None = None
    #: How many attempts have failed before this one.
    retry_count: int = 0
    #: The number of this attempt, from 1; attempts that died with their worker count too.
    attempt: int = 1
    #: When the time of this attempt is over (aware, UTC).
    deadline: datetime | None = None
    #: The value of the item; None outside of a fan-out.
    item: Any = None
    #: The place of the item, from 0; None outside of a fan-out.
    item_index: int | None = None
    #: The name of the item, if it has one.
    item_key: str | None = None
    #: Address at which the outside ends this attempt. Made when it is first asked for, for every
    #: action; whoever has it may answer, so keep it out of outputs and logs.
    callback_url: str = field(default=_Address(), repr=False)  # type: ignore[assignment]
    #: Where peers publish what a parked step waits for.
    callback_topic: str = CALLBACK_TOPIC
    #: Bytes that its outputs may have as JSON.
    max_output_bytes: int = 262_144
    #: Yours; the engine puts nothing into it.
    metadata: dict[str, Any] = field(default_factory=dict)

    def scope_with(self, **names: Any) -> dict[str, Any]:
        """Return the names in templates with these beside them; secrets in them stay secrets."""
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
        """Say that the action is alive, as often as you like; long loops do every few seconds.

        The process does so by itself as long as it lives; this is for work that holds it up.
        """
        self.engine.heartbeat()

    def progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Say how far the action is, from 0 to 100, as often as you like.

        It is stored once a second at most; what is out of range is cut.
        """
        self.engine.report_progress(min(max(percentage, 0.0), 100.0), eta_seconds)

    def http_session(self) -> requests.Session:
        """Open a ``requests`` session that reaches public addresses only; close it after use.

        Its requests raise ``RequestBlocked`` for any other address (``PIPELINE_HTTP_ALLOWED_HOSTS``
        opens some), and what ``requests`` raises.
        """
        return self.engine.http_session()

    def publish_notification(self, payload: Mapping[str, Any], *, topic: str | None = None) -> None:
        """Hand a notification to whoever delivers them; raises ``ServiceError``.

        Without *topic* it goes to ``NOTIFY_SERVICE_TOPIC``.
        """
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
        """Cancel an execution that ``start_pipeline`` began; one that has ended stays as it is."""
        self.engine.cancel_pipeline(execution_id)


@dataclass(kw_only=True)
class EventContext(_Caller):
    """One event for a parked step, read under the lock of its row."""

    #: The id or key that the event came for; for a callback the ``step_execution_id``.
    external_workflow_id: str
    #: The ``type`` of the event, or an empty text.
    event_type: str
    #: The event as it came: JSON, whoever sent it. Trust nothing in it.
    event_data: Mapping[str, Any]
    #: What this step has left so far; the answer's outputs are merged over it.
    step_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: Params of the step, rendered.
    params: Mapping[str, Any] = field(default_factory=dict)
    #: Names in templates, with ``event`` (its data) among them.
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: The value of the item; None outside of a fan-out.
    item: Any = None
    #: The place of the item, from 0; None outside of a fan-out.
    item_index: int | None = None
    #: The name of the item, if it has one.
    item_key: str | None = None
    #: The number of the attempt that is parked.
    attempt: int = 1
