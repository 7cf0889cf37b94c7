"""One method per call of the API; what they return are the API's own documents."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests

from pipeline_engine.client.guardrails import Guardrails
from pipeline_engine.client.schedules import Schedules
from pipeline_engine.client.stored_actions import StoredActions
from pipeline_engine.client.subscriptions import Subscriptions
from pipeline_engine.client.webhooks import Webhooks
from pipeline_engine.domain.issues import dotted
from pipeline_engine.domain.retry_after import retry_after
from pipeline_engine.errors import (
    AlertRuleNotFound,
    AmbiguousName,
    EventTriggerNotFound,
    PipelineEngineError,
    PipelineNotFound,
)

Json = dict[str, Any]
PAGE_SIZE = 100
DUPLICATE_NAME = "duplicate_pipeline_name"
#: answers after which the same request may succeed, if the API says when
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class ApiUnreachable(PipelineEngineError):
    """The API does not answer."""

    code = "api_unreachable"


class ApiRefused(PipelineEngineError):
    """The API refused the request."""

    code = "api_refused"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.stable_code = str(problem.get("code") or self.code)  #: the API's, if it said one
        title = problem.get("detail") or problem.get("title") or f"HTTP status {status}"
        lines = [f"  {issue_line(error)}" for error in problem.get("errors") or ()]
        super().__init__("\n".join([str(title), *lines]))


class Client:
    """The API at one address, seen by one token.

    An API that is busy says when to come back (``Retry-After``); it is asked again as long as
    that costs no more than *patience_seconds* in all. *on_wait* is told the seconds and the reason.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: float = 30,
        patience_seconds: float = 0,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._patience = patience_seconds
        self._on_wait = on_wait
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"
        self.guardrails = Guardrails(self._send)
        self.webhooks = Webhooks(self._send)
        self.stored_actions = StoredActions(self._send)

    def validate(self, document: Mapping[str, Any]) -> Json:
        """Return the complete check of a pipeline document."""
        return self._object("POST", "validate", json={"dag": document})

    def store(self, document: Mapping[str, Any]) -> Json:
        """Store a pipeline, or a new revision of our own one that has its name already."""
        try:
            return self._object("POST", "pipelines", json={"dag": document})
        except ApiRefused as refusal:
            if refusal.stable_code != DUPLICATE_NAME:
                raise
        path = f"pipelines/{self.pipelines(name=document['name'])[0]['id']}"
        etag = self._send("GET", path).headers["ETag"]
        return self._object("PUT", path, json={"dag": document}, headers={"If-Match": etag})

    def pipelines(self, **filters: Any) -> list[Json]:
        """Return stored pipelines, newest first, without their definitions."""
        query = {"include_system": "true", "include_dag": "false", **filters}
        found: list[Json] = self._send("GET", "pipelines", params=query).json()
        return found

    def pipeline(self, pipeline_id: str) -> Json:
        """Return one stored pipeline with its definition."""
        return self._object("GET", f"pipelines/{pipeline_id}")

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a stored pipeline; its executions stay."""
        self._send("DELETE", f"pipelines/{pipeline_id}")

    def archive_pipeline(self, pipeline_id: str) -> Json:
        """Keep a pipeline for its history: nothing of it can be started."""
        return self._object("POST", f"pipelines/{pipeline_id}/archive")

    def restore_pipeline(self, pipeline_id: str) -> Json:
        """Let an archived pipeline be started again."""
        return self._object("POST", f"pipelines/{pipeline_id}/restore")

    def find_pipeline(self, name_or_id: str) -> Json:
        """Return the stored pipeline with this id or name, with its definition.

        Raises ``PipelineNotFound``, and ``AmbiguousName`` for a name that means several.
        """
        if _is_uuid(name_or_id):
            return self.pipeline(name_or_id)
        ids = [pipeline["id"] for pipeline in self.pipelines(name=name_or_id)]
        if not ids:
            raise PipelineNotFound(f"There is no pipeline {name_or_id!r}.")
        if len(ids) > 1:
            raise AmbiguousName.of(name_or_id, ids)
        return self.pipeline(ids[0])

    def start(
        self, name_or_id: str, params: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Json:
        """Start an execution of a stored pipeline."""
        key = "pipeline_id" if _is_uuid(name_or_id) else "pipeline_name"
        body = {key: name_or_id, "params": params}
        return self._start("executions", body, idempotency_key)

    def run(
        self,
        document: Mapping[str, Any],
        params: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> Json:
        """Start an execution of a document that is not stored as a pipeline."""
        body = {"pipeline_definition": document, "params": params}
        return self._start("executions/run", body, idempotency_key)

    def executions(self, **filters: Any) -> Json:
        """Return one page of executions, newest first."""
        return self._object("GET", "executions", params=filters)

    def execution(self, execution_id: str) -> Json:
        """Return an execution."""
        return self._object("GET", f"executions/{execution_id}")

    def progress(self, execution_id: str) -> Json:
        """Return an execution with its steps and its overall progress."""
        return self._object(
            "GET", f"executions/{execution_id}/progress", params={"detail": "steps"}
        )

    def steps(self, execution_id: str) -> list[Json]:
        """Return the steps of an execution."""
        return list(self._object("GET", f"executions/{execution_id}/steps")["steps"])

    def below(self, execution_id: str, parent: str, *, within: str | None = None) -> list[Json]:
        """Return the items of a fan-out, or the steps of a block, without their outputs.

        *parent* is the id of its row; *within* is ``inside`` of a block, for its last attempt only.
        """
        query = {"parent": parent, "include_outputs": "false", "page_size": PAGE_SIZE}
        query |= {"within": within} if within else {}
        return list(self._all(f"executions/{execution_id}/steps", "steps", query))

    def events(self, execution_id: str) -> list[Json]:
        """Return the whole history of an execution, newest first."""
        path = f"executions/{execution_id}/events"
        found: list[Json] = []
        while True:
            page = self._object("GET", path, params={"limit": 1000, "offset": len(found)})
            found += page["events"]
            if not page["events"] or len(found) >= page["total_count"]:
                return found

    def logs(self, execution_id: str, **wanted: Any) -> Json:
        """Return some lines that the actions of an execution have written down, oldest first.

        *wanted* may have ``after``, ``tail``, ``level``, ``step_id``, ``attempt`` and ``limit``.
        """
        return self._object("GET", f"executions/{execution_id}/logs", params=wanted)

    def explain(self, execution_id: str) -> Json:
        """Return why an execution is not moving."""
        return self._object("GET", f"executions/{execution_id}/explain")

    def answer_approval(self, execution_id: str, *, approved: bool, **said: Any) -> Json:
        """Say yes or no to the step of an execution that waits for an approval.

        *said* may have ``reason``, ``by``, ``groups``, ``step_id``, ``item_index`` and ``within``.
        """
        body = {"approved": approved, **said}
        return self._object("POST", f"executions/{execution_id}/approval", json=body)

    def approvals(self) -> list[Json]:
        """Return the steps that wait for a yes or a no, the oldest first."""
        return list(self._all("approvals", "approvals", {"page_size": PAGE_SIZE}))

    def cancel(self, execution_id: str, *, force: bool = False) -> Json:
        """Ask for the end of an execution; with *force* of its handlers, too."""
        return self._object("POST", f"executions/{execution_id}/cancel", json={"force": force})

    def audit_log(self, **filters: Any) -> Json:
        """Return some records of who did what, the newest first; with ``after`` the oldest."""
        return self._object("GET", "audit-log", params=filters)

    def secrets(self) -> list[Json]:
        """Return the secrets of the store, by name; none of them has a value."""
        return list(self._all("secrets", "secrets", {"page_size": PAGE_SIZE}))

    def secret(self, name: str) -> Json:
        """Return a secret with its versions."""
        return self._object("GET", _path_of(name))

    def set_secret(self, name: str, **change: str) -> Json:
        """Set the ``value`` of a secret, its ``description``, or both."""
        return self._object("PUT", _path_of(name), json=change)

    def restore_secret(self, name: str, version: int) -> Json:
        """Let an older version of a secret count again."""
        return self._object("POST", f"{_path_of(name)}/restore", json={"version": version})

    def delete_secret(self, name: str) -> Json:
        """Delete a secret with all its values; returns what it was."""
        return self._object("DELETE", _path_of(name))

    def event_triggers(self, **filters: Any) -> list[Json]:
        """Return event triggers, newest first."""
        found: list[Json] = self._send("GET", "event-triggers", params=filters).json()
        return found

    def alerts(self, **filters: Any) -> Json:
        """Return one page of alerts, newest first."""
        return self._object("GET", "alerts", params=filters)

    def alert_rules(self) -> list[Json]:
        """Return the alert rules, newest first."""
        return list(self._all("alert-rules", "alert_rules", {"page_size": PAGE_SIZE}))

    def find_alert_rule(self, name_or_id: str) -> Json:
        """Return the alert rule with this id or name.

        Raises ``AlertRuleNotFound``, also for a name that several have.
        """
        if _is_uuid(name_or_id):
            return self._object("GET", f"alert-rules/{name_or_id}")
        found = [one for one in self.alert_rules() if one["name"] == name_or_id]
        if len(found) != 1:
            raise AlertRuleNotFound(f"{len(found)} alert rules are called {name_or_id!r}.")
        return found[0]

    def create_alert_rule(self, **wanted: Any) -> Json:
        """Watch the executions of a pipeline."""
        return self._object("POST", "alert-rules", json=wanted)

    def change_alert_rule(self, rule_id: str, **wanted: Any) -> Json:
        """Change an alert rule; what is not given stays."""
        return self._object("PUT", f"alert-rules/{rule_id}", json=wanted)

    def delete_alert_rule(self, rule_id: str) -> None:
        """Delete an alert rule with its alerts."""
        self._send("DELETE", f"alert-rules/{rule_id}")

    def find_event_trigger(self, name_or_id: str) -> Json:
        """Return the event trigger with this id or name.

        Raises ``EventTriggerNotFound``, also for a name that several have.
        """
        if _is_uuid(name_or_id):
            return self._object("GET", f"event-triggers/{name_or_id}")
        found = [one for one in self.event_triggers() if one["name"] == name_or_id]
        if len(found) > 1:
            ids = ", ".join(one["id"] for one in found)
            raise EventTriggerNotFound(f"Several are called {name_or_id!r}; take an id: {ids}")
        if not found:
            raise EventTriggerNotFound(f"There is no event trigger {name_or_id!r}.")
        return found[0]

    def create_event_trigger(self, **wanted: Any) -> Json:
        """Let events start a pipeline."""
        return self._object("POST", "event-triggers", json=wanted)

    def change_event_trigger(self, trigger_id: str, **change: Any) -> Json:
        """Change what is given of an event trigger."""
        return self._object("PUT", f"event-triggers/{trigger_id}", json=change)

    def delete_event_trigger(self, trigger_id: str) -> None:
        """Delete an event trigger."""
        self._send("DELETE", f"event-triggers/{trigger_id}")

    def event_types(self) -> list[Json]:
        """Return the types of events that the peers are known to send."""
        found: list[Json] = self._send("GET", "event-triggers/event-types").json()
        return found

    def firings(self, trigger_id: str, **filters: Any) -> Json:
        """Return one page of what became of the events of a trigger, newest first."""
        return self._object("GET", f"event-triggers/{trigger_id}/firings", params=filters)

    def retention(self) -> Json:
        """Return what is kept for how long, and what a clean-up would delete."""
        return self._object("GET", "retention")

    def run_retention(self, *, dry_run: bool = False) -> Json:
        """Delete what is old enough, or only count it."""
        return self._object("POST", "retention/run", json={"dry_run": dry_run})

    def actions(self) -> Json:
        """Return all actions that are installed, and those that could not be loaded."""
        return self._object("GET", "actions")

    def action(self, action_type: str) -> Json:
        """Return one action."""
        return self._object("GET", f"actions/{action_type}")

    def create_token(self, name: str, **wanted: Any) -> Json:
        """Make a token; its text is in the answer, and nowhere else."""
        return self._object("POST", "tokens", json={"name": name, **wanted})

    def tokens(self, *, include_revoked: bool = False) -> list[Json]:
        """Return the caller's tokens, newest first."""
        query = {"page_size": PAGE_SIZE, "include_revoked": str(include_revoked).lower()}
        return list(self._all("tokens", "tokens", query))

    def revoke_token(self, token_id: str) -> None:
        """Revoke a token."""
        self._send("DELETE", f"tokens/{token_id}")

    def sign_in_link(self) -> str:
        """A new link into the console; it signs a browser in once, with this client's token."""
        return f"{self.url}{self._object('POST', 'sign-in-links')['path']}"

    def whoami(self) -> Json:
        """Return who the token of this client says one is."""
        return self._object("GET", "whoami")

    def quotas(self) -> Json:
        """Return how much the owner for whom this client acts may have, and has."""
        return self._object("GET", "quotas")

    @cached_property
    def schedules(self) -> Schedules:
        """What may be asked of schedules."""
        return Schedules(self._send, self._all)

    def begin(
        self, path: str, query: Mapping[str, Any], headers: Mapping[str, str], silence: float
    ) -> requests.Response:
        """Return an answer that goes on, to be closed, on a connection of its own.

        Nothing is repeated here; it breaks after *silence* seconds. Raises ``ApiRefused`` and what
        ``requests`` raises.
        """
        response = requests.get(
            f"{self.url}/api/v1/{path}",
            params=query,
            headers={**self._http.headers, **headers},
            timeout=(self._timeout, silence),
            stream=True,
        )
        if response.status_code < 400:
            return response
        with response:
            raise ApiRefused(response.status_code, _problem(response))

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """What may be asked of subscriptions."""
        return Subscriptions(self._send, self._all)

    def _start(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Json:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._object("POST", path, json=body, headers=headers)

    def _all(self, path: str, key: str, query: Mapping[str, Any]) -> Iterator[Json]:
        page, pages = 1, 1
        while page <= pages:
            answer = self._object("GET", path, params={**query, "page": page})
            yield from answer[key]
            pages = int(answer.get("pagination", {}).get("total_pages", 1))
            page += 1

    def _object(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._send(method, path, **request).json()
        return answer

    def _send(self, method: str, path: str, **request: Any) -> requests.Response:
        """Send one request.  Raises ``ApiUnreachable`` and ``ApiRefused``."""
        url = f"{self.url}/api/v1/{path}"
        while True:
            try:
                response = self._answer(method, url, **request)
            except requests.RequestException as error:
                raise ApiUnreachable(f"The API at {self.url} does not answer.") from error
            if response.status_code < 400:
                return response
            refusal = ApiRefused(response.status_code, _problem(response))
            if not _may_repeat(method, request, response) or not self._waited(response, refusal):
                raise refusal

    def _waited(self, response: requests.Response, refusal: ApiRefused) -> bool:
        """Wait as long as the API asks for, if it does and that is not too long."""
        seconds = retry_after(response.headers)
        if seconds is None or seconds > self._patience:
            return False
        self._patience -= seconds
        if self._on_wait:
            self._on_wait(seconds, str(refusal))
        time.sleep(seconds)
        return True

    def _answer(self, method: str, url: str, **request: Any) -> requests.Response:
        """Send it; when the connection breaks, once more if that is safe: a web process may die."""
        try:
            return self._http.request(method, url, timeout=self._timeout, **request)
        except requests.ConnectionError:
            if not _is_safe(method, request):
                raise
            return self._http.request(method, url, timeout=self._timeout, **request)


def _path_of(name: str) -> str:
    return f"secrets/{quote(name, safe='')}"


def _is_uuid(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True


def _may_repeat(method: str, request: Mapping[str, Any], response: requests.Response) -> bool:
    """Whether the same request again does nothing twice.

    Who is told that there are too many has had no effect. A request that met a database in
    trouble may have had its effect and not heard of it.
    """
    if response.status_code not in BUSY:
        return False
    return _is_safe(method, request) or response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _is_safe(method: str, request: Mapping[str, Any]) -> bool:
    """Whether a request that may have been carried out can be sent again."""
    return method == "GET" or "Idempotency-Key" in (request.get("headers") or {})


def issue_line(issue: Mapping[str, Any]) -> str:
    """Say one problem of a document in one line, with its place once."""
    pointer = str(issue.get("pointer") or "")
    # Clients of the reference service read the place in the message.
    message = str(issue.get("message")).removeprefix(f"{dotted(pointer)}: ")
    hint = f" ({issue['hint']})" if issue.get("hint") else ""
    return f"{pointer or '/'}: {message}{hint}"


def _problem(response: requests.Response) -> Mapping[str, Any]:
    try:
        found = response.json()
    except requests.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"detail": response.text[:500]}
