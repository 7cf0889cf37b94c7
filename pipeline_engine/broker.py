"""The way in from Redis: whatever lies in a queue, the worker that takes it lives on.

Celery trusts its broker. A message that is no JSON, or whose header is of another type than it
expects, ends the process, and the next one takes the next such message. So messages are looked at
before Celery sees them, and what Celery stumbles over nevertheless is put aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis import RedisError

log = structlog.get_logger(__name__)

#: Bytes of the body of a message, at most; ours name at most 500 rows.
MOST_BYTES = 64 * 1024
#: Characters of a name, or of a text for Flower, at most.
MOST_CHARACTERS = 4096
#: Characters of a refused message that are logged.
SHOWN = 200
#: Longest life of a message of ours.
LONGEST_LIFE = timedelta(days=366)
#: Parts of the names of queues without tasks: remote control of workers, and events for Flower.
NO_TASKS = (".pidbox", "celeryev")


class Junk(ValueError):
    """What lies in a queue and is no message that anybody of us sends."""


# ── Headers ──────────────────────────────────────────────────────────────────────────────


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS


def _is_text_or_nothing(value: object) -> bool:
    return value is None or _is_text(value)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and 0 <= value < 2**31)


def _is_nothing(value: object) -> bool:
    """Delays, limits and stamps are set by none of us: delays are columns, limits are settings."""
    return not value or (isinstance(value, list) and not any(value))


def _is_moment(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return abs(moment - datetime.now(UTC)) < LONGEST_LIFE
    except (ValueError, OverflowError):
        return False


#: Headers that a task's message may have, and what each has to be; others are dropped.
HEADERS: Mapping[str, Callable[[object], bool]] = {
    "task": _is_text,
    "id": _is_text,
    "lang": _is_text_or_nothing,
    "root_id": _is_text_or_nothing,
    "parent_id": _is_text_or_nothing,
    "group": _is_text_or_nothing,
    "group_index": _is_count,
    "retries": _is_count,
    "replaced_task_nesting": _is_count,
    "argsrepr": _is_text_or_nothing,
    "kwargsrepr": _is_text_or_nothing,
    "origin": _is_text_or_nothing,
    "shadow": _is_text_or_nothing,
    "ignore_result": lambda value: value is None or isinstance(value, bool),
    "expires": _is_moment,
    "eta": _is_nothing,
    "timelimit": _is_nothing,
    "stamps": _is_nothing,
    "stamped_headers": _is_nothing,
}
REQUIRED = ("task", "id")


def checked(raw: Any, queue: str) -> dict[str, Any]:
    """The message that *raw* is, with nothing in it that none of us says. Raises ``Junk``."""
    if not isinstance(raw, dict):
        raise Junk("is not an object")
    properties = raw.get("properties")
    if not isinstance(properties, dict) or not _is_text(properties.get("delivery_tag")):
        raise Junk("has no properties")
    if any(mark in queue for mark in NO_TASKS):
        return raw
    if not _is_well_addressed(properties.get("delivery_info")):
        raise Junk("has an odd address")
    if not isinstance(raw.get("body"), str) or len(raw["body"]) > MOST_BYTES:
        raise Junk("has no body, or one that is too large")
    kind = (raw.get("content-type"), raw.get("content-encoding"), properties.get("body_encoding"))
    if kind != ("application/json", "utf-8", "base64"):
        raise Junk("is not in JSON")
    return {**raw, "headers": _checked_headers(raw.get("headers"))}


def _checked_headers(headers: object) -> dict[str, Any]:
    if not isinstance(headers, dict) or any(headers.get(name) is None for name in REQUIRED):
        raise Junk("names no task")
    known = {name: value for name, value in headers.items() if name in HEADERS}
    for name, value in known.items():
        if not HEADERS[name](value):
            raise Junk(f"has an odd {name}")
    # What says nothing in a way of its own is left out: Celery takes it apart later, out of reach.
    return {name: value for name, value in known.items() if HEADERS[name] is not _is_nothing}


def _is_well_addressed(address: object) -> bool:
    return isinstance(address, dict) and all(
        _is_text_or_nothing(address.get(part)) for part in ("exchange", "routing_key")
    )


# ── Taking messages ──────────────────────────────────────────────────────────────────────


# What kombu raises when Redis is away; its types do not tell.
AWAY: tuple[type[Exception], ...] = (
    Empty,
    RedisError,
    OSError,
    *kombu_redis.Transport.connection_errors,
)


class Channel(kombu_redis.Channel):
    """Takes messages, and lives on when one of them is none."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in its stub
        except AWAY:
            raise
        except (ValueError, RecursionError) as error:  # no text, or no JSON
            log.warning("message_rejected", because=f"cannot be read: {error}"[:SHOWN])
            return True


class Transport(kombu_redis.Transport):
    """Redis, with nothing in its queues that a worker could stumble over."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        try:
            super()._deliver(checked(message, queue or ""), queue)
        except Junk as error:
            log.warning(
                "message_rejected", queue=queue, because=str(error), message=repr(message)[:SHOWN]
            )
        except AWAY:
            raise
        except Exception:  # Celery's own code, which trusts its broker
            log.warning(
                "message_rejected", queue=queue, message=repr(message)[:SHOWN], exc_info=True
            )
            self._let_go(message["properties"]["delivery_tag"])

    def _let_go(self, delivery_tag: str) -> None:
        """Give back the place of a message that will not be acknowledged any more."""
        for channel in self.channels or ():
            if channel.qos is not None and delivery_tag in (channel.qos._delivered or ()):
                channel.basic_reject(delivery_tag, requeue=False)


def use_guarded_transport() -> None:
    """Let every connection to Redis in this process come by the transport of this module."""
    name = f"{__name__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)
