"""What whoever sends does again and again: look for news, end what is over, take turns."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_engine.messaging.turn import lease_seconds
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import news, subscriptions
from pipeline_engine.storage.news import Leased, Rung


def ring(runtime: Runtime) -> Rung:
    """Tell each subscription that there is news for it, and say what else was seen."""
    with runtime.engine.begin() as connection:
        return news.ring(connection)


@dataclass(frozen=True, slots=True)
class Places:
    """How many subscriptions a process can serve now."""

    free: int
    #: of these for such as have failed last: they may hang, and the others must not wait for them
    for_suspects: int


def take_turns(runtime: Runtime, by: str, places: Places) -> list[Leased]:
    """Lease those whose turn it is: those that work first."""
    seconds = lease_seconds(runtime)
    with runtime.engine.begin() as connection:
        taken = news.claim(connection, by=by, seconds=seconds, most=places.free, suspects=False)
        left = min(places.free - len(taken), places.for_suspects)
        if left > 0:
            taken += news.claim(connection, by=by, seconds=seconds, most=left, suspects=True)
    return taken


def tidy(runtime: Runtime) -> int:
    """End the subscriptions whose time, or whose execution, is over; returns how many."""
    with runtime.engine.begin() as connection:
        expired = subscriptions.expire(connection)
        return expired + subscriptions.end_of_executions(connection)
