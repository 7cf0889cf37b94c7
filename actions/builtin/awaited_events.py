"""Which events a step waits for, and those that have come."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pipeline_engine.sdk import EventContext, InvalidActionParams

ANY, ALL = "any", "all"
NO_KEY = "event_key is required"
EMPTY_KEY = "event_keys must be texts, and none of them empty"


@dataclass(frozen=True)
class Collected:
    """The events so far, in order of arrival."""

    events: list[Any]
    received_at: list[str]
    by_key: Mapping[str, Any]
    last: Any  #: the one that was read last

    @staticmethod
    def of(outputs: Mapping[str, Any]) -> Collected:
        """Read what the step has left so far."""
        return Collected(
            events=outputs.get("events") or [],
            received_at=outputs.get("received_at") or [],
            by_key=outputs.get("by_key") or {},
            last=outputs.get("event"),
        )

    def with_event(self, context: EventContext) -> Collected:
        """Add an event at its place: each key has a mailbox of its own, and one is read first."""
        event = dict(context.event_data)
        came_at = context.received_at.astimezone(UTC).isoformat(timespec="microseconds")
        place = bisect_right(self.received_at, came_at)
        return Collected(
            events=[*self.events[:place], event, *self.events[place:]],
            received_at=[*self.received_at[:place], came_at, *self.received_at[place:]],
            by_key={**self.by_key, context.external_workflow_id: event},
            last=event,
        )


@dataclass(frozen=True)
class Wanted:
    """The keys of a step, and how many events end its wait."""

    keys: tuple[str, ...]
    count: int
    of_each: bool  #: one event of each key
    is_list: bool  #: several keys were given, be it one
    collects: bool  #: it leaves all events

    @staticmethod
    def of(params: Mapping[str, Any]) -> Wanted:
        """Read the params of a step. Raises ``InvalidActionParams``."""
        is_list = params.get("event_keys") not in (None, [])
        keys = _keys(params["event_keys"] if is_list else [params.get("event_key")])
        of_each = params.get("wait_for") == ALL
        count = _count(params.get("count"))
        if of_each and count != 1:
            raise InvalidActionParams("count goes with wait_for any: of all keys one event each")
        return Wanted(
            keys=keys,
            count=len(keys) if of_each else count,
            of_each=of_each,
            is_list=is_list,
            collects=is_list or params.get("count") is not None,
        )

    def takes(self, key: str, collected: Collected) -> bool:
        """Tell whether an event by *key* is wanted still; others may want it otherwise."""
        return not self.of_each or (key in self.keys and collected.by_key.get(key) is None)

    def missing(self, collected: Collected) -> int:
        """Return how many events it still waits for."""
        return self.count - len(collected.events)

    def outputs(self, collected: Collected) -> dict[str, Any]:
        """Return what the step leaves of these events."""
        left = {"event": collected.last}
        if self.collects:
            left |= {"events": collected.events, "received_at": collected.received_at}
        if self.is_list:
            left["by_key"] = {key: collected.by_key.get(key) for key in self.keys}
        return left


def check(params: Mapping[str, Any]) -> Wanted:
    """Return what a step that begins waits for. Raises ``InvalidActionParams``."""
    wanted = Wanted.of(params)
    if wanted.is_list and params.get("event_key") not in (None, ""):
        raise InvalidActionParams("event_keys stands in place of event_key, not beside it")
    if not all(wanted.keys):
        raise InvalidActionParams(EMPTY_KEY if wanted.is_list else NO_KEY)
    return wanted


def _keys(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise InvalidActionParams("event_keys must be a list")
    return tuple(dict.fromkeys(_key(key) for key in given))


def _key(given: Any) -> str:
    if isinstance(given, list | Mapping):
        raise InvalidActionParams(EMPTY_KEY)
    return "" if given is None else str(given).strip()


def _count(given: Any) -> int:
    if given is None:
        return 1
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given // 1:
        raise InvalidActionParams(f"count must be a whole number, got {given!r}")
    return int(given)
