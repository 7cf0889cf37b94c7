"""Those who hand messages over: to HTTP, Redis and Dapr. None of them ever waits for long.

A courier serves one turn of one subscription, and says of each try what has come of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import requests
from redis import RedisError

from pipeline_engine.domain import signatures
from pipeline_engine.domain.retry_after import retry_after
from pipeline_engine.domain.sealing import Sealer, SecretUnreadable
from pipeline_engine.domain.subscriptions import SOURCE, STREAM_LENGTH, Format, TargetType
from pipeline_engine.messaging.verdicts import Try, Verdict, verdict_on
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk.bodies import read_into
from pipeline_engine.sdk.errors import ActionError, ServiceError
from pipeline_engine.sdk.guarded_http import GuardedSession
from pipeline_engine.sdk.timed_http import timed
from pipeline_engine.sdk.words import reason_of
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.news import Leased

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
#: Bytes of an answer that are read, so that the connection can be used again; nobody wants them.
MOST_ANSWER_BYTES = 65_536
LONGEST_ERROR = 300  #: characters
Clock = Callable[[], datetime]


class Courier(Protocol):
    """Hands messages over."""

    def deliver(self, message: Message, at: datetime) -> Try:
        """Try once; what goes wrong is part of what is returned."""

    def close(self) -> None:
        """Give connections back."""


def courier_for(runtime: Runtime, one: Leased) -> Courier:
    """Who hands over what goes to this subscription's target."""
    match TargetType(one.target):
        case TargetType.HTTP:
            seconds = runtime.settings.message_timeout_seconds
            session = runtime.peers.http_session()
            return HttpCourier(one, session, runtime.sealer, seconds)
        case TargetType.DAPR:
            return DaprCourier(runtime, one)
        case TargetType.REDIS_CHANNEL | TargetType.REDIS_STREAM:
            return RedisCourier(runtime, one)


def place_of_secret(subscription_id: object) -> str:
    """Place that is bound into a subscription's secret."""
    return f"subscription:{subscription_id}"


def redis_key(prefix: str, owner: str | None, address: str) -> str:
    """The channel or stream in Redis: each owner has his own, so nobody speaks in another's."""
    return f"{prefix}messages:{owner or ''}:{address}"


def _timed(at: datetime, hand_over: Callable[[], Try]) -> Try:
    """The try with the time that it took, or what was raised in its stead."""
    began = time.monotonic()
    try:
        found = hand_over()
    except requests.Timeout:
        found = Try(Verdict.AWAY, at, 0, error="no answer in time")
    except (ActionError, SecretUnreadable) as error:
        found = _failed(error, at)
    except (requests.RequestException, UnicodeError) as error:
        found = Try(Verdict.AWAY, at, 0, error=reason_of(error)[:LONGEST_ERROR])
    except RedisError as error:
        found = Try(Verdict.AWAY, at, 0, error=f"Redis: {error}"[:LONGEST_ERROR])
    return Try(
        found.verdict,
        at,
        time.monotonic() - began,
        found.status_code,
        found.error,
        found.retry_after,
    )


def _failed(error: Exception, at: datetime) -> Try:
    status = error.status if isinstance(error, ServiceError) else 0
    pause = error.retry_after_seconds if isinstance(error, ActionError) else None
    words = str(error)[:LONGEST_ERROR]
    verdict = verdict_on(status) if status else Verdict.AWAY
    # The sidecar speaks of itself, not of the subscription.
    verdict = Verdict.AWAY if verdict is Verdict.GONE else verdict
    return Try(verdict, at, 0, status or None, words, pause)


@dataclass(slots=True)
class HttpCourier:
    """Posts to a URL, signed; through the guard, which pins the address that it has checked."""

    one: Leased
    session: GuardedSession
    sealer: Sealer
    seconds: float

    def deliver(self, message: Message, at: datetime) -> Try:
        """Post the bytes that are signed, and no others."""
        return _timed(at, lambda: self._post(message, at))

    def close(self) -> None:
        """Hang up."""
        self.session.close()

    def _post(self, message: Message, at: datetime) -> Try:
        body = message.body.encode()
        signed = signatures.headers(message.id, body, self._secrets(at), at=at)
        request = requests.Request(
            "POST", self.one.address, data=body, headers={"Content-Type": JSON, **signed}
        )
        with timed(self.seconds) as call:
            response = self.session.send(
                self.session.prepare_request(request),
                timeout=self.seconds,
                stream=True,
                allow_redirects=False,
            )
            # The head has said it: a body that is broken off, or badly packed, takes nothing back.
            with suppress(requests.ConnectionError):
                read_into(
                    bytearray(), response, max_bytes=MOST_ANSWER_BYTES, deadline=call.expires_at
                )
        status = response.status_code
        verdict = verdict_on(status)
        error = None if verdict is Verdict.SENT else f"HTTP {status}"
        return Try(verdict, at, 0, status, error, retry_after(response.headers))

    def _secrets(self, at: datetime) -> list[str]:
        """The secrets that sign: the present one, and the one before while it is still good."""
        one, place = self.one, place_of_secret(self.one.id)
        until = one.old_secret_until
        is_good = until is not None and at < until
        kept = [one.secret, one.old_secret if is_good else None]
        return [self.sealer.open(text, place).value for text in kept if text is not None]


@dataclass(slots=True)
class RedisCourier:
    """Publishes on a channel, or adds to a stream of bounded length."""

    runtime: Runtime
    one: Leased
    key: str = field(init=False)

    def __post_init__(self) -> None:
        prefix = self.runtime.settings.key_prefix
        self.key = redis_key(prefix, self.one.user_id, self.one.address)

    def deliver(self, message: Message, at: datetime) -> Try:
        """Hand it to Redis, whoever listens there."""
        return _timed(at, lambda: self._give(message, at))

    def close(self) -> None:
        """Nothing: the connection is everybody's."""

    def _give(self, message: Message, at: datetime) -> Try:
        redis = self.runtime.redis
        if self.one.target == TargetType.REDIS_CHANNEL:
            redis.publish(self.key, message.body)
        else:
            entry = {"id": message.id, "type": message.event_type, "body": message.body}
            most = self.one.max_length or STREAM_LENGTH
            redis.xadd(self.key, entry, maxlen=most, approximate=True)  # type: ignore[arg-type]
        return Try(Verdict.SENT, at, 0)


@dataclass(slots=True)
class DaprCourier:
    """Publishes through the sidecar, to the broker that is behind it."""

    runtime: Runtime
    one: Leased

    def deliver(self, message: Message, at: datetime) -> Try:
        """Publish; the attributes of the CloudEvent are metadata."""
        return _timed(at, lambda: self._publish(message, at))

    def close(self) -> None:
        """Nothing: the connections are everybody's."""

    def _publish(self, message: Message, at: datetime) -> Try:
        is_reference = self.one.format == Format.REFERENCE
        self.runtime.peers.publish_event(
            self.one.address,
            message.body.encode(),
            content_type=CLOUD_EVENT if is_reference else JSON,
            attributes={"id": message.id, "source": SOURCE, "type": message.event_type},
            timeout_seconds=self.runtime.settings.message_timeout_seconds,
        )
        return Try(Verdict.SENT, at, 0)
