"""The parts of an installation, as they are told; what nobody has said is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_engine.sdk.breakers import FailedPeer


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has said lately that it lives."""

    name: str
    queues: Sequence[str]
    slots: int | None
    busy: int  #: steps that it has under a lease
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and how long its oldest message waits."""

    name: str
    waiting: int | None
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Beat:
    """Who keeps the time."""

    lock_left_seconds: float | None  #: null: no beat holds the lock
    sweep_silent_seconds: float | None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that the engine needs."""

    answers: bool
    version: str | None


@dataclass(frozen=True, slots=True)
class Servers:
    """Those two."""

    postgresql: Server
    redis: Server


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for how long, and what the next clean-up would delete."""

    rules: Sequence[Mapping[str, object]]
    executions: int | None = None
    ledgers: Mapping[str, int] | None = None
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of this process."""

    name: str
    value: Any
    is_default: bool
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What it is made of at a moment."""

    version: str
    started_at: datetime  #: of the process that tells
    taken_at: datetime
    away: Sequence[str]  #: the servers and processes that have not answered
    workers: Sequence[Worker]
    queues: Sequence[Queue]
    beat: Beat
    servers: Servers
    breakers: Sequence[FailedPeer] | None
    retention: Kept
    settings: Sequence[Setting]
    flower_url: str | None
