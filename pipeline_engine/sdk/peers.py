"""Calls to peer services: straight to their address, or through a Dapr sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import quote, unquote

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from pipeline_engine.domain.retry_after import retry_after
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.bodies import read_body
from pipeline_engine.sdk.breakers import Breakers, FailedPeer
from pipeline_engine.sdk.contents import exact_json
from pipeline_engine.sdk.errors import ServiceError
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.guarded_http import USER_AGENT, GuardedSession
from pipeline_engine.sdk.services import ServiceResponse
from pipeline_engine.sdk.timed_http import TimedAdapter, timed
from pipeline_engine.sdk.words import in_words, reason_of

CONNECT_SECONDS = 5.0
POOL_SIZE = 32  # as many as the threads of an I/O worker, and some
NOTIFICATION_SECONDS = 10.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_WORDS = 500  # of a peer's error text
NOTIFICATION_TOPIC = "notifications"


class PeerSettings(Protocol):
    """The settings that decide where peers are."""

    @property
    def service_urls(self) -> Mapping[str, str]:
        """Base URL by application id."""

    @property
    def dapr_http_endpoint(self) -> str | None:
        """Base URL of the sidecar."""

    @property
    def dapr_api_token(self) -> str | None:
        """What the sidecar wants to see."""

    @property
    def app_api_token(self) -> str | None:
        """What applications want to see."""

    @property
    def pubsub_name(self) -> str:
        """The sidecar's message broker."""

    @property
    def notify_service_topic(self) -> str | None:
        """Where notifications are published."""

    @property
    def notification_webhook_url(self) -> str | None:
        """Who delivers notifications when there is no sidecar."""

    @property
    def http_allowed_hosts(self) -> tuple[str, ...]:
        """Private hosts and networks that pipelines may reach."""

    @property
    def http_allowed_ports(self) -> tuple[str, ...]:
        """Ports of the public Internet that pipelines may reach."""


class Peers:
    """One pool of connections to trusted services; safe to share between threads.

    Peers are named by the operator, so they are not subject to the address guard; the
    sessions of ``http_session`` are.
    """

    def __init__(
        self,
        settings: PeerSettings,
        breakers: Breakers | None = None,
        gateway: GatewayTables | None = None,
    ) -> None:
        self._settings = settings
        #: what the gateway reads; null if the operator has not said where
        self.gateway = gateway
        self._breakers = breakers or Breakers()
        #: what decides about addresses that pipelines choose
        self.guard = AddressGuard.of(settings.http_allowed_hosts, settings.http_allowed_ports)
        self._session = _trusted_session()

    def invoke(
        self,
        app_id: str,
        method_path: str,
        *,
        data: Any = None,
        http_method: str = "POST",
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30,
        headers: Mapping[str, str] | None = None,
    ) -> ServiceResponse:
        """Send one request and return the JSON object of the answer.

        Raises ``ServiceError``, and ``CircuitOpen`` without asking a peer that is away.
        """
        url, tokens = self._target(app_id, _checked_path(method_path))
        return self._exchange(
            app_id,
            requests.Request(
                http_method,
                url,
                params=_present(params),
                data=None if data is None else orjson.dumps(data, default=str),
                headers=_merged(_JSON_HEADERS, headers or {}, tokens),
            ),
            timeout_seconds,
        )

    def publish(
        self,
        payload: Mapping[str, Any],
        *,
        topic: str | None = None,
        timeout_seconds: float = NOTIFICATION_SECONDS,
    ) -> None:
        """Hand a notification to the sidecar's broker or to the notification webhook."""
        topic = topic or self._settings.notify_service_topic or NOTIFICATION_TOPIC
        endpoint = self._settings.dapr_http_endpoint
        webhook = self._settings.notification_webhook_url
        if endpoint:
            url = self._topic_url(endpoint, topic)
            message = self._message(url, payload, self._sidecar_tokens())
            self._exchange("the sidecar", message, timeout_seconds)
        elif webhook:
            with self.http_session() as session:
                request = self._message(webhook, payload, {})
                self._exchange(
                    "the notification webhook", request, timeout_seconds, session=session
                )
        else:
            raise ServiceError("No sidecar or webhook takes notifications", retryable=False)

    def publish_event(
        self,
        topic: str,
        body: bytes,
        *,
        content_type: str,
        attributes: Mapping[str, str],
        timeout_seconds: float,
    ) -> None:
        """Hand bytes to the sidecar's broker; the *attributes* of the CloudEvent go beside them.

        Raises ``ServiceError``.
        """
        endpoint = self._settings.dapr_http_endpoint
        if not endpoint:
            raise ServiceError("No sidecar is configured (DAPR_HTTP_ENDPOINT)")
        request = requests.Request(
            "POST",
            self._topic_url(endpoint, topic),
            params={f"metadata.cloudevent.{name}": value for name, value in attributes.items()},
            data=body,
            headers={"Content-Type": content_type, **self._sidecar_tokens()},
        )
        self._exchange("the sidecar", request, timeout_seconds)

    def http_session(self) -> GuardedSession:
        """Open a session for addresses that pipelines choose; its owner closes it."""
        return GuardedSession(self.guard)

    def failed(self) -> list[FailedPeer]:
        """The peers that have not answered lately, in whatever process. Raises ``RedisError``."""
        return self._breakers.failed()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
        self._breakers.close()
        if self.gateway is not None:
            self.gateway.close()

    def _target(self, app_id: str, path: str) -> tuple[str, dict[str, str]]:
        base = self._settings.service_urls.get(app_id)
        if base is not None:
            token = self._settings.app_api_token
            return f"{base.rstrip('/')}/{path}", _tokens(token, token)
        endpoint = self._settings.dapr_http_endpoint
        if endpoint is not None:
            prefix = f"{endpoint.rstrip('/')}/v1.0/invoke/{quote(app_id, safe='')}/method"
            return f"{prefix}/{path}", self._sidecar_tokens()
        raise ServiceError(f"No address is configured for the service {app_id}", retryable=False)

    def _topic_url(self, endpoint: str, topic: str) -> str:
        broker = quote(self._settings.pubsub_name, safe="")
        return f"{endpoint.rstrip('/')}/v1.0/publish/{broker}/{quote(topic, safe='')}"

    def _sidecar_tokens(self) -> dict[str, str]:
        dapr, app = self._settings.dapr_api_token, self._settings.app_api_token
        return _tokens(dapr or app, app or dapr)

    def _message(
        self, url: str, payload: Mapping[str, Any], tokens: Mapping[str, str]
    ) -> requests.Request:
        body = orjson.dumps(payload, default=str)
        return requests.Request("POST", url, data=body, headers={**_JSON_HEADERS, **tokens})

    def _exchange(
        self,
        peer: str,
        request: requests.Request,
        timeout_seconds: float,
        *,
        session: requests.Session | None = None,
    ) -> ServiceResponse:
        with self._breakers.guard(peer):
            return self._answered(peer, request, timeout_seconds, session or self._session)

    def _answered(
        self,
        peer: str,
        request: requests.Request,
        timeout_seconds: float,
        session: requests.Session,
    ) -> ServiceResponse:
        try:
            with timed(timeout_seconds) as call:
                response = session.send(
                    session.prepare_request(request),
                    timeout=(min(CONNECT_SECONDS, timeout_seconds), timeout_seconds),
                    allow_redirects=False,  # the tokens are for this address only
                    stream=True,
                )
                body = read_body(response, max_bytes=MAX_ANSWER_BYTES, deadline=call.expires_at)
        except requests.Timeout as error:
            message = f"{peer} did not answer in {timeout_seconds:g} s"
            raise ServiceError(message, may_be_done=_was_sent(error)) from error
        except requests.RequestException as error:
            message = f"{peer} cannot be reached: {reason_of(error)}"
            raise ServiceError(message, may_be_done=_was_sent(error)) from error
        return _answer(peer, response, body)


_JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def _trusted_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = USER_AGENT
    # Shared by threads and users: no cookie may travel from one call to the next.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, TimedAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE))
    return session


def _tokens(dapr: str | None, app: str | None) -> dict[str, str]:
    named = {"dapr-api-token": dapr, "x-app-api-token": app}
    return {name: token for name, token in named.items() if token}


def _merged(*given: Mapping[str, str]) -> CaseInsensitiveDict[str]:
    """Later headers win, in whatever case they are written."""
    merged: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for headers in given:
        merged.update(headers)
    return merged


def _present(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (params or {}).items() if value is not None}


def _checked_path(path: str) -> str:
    """Refuse a path that leaves the route it seems to name, as ids from outside can make it."""
    route = path.partition("?")[0]
    segments = unquote(route).replace("\\", "/").split("/")
    if ".." in segments or "." in segments or any(c <= " " or c in "#\x7f" for c in path):
        raise ServiceError(f"{path!r} is not a plain path", retryable=False)
    return path.lstrip("/")


#: Answers by which a service says that it has not done what it was asked.
_UNDONE = frozenset({501, 503})


def _was_sent(error: requests.RequestException) -> bool:
    """Tell whether the peer may have read the request; when in doubt, it has."""
    wrapped = error.args[0] if error.args else None
    reason = wrapped.reason if isinstance(wrapped, MaxRetryError) else wrapped
    return not isinstance(reason, ConnectTimeoutError | NewConnectionError)


def _answer(peer: str, response: requests.Response, body: bytes) -> ServiceResponse:
    status = response.status_code
    if status >= 400:
        raise ServiceError(
            _words(body) or f"HTTP {status}",
            status=status,
            retryable=status >= 500 or status in (408, 429),
            retry_after_seconds=retry_after(response.headers),
            may_be_done=status >= 500 and status not in _UNDONE,
        )
    if status >= 300:
        raise ServiceError(f"{peer} answered with a redirect", status=status, retryable=False)
    if not body.strip():
        return ServiceResponse()
    try:
        loaded = exact_json(body.decode("utf-8-sig"))
    except ValueError as error:
        message = f"{peer} answered with something that is not JSON"
        raise ServiceError(message, status=status, retryable=False, may_be_done=True) from error
    return ServiceResponse(loaded if isinstance(loaded, dict) else {"data": loaded})


def _words(body: bytes) -> str:
    """Find what a peer says about its error."""
    text = body.decode("utf-8", "replace").strip()
    try:
        loaded = exact_json(text)
    except ValueError:
        return text[:MAX_WORDS]
    if isinstance(loaded, dict):
        words = next((loaded[k] for k in ("detail", "message", "error") if loaded.get(k)), text)
        text = in_words(words)
    return text[:MAX_WORDS]
