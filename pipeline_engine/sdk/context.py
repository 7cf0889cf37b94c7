"""All that an action may know and do while it runs, and while an event is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import requests
import structlog

from pipeline_engine.domain.expressions import SecretMisused, covered, ledger_of, masker_in
from pipeline_engine.sdk.action_log import ActionLog
from pipeline_engine.sdk.celery_tasks import CeleryCall, CeleryTask
from pipeline_engine.sdk.engine_api import EngineApi, NullEngine
from pipeline_engine.sdk.errors import OutcomeUnknown, ServiceError
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.senders import Sender
from pipeline_engine.sdk.services import CALLBACK_TOPIC, ServiceResponse

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(kw_only=True)
class _Caller:
    """What both contexts share: the identity that peers see, and the calls to them."""

    #: Id of the execution (a UUID as text).
    execution_id: str
    #: Id of the row of this step or item (a number as text), as the API shows it.
    step_execution_id: str = ""
    #: The same on every attempt of this step or item, and for no other. Give it to those that you
    #: call yourself, so that a repeated attempt does nothing twice.
    idempotency_key: str = ""
    #: Params of the execution by name, defaults included (JSON).
    workflow_params: Mapping[str, Any] = field(default_factory=dict)
    #: Who started the execution, as the API proved it; None if a service did.
    user_id: str | None = None
    #: The user of the installation (``SYSTEM_USER_ID``); None if that is not set.
    system_user_id: str | None = None
    #: What this installation calls its peers, by their usual names; ask ``app_id`` instead.
    app_ids: Mapping[str, str] = field(default_factory=dict)
    #: Address of this installation, as people reach it.
    public_url: str = ""
    #: The engine behind the methods below; in tests a ``PeerApi``, or one of your own.
    engine: EngineApi = field(default_factory=NullEngine, repr=False)

    @cached_property
    def _calls(self) -> Counter[str]:
        return Counter()

    @cached_property
    def log(self) -> ActionLog:
        """A logger whose lines name the execution and the step, and are kept; secrets are masked.

        ``context.log.info("uploaded", files=3)``: an event and its facts.
        """
        logger = structlog.get_logger("pipeline_engine.actions").bind(
            execution_id=self.execution_id, step_execution_id=self.step_execution_id
        )
        return ActionLog(logger, self.engine.keep_line)

    @property
    def page_url(self) -> str:
        """Address of the page on which people answer what waits for them in this execution."""
        return f"{self.public_url.rstrip('/')}/approvals/{self.execution_id}"

    @property
    def acting_user_id(self) -> str | None:
        """The user on whose behalf peers act; None if there is none. Params of a step do not count.

        In this order: ``user_id``, so that nobody borrows another identity by naming it in the
        params of the execution; the param ``user_id`` of the execution, which counts only if a
        service started it; ``system_user_id``.
        """
        given = self.workflow_params.get("user_id")
        return self.user_id or (str(given) if given else None) or self.system_user_id

    @property
    def gateway_tables(self) -> GatewayTables | None:
        """The guardrail tables in the gateway's Redis.

        None if ``PIPELINE_GATEWAY_REDIS_URL`` is not set, and for isolated actions. Whoever can
        write them can change what guards anybody's endpoints: ask budapp first whether the user
        of the execution (``acting_user_id``) may.
        """
        return self.engine.gateway_tables()

    def app_id(self, name: str) -> str:
        """Return the application id that this installation uses for the peer *name*.

        That is *name* itself, unless the operator has said otherwise.
        """
        return self.app_ids.get(name, name)

    def invoke_service(
        self,
        app_id: str,
        method_path: str = "",
        data: Any = None,
        http_method: str = "POST",
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30,
        *,
        method: str = "",
    ) -> ServiceResponse:
        """Call a peer service and return its JSON object; ``await`` is welcome, not needed.

        *app_id* names the peer (``app_id`` is applied to it), *method_path* the route on it,
        such as ``models/42``; *method* is what an older guide calls the route. *data* is sent as
        JSON, *params* as the query, without those that are None. *timeout_seconds* is for the
        whole exchange. An empty body is ``{}``, a list is ``{"data": [...]}``.

        Call it as often as you like. Every call that writes carries an ``Idempotency-Key`` that
        is the same on every attempt, as long as the action makes its calls in the same order.

        Raises ``ServiceError`` for a status of 400 or more, with the peer's own words, and when
        there is no answer (``circuit_open`` if the peer did not answer lately). If you let it
        through, it fails the attempt, and another one is made if that may help.
        """
        path = method_path or method
        return self._call(app_id, path, data, http_method, params, timeout_seconds)

    def _call(
        self,
        app_id: str,
        method_path: str,
        data: Any,
        http_method: str,
        params: Mapping[str, Any] | None,
        timeout_seconds: float,
        *,
        instead_of: str | None = None,
    ) -> ServiceResponse:
        return self.engine.invoke_service(
            self.app_id(app_id),
            method_path,
            data=data,
            http_method=http_method.upper(),
            params=params,
            timeout_seconds=timeout_seconds,
            headers=self._headers(http_method.upper(), method_path, instead_of),
        )

    def _headers(self, method: str, path: str, instead_of: str | None) -> dict[str, str]:
        headers = {"X-Correlation-ID": self.execution_id}
        if self.idempotency_key and method not in SAFE_METHODS:
            again = f" instead of {instead_of}" if instead_of else ""
            headers["Idempotency-Key"] = self._key_of_call(f"{method} {path.strip('/')}{again}")
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

    #: Id of the step in the pipeline, such as ``deploy``.
    step_id: str
    #: Params of the step, with every template rendered but those of ``META.unrendered_params``;
    #: defaults of the action are not filled in.
    params: dict[str, Any]
    #: Outputs of the steps before it, by their ids; a step that left none is absent. They are
    #: read from the database when they are first asked for.
    step_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: Outputs of this step so far: for ``on_wake`` and ``cleanup``, and for ``execute`` what the
    #: attempts that have failed before it have left.
    stored_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: Ids and keys that the step is parked on: for ``cleanup``.
    external_workflow_ids: tuple[str, ...] = ()
    #: Values of the names in templates (``params``, ``steps``, ``item`` …): hand it on to
    #: ``evaluate_condition`` and ``render_value``.
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Seconds that this attempt has; None if neither the pipeline nor the action has said so.
    timeout_seconds: float | None = None
    #: Attempts that have failed before this one; those that died with their worker do not count.
    retry_count: int = 0
    #: The number of this attempt, from 1; attempts that died with their worker count too.
    attempt: int = 1
    #: Whether the work may be done again although nobody knows whether it was done: what the step
    #: says, or else its action for this installation. ``start_once`` keeps to it.
    may_repeat: bool = True
    #: Moment at which the time of this attempt is over (aware, UTC): after ``timeout_seconds``, or
    #: when a step may not stay parked any longer. None in a context made by hand.
    deadline: datetime | None = None
    #: Value of the item (JSON); None outside of a fan-out.
    item: Any = None
    #: Place of the item, from 0; None outside of a fan-out.
    item_index: int | None = None
    #: Name of the item; None if it has none, and outside of a fan-out.
    item_key: str | None = None
    #: Address at which the outside ends this attempt. Made when it is first asked for, for every
    #: action; whoever has it may answer, so keep it out of outputs and logs.
    callback_url: str = field(default=_Address(), repr=False)  # type: ignore[assignment]
    #: Topic on which peers publish what a parked step waits for.
    callback_topic: str = CALLBACK_TOPIC
    #: Bytes that the outputs may have as JSON, in ``join`` the joined ones; more of them fail.
    max_output_bytes: int = 262_144
    #: For your own use within one attempt; the engine neither fills nor stores it.
    metadata: dict[str, Any] = field(default_factory=dict)

    def scope_with(self, **names: Any) -> dict[str, Any]:
        """Return ``scope`` with these names added; secrets in their values stay secrets."""
        ledger = ledger_of(self.scope)
        return {**self.scope, **{name: covered(value, ledger) for name, value in names.items()}}

    def refuse_secrets(self, value: Any, place: str) -> None:
        """Raise ``SecretMisused`` if *value* quotes a secret, and name *place* in the message.

        For a value that will be split, compared or used as a key, which would show parts of it.
        """
        if masker_in(self.scope).finds(value):
            raise SecretMisused(f"{place}: A secret can only be passed on whole")

    def keep_secret(self, made: str, *of: Any) -> None:
        """Hide the text *made* in outputs and logs, if one of the values *of* quotes a secret.

        For what you made from a secret, such as an encoded form; call it before you answer.
        """
        ledger = ledger_of(self.scope)
        if ledger is not None and ledger.masker.finds(of):
            ledger.secret(made)

    def start_once(
        self,
        app_id: str,
        method_path: str,
        data: Any = None,
        http_method: str = "POST",
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30,
        *,
        instead_of: str | None = None,
    ) -> ServiceResponse:
        """Call a peer to start or make something of which there must not be two.

        As ``invoke_service``; but if nobody can tell whether the peer has done it (no answer, or
        a broken one) and the attempt may not be repeated (``may_repeat``), it raises
        ``OutcomeUnknown``, which fails the step: what there is now is for people to see.

        *instead_of* is the id of a job that is known to have failed: the key of the call is
        another one then, since by the same key the peer would find the failed job again.
        """
        try:
            return self._call(
                app_id,
                method_path,
                data,
                http_method,
                params,
                timeout_seconds,
                instead_of=instead_of,
            )
        except ServiceError as error:
            if self.may_repeat or not error.may_be_done:
                raise
            raise OutcomeUnknown(
                f"{error}; whether {app_id} has done it is unknown", status=error.status
            ) from error

    def heartbeat(self) -> None:
        """Renew the lease of this attempt at once.

        Each call is one statement in the database; once in a few seconds is enough. The worker
        renews the lease by itself while its threads get their turn: only code that holds the
        interpreter for longer (a C extension) needs to call this.
        """
        self.engine.heartbeat()

    def progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Tell how far the attempt is: *percentage* from 0 to 100, and the seconds still needed.

        Call it as often as you like: it is stored once a second at most, but 100 always. What is
        out of range is brought into it. *eta_seconds* None leaves the last one standing.
        """
        self.engine.report_progress(min(max(percentage, 0.0), 100.0), eta_seconds)

    def http_session(self) -> requests.Session:
        """Open a ``requests`` session that reaches public addresses only; ``with`` closes it.

        Its requests raise ``RequestBlocked`` for any other address (``PIPELINE_HTTP_ALLOWED_HOSTS``
        opens some), and what ``requests`` raises.
        """
        return self.engine.http_session()

    def publish_notification(self, payload: Mapping[str, Any], *, topic: str | None = None) -> None:
        """Send *payload* (JSON) to the service that delivers notifications.

        *topic* None is ``NOTIFY_SERVICE_TOPIC``. Each call sends; a repeated attempt sends again.
        Raises ``ServiceError`` if no such service is configured, or it did not take it.
        """
        self.engine.publish_notification(topic, payload)

    def tell_subscription(self, name: str, payload: Mapping[str, Any]) -> None:
        """Post *payload* (JSON; ``title`` and ``message`` are texts) to a subscription.

        *name* is that of one of the execution's owner. It is sent as all its messages are: signed,
        tried again, given up. A repeated attempt that makes the same calls posts nothing again.
        Raises ``ActionError`` (``subscription_not_found``).
        """
        key = self._key_of_call(f"tell_subscription {name}")
        self.engine.tell_subscription(name, payload, idempotency_key=key)

    def start_pipeline(self, pipeline: str, params: Mapping[str, Any]) -> str:
        """Start another pipeline by name or id, and return the id of its execution (a UUID).

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
        """Cancel an execution that ``start_pipeline`` has returned, with all that it has started.

        One that has ended stays as it is, so a second call does no harm.
        """
        self.engine.cancel_pipeline(execution_id)

    def send_celery_task(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        app: str | None = None,
        queue: str | None = None,
        waits: bool = True,
        instead_of: str | None = None,
    ) -> CeleryTask:
        """Send the task *name* to a Celery app that the operator has named, and return it.

        *app* None is the only one there is, *queue* None the one of the app. The id of the task is
        the same on every attempt, so a repeated one sends no second task where the results of the
        app show that it was begun; *instead_of* is the id of a task that has ended, after which
        another one is meant. With *waits* the app must keep results: park on ``external_id`` of
        the task, and the engine sends an event of the type ``CELERY_TASK_ENDED`` at its end, with
        ``state``, ``result`` and ``error``.

        Raises ``ActionError`` (``celery_task_refused``, ``celery_unreachable``).
        """
        place = f"{self.idempotency_key}:{name}:{instead_of or ''}"
        call = CeleryCall(
            name=name,
            task_id=str(uuid5(NAMESPACE_OID, place)),
            args=args,
            kwargs=kwargs or {},
            app=app,
            queue=queue,
            hidden=masker_in(self.scope).finds([list(args), dict(kwargs or {})]),
        )
        return self.engine.send_celery_task(call, waits=waits, look_first=self.attempt > 1)

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool = False) -> None:
        """Ask the workers to let a task be; with *terminate*, to stop it if it has begun.

        A second call does no harm. Raises ``ActionError`` (``celery_unreachable``).
        """
        self.engine.revoke_celery_task(task, terminate=terminate)


@dataclass(kw_only=True)
class EventContext(_Caller):
    """One event for a parked step, read under the lock of its row."""

    #: Id or key that the event came for; of a callback the ``step_execution_id``.
    external_workflow_id: str
    #: The ``type`` of the event; empty if it has none.
    event_type: str
    #: Body of the event as it came (JSON). Anybody may have sent it: trust nothing in it.
    event_data: Mapping[str, Any]
    #: Who gave an answer through the API, where he was signed in; None for everything else.
    sender: Sender | None = None
    #: Moment at which the event came to the engine (aware).
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: Outputs of this step so far; those of your answer are merged over them.
    step_outputs: Mapping[str, Any] = field(default_factory=dict)
    #: Params of the step, rendered as for ``execute``.
    params: Mapping[str, Any] = field(default_factory=dict)
    #: Values of the names in templates, with ``event`` (the ``event_data``) among them.
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Value of the item (JSON); None outside of a fan-out.
    item: Any = None
    #: Place of the item, from 0; None outside of a fan-out.
    item_index: int | None = None
    #: Name of the item; None if it has none, and outside of a fan-out.
    item_key: str | None = None
    #: Number of the attempt that is parked, from 1.
    attempt: int = 1
