"""I9: no secret is written or shown anywhere, in whatever form; the memory of workers holds it.

Rows keep secrets sealed, so a canary in any row is a leak, whether it would be shown or not. The
environment of a process holds what its settings are, and nothing else of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from redis import Redis
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from battery.evidence import Evidence
from battery.invariants.pages import shown_secrets
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.masking import Masker, masker_of
from pipeline_engine.services import deliveries, queries
from pipeline_engine.services.pages import Page
from pipeline_engine.storage.tables.inbox import Disposition

MOST_LISTED = 100  #: deliveries, the latest ones
MOST_READ = 25  #: executions that are shown; all have gone through the same hands
SETTING = "PIPELINE_"  #: what the names of settings begin with
_COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    " AND data_type IN ('text', 'jsonb', 'character varying', 'ARRAY')"
    " ORDER BY table_name, ordinal_position"
)
_SHOWN = "SELECT id FROM executions ORDER BY sealed DESC, created_at DESC LIMIT %(most)s"


def leaked_secrets(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Where a canary is, in any form; the canary itself is not repeated."""
    canaries = masker_of(evidence.canaries)
    if not canaries:
        return
    for path in evidence.logs:
        yield from _in_log(path, canaries)
    for table, column in connection.exec_driver_sql(_COLUMNS).all():
        if _is_in_column(connection, table, column, canaries):
            yield f"a secret is in a row of {table}, column {column}"
    yield from _listed(connection, canaries)
    for execution in connection.exec_driver_sql(_SHOWN, {"most": MOST_READ}).scalars().all():
        yield from _shown(connection, execution, canaries)
    if evidence.redis_url is not None:
        yield from _in_redis(evidence.redis_url, canaries)
    yield from shown_secrets(evidence.pages, canaries)
    for pid in evidence.processes():
        yield from _in_process(pid, canaries)


def _in_log(path: Path, canaries: Masker) -> Iterator[str]:
    with path.open(errors="replace") as log:
        for number, line in enumerate(log, start=1):
            if canaries.finds(line):
                yield f"a secret is in {path.name}, line {number}"


def _is_in_column(connection: Connection, table: str, column: str, canaries: Masker) -> bool:
    # Names come from the catalogue; strpos takes a canary with a percent sign as it is.
    found = connection.exec_driver_sql(
        f'SELECT EXISTS (SELECT 1 FROM "{table}" t'
        " CROSS JOIN unnest(%(forms)s::text[]) AS f(form)"
        f' WHERE strpos(t."{column}"::text, f.form) > 0)',
        {"forms": list(canaries.forms)},
    )
    return bool(found.scalar())


def _shown(connection: Connection, execution: UUID, canaries: Masker) -> Iterator[str]:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        steps = queries.steps(SYSTEM, session, execution)
        answers = {
            "execution": queries.execution(SYSTEM, session, execution),
            "steps": steps,
            "events": queries.events(
                SYSTEM, session, execution, queries.EventFilter(limit=1000)
            ).entries,
            "items": [
                queries.below(SYSTEM, session, execution, parent_id=step.id, page=Page(1, 100))
                for step in steps
                if step.items
            ],
        }
    for name, answer in answers.items():
        if canaries.finds(repr(answer)):
            yield f"a secret is shown with the {name} of execution {execution}"


def _listed(connection: Connection, canaries: Masker) -> Iterator[str]:
    """What is told of deliveries: those that were read, those that are kept, all of them."""
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for disposition in (None, *Disposition):
            found = deliveries.listed(
                SYSTEM, session, disposition=disposition, page=Page(1, MOST_LISTED)
            )
            if canaries.finds(repr(found)):
                yield f"a secret is shown in the list of deliveries ({disposition or 'all'})"


def _in_redis(url: str, canaries: Masker) -> Iterator[str]:
    with Redis.from_url(url, decode_responses=True, encoding_errors="replace") as redis:
        for key in redis.scan_iter(count=1000):
            if canaries.finds(repr([key, _value(redis, key)])):
                yield f"a secret is in Redis, under a key of type {redis.type(key)}"


def _value(redis: Redis, key: str) -> Any:
    read: dict[str, Callable[[str], Any]] = {
        "string": redis.get,
        "hash": redis.hgetall,
        "set": redis.smembers,
        "list": lambda name: redis.lrange(name, 0, -1),
        "zset": lambda name: redis.zrange(name, 0, -1),
        "stream": redis.xrange,
    }
    kind: Any = redis.type(key)
    return read[kind](key) if kind in read else None


def _in_process(pid: int, canaries: Masker) -> Iterator[str]:
    with suppress(psutil.Error):  # it has ended, or belongs to somebody else
        process = psutil.Process(pid)
        if canaries.finds(process.cmdline()):
            yield f"a secret is among the arguments of process {pid}"
        for name, value in process.environ().items():
            if not name.startswith(SETTING) and canaries.finds(value):
                yield f"a secret is in the environment of process {pid}, in {name}"
