"""The last known state of webhooks, for while PostgreSQL is away; never asked while it answers.

A copy is replaced by one of the same or a later version only: a request that read a webhook before
its secret was revoked must not put the old state back.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from redis import Redis, RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600  #: of life of a copy
WRITE_EVERY_SECONDS = 30.0  #: between two copies of a webhook that is not changed, at least
REMEMBERED_WRITES = 4096
KEEP = """
local known = redis.call('HGET', KEYS[1], 'version')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'webhook', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
#: Version of what was deleted: no other is later.
DELETED = 2**53


class LastKnownWebhooks:
    """The copies in Redis."""

    def __init__(self, redis: Redis, key_prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{key_prefix}webhook:"
        self._written: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._lock = Lock()

    def refresh(self, document: Mapping[str, Any]) -> None:
        """Keep what was just read, if that was not done lately."""
        if self._is_due((document["id"], document["version"])):
            self.keep(document)

    def keep(self, document: Mapping[str, Any]) -> None:
        """Keep a state; without Redis there is none, and the present one may be too old."""
        self._write(document["id"], document["version"], orjson.dumps(document).decode())

    def forget(self, webhook_id: UUID) -> None:
        """Know that a webhook was deleted."""
        self._write(str(webhook_id), DELETED, "null")

    def find(self, webhook_id: UUID) -> Mapping[str, Any] | None:
        """The last known state. Raises ``RedisError``; ``KeyError`` if none is known."""
        found: Any = self._redis.hget(f"{self._prefix}{webhook_id}", "webhook")
        if found is None:
            raise KeyError(webhook_id)
        document: Mapping[str, Any] | None = orjson.loads(found)
        return document

    def _write(self, webhook_id: str, version: int, document: str) -> None:
        try:
            key = f"{self._prefix}{webhook_id}"
            self._redis.eval(KEEP, 1, key, version, document, KEPT_SECONDS)
        except RedisError as error:
            log.warning("the copy of a webhook is not kept: %s", error)

    def _is_due(self, state: tuple[str, int]) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._written.get(state, float("-inf")) < WRITE_EVERY_SECONDS:
                return False
            self._written[state] = now
            self._written.move_to_end(state)
            if len(self._written) > REMEMBERED_WRITES:
                self._written.popitem(last=False)
        return True


def keep_after_commit(
    session: Session, copies: LastKnownWebhooks, document: Mapping[str, Any]
) -> None:
    """Keep the state that *session* is about to commit, once that is done."""
    event.listen(session, "after_commit", lambda _: copies.keep(document), once=True)
