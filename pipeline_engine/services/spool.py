"""A stream in Redis that takes in what PostgreSQL cannot keep at the moment.

An entry is one JSON document. It goes when its row is committed; one that cannot be stored is set
aside, for it would hold up the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from pipeline_engine.storage.postgres.session import is_unreachable

log = logging.getLogger(__name__)

#: One step: what is remembered as taken in has been taken in.
ADD_ONCE = """
local known = redis.call('GET', KEYS[2])
if known then return known end
redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return false
"""


@dataclass(frozen=True, slots=True)
class Spool:
    """What waits for the database, in the order in which it came."""

    redis: Redis
    name: str  #: the key of the stream
    field: str  #: under which an entry holds its document

    @property
    def refused(self) -> str:
        """The stream of those that the database has refused."""
        return f"{self.name}:refused"

    def lengths(self) -> tuple[int, int]:
        """How many wait, and how many were set aside. Raises ``RedisError``."""
        waiting: Any = self.redis.xlen(self.name)
        refused: Any = self.redis.xlen(self.refused)
        return waiting, refused

    def add(self, document: str) -> str:
        """Take a document in, and return what it is called. Raises ``RedisError``."""
        entry: Any = self.redis.xadd(self.name, {self.field: document})
        return str(entry)

    def add_once(self, document: str, *, key: str, word: str, seconds: int) -> str | None:
        """Take a document in unless one with this *key* was; returns the *word* of that one.

        Raises ``RedisError``.
        """
        known: Any = self.redis.eval(
            ADD_ONCE, 2, self.name, key, self.field, document, word, seconds
        )
        return None if known is None else str(known)

    def drain(self, store: Callable[[dict[str, Any]], object], *, limit: int = 500) -> int:
        """Let *store* keep the oldest; returns how many there were.

        It raises ``KeyError``, ``TypeError`` or ``ValueError`` for what another version wrote.
        """
        try:
            entries: Any = self.redis.xrange(self.name, count=limit)
            for entry_id, fields in entries:
                self._drain(fields, store)
                self.redis.xdel(self.name, entry_id)
        except RedisError as error:
            log.warning("the spool cannot be read: %s", error)
            return 0
        return len(entries)

    def _drain(self, fields: Mapping[str, str], store: Callable[[dict[str, Any]], object]) -> None:
        try:
            store(orjson.loads(fields[self.field]))
        except DBAPIError as error:
            if is_unreachable(error):
                raise
            self._set_aside(fields, error)
        except (KeyError, TypeError, ValueError) as error:
            self._set_aside(fields, error)

    def _set_aside(self, fields: Mapping[str, str], reason: Exception) -> None:
        log.error("a spooled delivery was refused: %r", reason)
        entry: Any = dict(fields)
        self.redis.xadd(self.refused, entry)
