"""What a run of the battery leaves behind, and what the invariants say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the ledger: an append-only file outside the database, one JSON object a line."""

    order: int  #: its line number: the global order in which things happened (O_APPEND)
    key: str  #: the step's idempotency key ("<execution>:<step>[:<item>]")
    attempt: int
    moment: str  #: "begin" | "end"
    idempotent: bool
    pid: int


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """One delivery, from the log of the client that sent it."""

    source: str
    key: str
    external_id: str
    accepted: bool  #: a 2xx was read
    status: int | None  #: None: no answer came
    wave: str  #: "once" | "doubled" | "early" | "late" | "shuffled" | "forged"


@dataclass(frozen=True, slots=True)
class Told:
    """One message that a subscriber has accepted."""

    message_id: str
    execution_id: str
    sequence_number: int  #: of the event, in the history of its execution
    event_type: str


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """One request to a webhook, from the log of the third party that sent it."""

    key: str
    execution_id: str | None  #: what a 2xx said that it starts; null: it was refused


@dataclass(frozen=True, slots=True)
class Page:
    """Something that is shown over HTTP, and what has to be said to see it."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a block of the battery leaves; the rest is in the database."""

    database_url: str  #: direct, not through the proxy
    effects: Sequence[Effect]
    accepted: Sequence[UUID]  #: executions that were answered with 2xx
    deliveries: Sequence[SentDelivery]
    answers: Mapping[int, int]  #: HTTP status -> how many, over all requests
    logs: Sequence[Path]  #: of every process
    canaries: Sequence[str]  #: secrets that must appear nowhere
    #: pids that are expected to live now, others must be gone: one may just be started anew
    processes: Callable[[], Sequence[int]]
    redis_url: str | None = None  #: direct, too; None leaves it out
    webhooks: Sequence[SentWebhook] = ()
    pages: Sequence[Page] = ()  #: of the API and of Flower
    told: Sequence[Told] | None = None  #: in the order in which it was heard; None: nobody listens
    tree_executions: int = 1000  #: the bound of a tree


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one invariant."""

    invariant: str  #: "I1"
    sentence: str  #: what must hold, in a sentence
    violations: Sequence[str]  #: empty: it holds
    skipped: str | None = None  #: why it could not be checked
