"""What the gateway reads from its own Redis: guardrail tables, and which endpoints they guard.

``guardrail_table:<profile>`` is what a profile looks at; ``guardrail_profile`` in
``model_table:<endpoint>`` says that it guards an endpoint. The shapes are those of the gateway of
the reference service. Every change is one transaction (``WATCH``, ``MULTI``): whoever reads sees
all of it or nothing, and whoever writes at the same time is not overwritten.

A writer names itself by a *mark*: the id of its execution, so that only the execution itself can
take back what it has written. What it has replaced is kept beside the tables for ``KEPT_SECONDS``,
once for each mark, however often it writes; ``restore`` puts it back, and closes the mark for
``CLOSED_SECONDS``: a worker that was frozen meanwhile must not write all of it once more.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis import Redis, RedisError, WatchError
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from pipeline_engine.sdk.errors import ServiceError
from pipeline_engine.sdk.words import reason_of

ANSWER_SECONDS = 5.0
KEPT_SECONDS = 30 * 24 * 3600
CLOSED_SECONDS = 24 * 3600
CLOSED = "closed"
#: Tries while others write the same keys, and seconds between two of them at most.
MOST_TRIES, LONGEST_PAUSE = 20, 0.05
PROFILE_OF = "guardrail_profile"
ENDPOINTS = "model_table:"
READ_AT_ONCE = 500  #: tables of endpoints
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken away, or put back."""

    was_there: bool  #: there was a table, or something to put back
    endpoint_ids: Sequence[str] = ()  #: endpoints that were guarded by it


def table_key(profile_id: str) -> str:
    """Return where the table of a profile is."""
    return f"guardrail_table:{profile_id}"


class GatewayTables:
    """The tables of one gateway; safe to share between threads.

    All methods raise ``ServiceError``: one that may be tried again if Redis is away or does not
    answer within ``ANSWER_SECONDS``, one that may not if what stands in a table is unreadable.
    """

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        """Connect on first use; *api_key* is written into every table and shown nowhere."""
        self._api_key = api_key
        self._redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def read(self, profile_id: str) -> dict[str, Any] | None:
        """Return the table of a profile without its key; None if there is none."""
        key = table_key(profile_id)
        text = _asked(lambda: self._redis.get(key))
        return None if text is None else {**_object(key, text), "api_key": None}

    def write(
        self, profile_id: str, config: Mapping[str, Any], endpoint_ids: Sequence[str], *, by: str
    ) -> None:
        """Write the table of a profile, and let it guard these endpoints.

        What was there is kept under the mark *by*, unless that has kept something before. An
        endpoint that the gateway does not know is an error, since it would stay unguarded, and so
        is a mark that was taken back; then nothing is written.
        """
        table = table_key(profile_id)
        kept_at = _kept_key(profile_id, by)
        text = json.dumps({**config, "api_key": self._api_key})
        endpoints = list(dict.fromkeys(map(str, endpoint_ids)))

        def change(pipe: Pipeline) -> None:
            found = {one: _endpoint(pipe, one) for one in endpoints}
            before = {one: facts.get(PROFILE_OF) for one, facts in found.items()}
            kept: dict[str, Any] = {"table": pipe.get(table), "endpoints": before}
            earlier = pipe.get(kept_at)
            if earlier == CLOSED:
                raise ServiceError("What was written was taken back meanwhile", retryable=False)
            if earlier is not None:
                kept = _object(kept_at, earlier)
                kept["endpoints"] = {**before, **kept["endpoints"]}
            pipe.multi()
            pipe.set(kept_at, json.dumps({**kept, "wrote": text}), ex=KEPT_SECONDS)
            pipe.set(table, text)
            for one, facts in found.items():
                pipe.set(ENDPOINTS + one, json.dumps({**facts, PROFILE_OF: profile_id}))

        self._in_one(change, table, kept_at, *(ENDPOINTS + one for one in endpoints))

    def restore(self, profile_id: str, *, by: str) -> Taken:
        """Put back what the writer with the mark *by* has replaced: once, then nothing is kept.

        What somebody else has written since then stays, with every endpoint that it guards: which
        of them the other has asked for is not known, and none of them may be left unguarded.
        """
        table, kept_at = table_key(profile_id), _kept_key(profile_id, by)

        def change(pipe: Pipeline) -> Taken:
            text = pipe.get(kept_at)
            before = {} if text in (None, CLOSED) else _object(kept_at, text)
            is_ours = bool(before) and pipe.get(table) == before["wrote"]
            found = _watched(pipe, before["endpoints"]) if is_ours else {}
            ours = [one for one, facts in found.items() if facts.get(PROFILE_OF) == profile_id]
            pipe.multi()
            pipe.set(kept_at, CLOSED, ex=CLOSED_SECONDS)
            if is_ours:
                _put(pipe, table, before["table"])
            for one in ours:
                _guard(pipe, one, found[one], before["endpoints"].get(one))
            return Taken(was_there=bool(before), endpoint_ids=ours)

        return self._in_one(change, table, kept_at)

    def delete(self, profile_id: str) -> Taken:
        """Delete the table of a profile, and let it guard no endpoint any more.

        Every table of an endpoint is looked at: a gateway with 10,000 of them is asked 40 times.
        """
        table = table_key(profile_id)

        def change(pipe: Pipeline) -> Taken:
            # Whoever lets it guard one more endpoint after this look has written the table, too.
            found = _watched(pipe, self._guarded_by(profile_id))
            was_there = bool(pipe.exists(table))
            ours = [one for one, facts in found.items() if facts.get(PROFILE_OF) == profile_id]
            pipe.multi()
            pipe.delete(table)
            for one in ours:
                _guard(pipe, one, found[one], None)
            return Taken(was_there, ours)

        return self._in_one(change, table)

    def _guarded_by(self, profile_id: str) -> list[str]:
        """The endpoints whose tables name a profile; what cannot be read names none."""
        keys = list(self._redis.scan_iter(f"{ENDPOINTS}*", count=READ_AT_ONCE, _type="string"))
        found = []
        for first in range(0, len(keys), READ_AT_ONCE):
            some = keys[first : first + READ_AT_ONCE]
            for key, text in zip(some, self._redis.mget(some), strict=True):
                if text and profile_id in text:
                    found.append(key.removeprefix(ENDPOINTS))
        return found

    def _in_one(self, change: Callable[[Pipeline], T], *keys: str) -> T:
        """Read *keys* and write them as one; again if somebody else has written them meanwhile."""

        def attempt() -> T:
            for _ in range(MOST_TRIES):
                with self._redis.pipeline() as pipe:
                    try:
                        pipe.watch(*keys)  # type: ignore[no-untyped-call]
                        found = change(pipe)
                        pipe.execute()
                    except WatchError:
                        time.sleep(random.uniform(0, LONGEST_PAUSE))
                        continue
                    return found
            raise ServiceError("The gateway's tables are written by too many at once")

        return _asked(attempt)


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except RedisError as error:
        raise ServiceError(f"The gateway's Redis: {reason_of(error)}", may_be_done=True) from error


def _kept_key(profile_id: str, by: str) -> str:
    return f"guardrail_before:{profile_id}:{by}"


def _object(key: str, text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServiceError(f"{key} at the gateway is no JSON object", retryable=False)
    return found


def _watched(pipe: Pipeline, endpoint_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The tables of endpoints, which nobody may write from now on before we do."""
    endpoints = list(endpoint_ids)
    if endpoints:
        pipe.watch(*(ENDPOINTS + one for one in endpoints))  # type: ignore[no-untyped-call]
    return {one: _endpoint(pipe, one, or_else={}) for one in endpoints}


def _endpoint(
    pipe: Pipeline, endpoint_id: str, *, or_else: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The table of an endpoint; *or_else* stands for one that is not there, or is unreadable."""
    key = ENDPOINTS + endpoint_id
    kind = str(pipe.type(key))
    if kind == "string":
        try:
            return _object(key, pipe.get(key))
        except ServiceError:
            if or_else is None:
                raise
            return or_else
    if or_else is not None:
        return or_else
    because = "does not know it" if kind == "none" else f"keeps a {kind} there"
    raise ServiceError(
        f"Endpoint {endpoint_id} cannot be guarded: the gateway {because} ({key})",
        retryable=False,
    )


def _put(pipe: Pipeline, key: str, text: str | None) -> None:
    if text is None:
        pipe.delete(key)
    else:
        pipe.set(key, text)


def _guard(pipe: Pipeline, endpoint_id: str, facts: dict[str, Any], profile: str | None) -> None:
    """Let *profile* guard an endpoint; None takes the guard away."""
    rest = {name: value for name, value in facts.items() if name != PROFILE_OF}
    changed = rest if profile is None else {**rest, PROFILE_OF: profile}
    pipe.set(ENDPOINTS + endpoint_id, json.dumps(changed))
