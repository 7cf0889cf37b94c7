"""What the scheduler reads of a step: plain rows, fetched by the hot-path SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.expressions import NO_SECRETS, KnownSecrets
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker
from pipeline_engine.domain.paths import inside, path_of
from pipeline_engine.domain.readiness import Dependencies
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.base import Json


class Home(NamedTuple):
    """Where a step id means one row: an execution, or one attempt of a block in it."""

    execution_id: UUID
    block: int | None = None  #: the row of the block
    within: str | None = None


@dataclass(slots=True)
class StepRow:
    """A step execution as the scheduler sees it; no outputs, they can be large."""

    id: int
    execution_id: UUID
    step_id: str
    name: str
    action: str
    kind: str
    status: str
    attempt: int
    retry_count: int
    lost_count: int
    publish_count: int
    dependency_count: int
    remaining: int
    deps_succeeded: int
    deps_failed: int
    deps_blocking: int
    deps_branched: int
    successors: list[int]
    queue: str
    owner: str  #: whose turn it takes; empty for the system
    cheap: bool
    in_window: bool
    in_line: bool
    has_place: bool
    parent_id: int | None
    item_index: int | None
    item_key: str | None
    item: Json
    items_total: int | None
    items_open: int | None
    items_failed: int | None
    items_tolerated: int | None
    enclosing: list[int] | None
    within: str | None
    awaiting_event: bool
    cancelling: bool
    task_id: str | None
    started_at: datetime | None
    error_code: str | None  #: of the attempt before; of a cancelled fan-out, why it was stopped

    @property
    def label(self) -> str:
        """What leads back to it, for those who look at Celery: execution, blocks, step, item."""
        return f"{self.execution_id}/{path_of(self.step_id, self.item_index, self.within)}"

    @property
    def is_repeated(self) -> bool:
        """Whether a block that it is in is one item, or one round, of several."""
        return self.within is not None and "[" in self.within

    @property
    def home(self) -> Home:
        """Where its step id, and those of its neighbours, are looked up."""
        if not self.enclosing:
            return Home(self.execution_id)
        return Home(self.execution_id, self.enclosing[-1], self.within)

    @property
    def inside(self) -> Home:
        """The same of the steps that it holds, if it is a block, in the attempt that it is at."""
        attempt = self.retry_count + 1
        within = inside(self.step_id, self.item_index, self.within, attempt=attempt)
        return Home(self.execution_id, self.id, within)

    @property
    def dependencies(self) -> Dependencies:
        """How its dependencies stand."""
        return Dependencies(
            self.dependency_count,
            self.remaining,
            self.deps_succeeded,
            self.deps_failed,
            self.deps_blocking,
            self.deps_branched,
        )


STEP_COLUMNS = ", ".join(f"s.{f.name}" for f in fields(StepRow))


@dataclass(frozen=True)
class ExecutionFacts:
    """What never changes about an execution; safe to keep in memory."""

    id: UUID
    name: str
    pipeline_id: UUID | None
    revision_id: UUID
    params: dict[str, Json]
    user_id: str | None
    initiator: str
    created_at: datetime
    parent_step_id: int | None
    root_execution_id: UUID | None  #: null for the first of a tree
    authority: Authority  #: with which rights it acts
    sealed: bool = False  #: the params hold secrets, which are sealed in the row
    unreadable: str | None = None  #: why these cannot be opened
    secrets: frozenset[str] = frozenset()  #: that the params quote, once they are opened
    masker: Masker = NOTHING_HIDDEN  #: of these and those of the installation, if there are any
    known_secrets: KnownSecrets = NO_SECRETS  #: that its steps name; of one transaction
    #: how it ends, as far as is known: of those that look at it a moment later this is another
    end: Mapping[str, Json] | None = None

    @cached_property
    def text_id(self) -> str:
        """The id as actions and templates see it; made once, because every step asks."""
        return str(self.id)

    @cached_property
    def in_templates(self) -> Mapping[str, Json]:
        """``execution`` in a template."""
        return {
            "id": self.text_id,
            "name": self.name,
            "pipeline_id": str(self.pipeline_id) if self.pipeline_id else None,
            "initiator": self.initiator,
            "user_id": self.user_id,
            "created_at": self.created_at.isoformat(),
            **(self.end or {}),
        }


def seconds_since_its_start(connection: Connection, step_execution_id: int) -> float:
    """How long ago the first attempt of a step began; 0 for one that has never begun."""
    found = connection.exec_driver_sql(
        "SELECT coalesce(extract(epoch FROM now() - started_at), 0)"
        " FROM step_executions WHERE id = %(id)s",
        {"id": step_execution_id},
    )
    return float(found.scalar_one())


def fetch_steps(connection: Connection, sql: str, params: dict[str, Any]) -> list[StepRow]:
    """The rows of a statement that returns ``STEP_COLUMNS``."""
    return [StepRow(*row) for row in driver.fetch(connection, sql, params)]


def fetch_steps_prepared(
    connection: Connection, sql: str, params: dict[str, Any], *, before: str = ""
) -> list[StepRow]:
    """The same for a statement of the hot path; *before* is sent with it."""
    found = driver.fetch_prepared(connection, sql, params, before=before)
    return [StepRow(*row) for row in found]


def step_of(connection: Connection, execution_id: UUID, step_execution_id: int) -> StepRow | None:
    """One row of an execution; None if that has no such row."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        " WHERE s.id = %(step)s AND s.execution_id = %(execution)s",
        {"step": step_execution_id, "execution": str(execution_id)},
    )
    return found[0] if found else None


def step_named(
    connection: Connection,
    execution_id: UUID,
    step_id: str,
    item_index: int | None,
    within: str | None,
) -> StepRow | None:
    """The row that people call this; None if there is none."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        " WHERE s.execution_id = %(execution)s AND s.step_id = %(step)s AND s.kind <> 'sink'"
        " AND s.item_index IS NOT DISTINCT FROM %(index)s"
        " AND s.within IS NOT DISTINCT FROM %(within)s LIMIT 1",
        {"execution": str(execution_id), "step": step_id, "index": item_index, "within": within},
    )
    return found[0] if found else None


#: Those of the facts that are columns.
_READ = (
    *("id", "name", "pipeline_id", "revision_id", "params", "user_id", "initiator", "created_at"),
    *("parent_step_id", "root_execution_id", "authority", "sealed"),
)


def execution_facts(connection: Connection, ids: Sequence[UUID]) -> list[ExecutionFacts]:
    """The unchanging part of these executions."""
    rows = connection.exec_driver_sql(
        f"SELECT {', '.join(_READ)} FROM executions WHERE id = ANY(%(ids)s::uuid[])",
        {"ids": [str(i) for i in ids]},
    )
    return [_facts(*row) for row in rows]


def _facts(*columns: Any) -> ExecutionFacts:
    read = dict(zip(_READ, columns, strict=True))
    return ExecutionFacts(**read | {"authority": Authority.of(read["authority"], read["user_id"])})


def remaining(
    connection: Connection, execution_id: UUID, step_ids: Sequence[str]
) -> dict[str, int]:
    """How many dependencies of these steps have not been counted as ended."""
    found = driver.fetch(
        connection,
        "SELECT step_id, remaining FROM step_executions WHERE execution_id = %(id)s"
        " AND step_id = ANY(%(steps)s) AND parent_id IS NULL",
        {"id": str(execution_id), "steps": list(step_ids)},
    )
    return dict(found)


@dataclass(frozen=True, slots=True)
class StepResult:
    """How an ended step looks to the templates of later steps."""

    status: str
    outputs: dict[str, Json] | None
    error_code: str | None
    error_message: str | None


def step_results(
    connection: Connection, wanted: Iterable[tuple[Home, str]]
) -> dict[tuple[Home, str], StepResult]:
    """The results of *wanted* steps, by where they are and their ids."""
    outside: list[tuple[UUID, str]] = []
    inside: list[tuple[Home, str]] = []
    for home, step_id in wanted:
        if home.block is None:
            outside.append((home.execution_id, step_id))
        else:
            inside.append((home, step_id))
    found = _results_outside(connection, outside) if outside else {}
    return found | _results_inside(connection, inside) if inside else found


def _results_outside(
    connection: Connection, pairs: Sequence[tuple[UUID, str]]
) -> dict[tuple[Home, str], StepResult]:
    rows = connection.exec_driver_sql(
        "SELECT s.execution_id, s.step_id, s.status, s.outputs, s.error_code, s.error_message"
        " FROM unnest(%(executions)s::uuid[], %(steps)s::text[]) AS w(execution_id, step_id)"
        " JOIN step_executions s ON s.execution_id = w.execution_id AND s.step_id = w.step_id"
        " WHERE s.parent_id IS NULL",
        {"executions": [str(e) for e, _ in pairs], "steps": [s for _, s in pairs]},
    )
    return {(Home(row[0]), row[1]): StepResult(*row[2:]) for row in rows}


def _results_inside(
    connection: Connection, pairs: Sequence[tuple[Home, str]]
) -> dict[tuple[Home, str], StepResult]:
    rows = connection.exec_driver_sql(
        "SELECT s.execution_id, s.parent_id, s.within, s.step_id, s.status, s.outputs,"
        " s.error_code, s.error_message"
        " FROM unnest(%(blocks)s::bigint[], %(within)s::text[], %(steps)s::text[])"
        " AS w(block, within, step_id)"
        " JOIN step_executions s ON s.parent_id = w.block AND s.step_id = w.step_id"
        " AND s.within = w.within AND s.kind = 'step'",
        {
            "blocks": [home.block for home, _ in pairs],
            "within": [home.within for home, _ in pairs],
            "steps": [step_id for _, step_id in pairs],
        },
    )
    return {(Home(*row[:3]), row[3]): StepResult(*row[4:]) for row in rows}


def claimed_by(connection: Connection, steps: Sequence[StepRow], *, worker: str) -> set[int]:
    """The ids of those attempts that are still claimed by this worker and by their tasks."""
    found = connection.exec_driver_sql(
        "SELECT s.id FROM step_executions s"
        " JOIN unnest(%(ids)s::bigint[], %(attempts)s::int[], %(tasks)s::text[])"
        " AS v(id, attempt, task_id) ON v.id = s.id AND v.attempt = s.attempt"
        # Parked and expanded steps are RUNNING too; they have no lease any more.
        " WHERE s.status = 'RUNNING' AND s.leased_until IS NOT NULL AND NOT s.cancelling"
        " AND s.worker = %(worker)s AND s.task_id IS NOT DISTINCT FROM v.task_id",
        {
            "ids": [step.id for step in steps],
            "attempts": [step.attempt for step in steps],
            "tasks": [step.task_id for step in steps],
            "worker": worker,
        },
    )
    return set(found.scalars())


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An ended item, for the join."""

    index: int
    key: str | None
    value: Json
    status: str
    outputs: dict[str, Json] | None
    error_code: str | None
    error_message: str | None


def items_of(connection: Connection, parent_id: int, *, first: int, after: int) -> list[ItemRow]:
    """The items of a fan-out from the index *first* to before *after*, in their order."""
    rows = connection.exec_driver_sql(
        "SELECT item_index, item_key, item, status, outputs, error_code, error_message"
        " FROM step_executions WHERE parent_id = %(parent)s"
        " AND item_index >= %(first)s AND item_index < %(after)s ORDER BY item_index",
        {"parent": parent_id, "first": first, "after": after},
    )
    return [ItemRow(*row) for row in rows]


def items_to_undo(
    connection: Connection, home: Home, step_id: str, statuses: Collection[str]
) -> list[ItemRow]:
    """The items of a fan-out that ended so, the last one first."""
    rows = connection.exec_driver_sql(
        "SELECT i.item_index, i.item_key, i.item, i.status, i.outputs, i.error_code,"
        " i.error_message FROM step_executions s JOIN step_executions i ON i.parent_id = s.id"
        " WHERE s.execution_id = %(id)s AND s.step_id = %(step)s"
        " AND s.parent_id IS NOT DISTINCT FROM %(block)s"
        " AND s.within IS NOT DISTINCT FROM %(within)s"
        " AND i.status = ANY(%(statuses)s) ORDER BY i.finished_at DESC, i.id DESC",
        {
            "id": str(home.execution_id),
            "block": home.block,
            "within": home.within,
            "step": step_id,
            "statuses": list(statuses),
        },
    )
    return [ItemRow(*row) for row in rows]


class Failure(NamedTuple):
    """The failure of a step inside of a block."""

    step_id: str
    error_code: str | None
    error_message: str | None


def failures_inside(connection: Connection, homes: Collection[Home]) -> dict[Home, list[Failure]]:
    """Of each of these attempts of blocks the failures, in their order."""
    rows = connection.exec_driver_sql(
        "SELECT s.execution_id, s.parent_id, s.within, s.step_id,"
        " s.error_code, s.error_message"
        " FROM unnest(%(blocks)s::bigint[], %(within)s::text[]) AS w(block, within)"
        " JOIN step_executions s ON s.parent_id = w.block AND s.within = w.within"
        " WHERE s.kind = 'step' AND s.status IN ('FAILED', 'TIMEOUT')"
        " ORDER BY s.parent_id, s.finished_at, s.id",
        {"blocks": [home.block for home in homes], "within": [home.within for home in homes]},
    )
    found: dict[Home, list[Failure]] = defaultdict(list)
    for row in rows:
        found[Home(*row[:3])].append(Failure(*row[3:]))
    return found


@dataclass(frozen=True, slots=True)
class BlockItem:
    """The row of a block around other steps: which item or round of a loop it is, if it is one."""

    id: int
    step_id: str
    item_index: int | None
    item_key: str | None
    item: Json

    @classmethod
    def of(cls, row: StepRow) -> BlockItem:
        """The same of a row that is at hand."""
        return cls(row.id, row.step_id, row.item_index, row.item_key, row.item)


def block_items(connection: Connection, ids: Collection[int]) -> list[BlockItem]:
    """The rows of these blocks."""
    rows = connection.exec_driver_sql(
        "SELECT id, step_id, item_index, item_key, item FROM step_executions"
        " WHERE id = ANY(%(ids)s::bigint[])",
        {"ids": driver.array(sorted(ids))},
    )
    return [BlockItem(*row) for row in rows]


def stored_outputs(connection: Connection, step_execution_id: int) -> dict[str, Json]:
    """What a parked step has left so far."""
    row = connection.exec_driver_sql(
        "SELECT outputs FROM step_executions WHERE id = %(id)s", {"id": step_execution_id}
    ).first()
    return dict(row[0]) if row and row[0] else {}


def parked_step(connection: Connection, step_execution_id: int, attempt: int) -> StepRow | None:
    """A step while it is parked, not locked."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s"
        " AND awaiting_event AND attempt = %(attempt)s",
        {"id": step_execution_id, "attempt": attempt},
    )
    return found[0] if found else None


def error_message(connection: Connection, step_execution_id: int) -> str | None:
    """Why a step was stopped, or why its last attempt failed."""
    found: str | None = connection.exec_driver_sql(
        "SELECT error_message FROM step_executions WHERE id = %(id)s", {"id": step_execution_id}
    ).scalar()
    return found


def external_ids(connection: Connection, step_execution_id: int) -> tuple[str, ...]:
    """The external ids that a step was parked on."""
    rows = connection.exec_driver_sql(
        "SELECT external_id FROM correlations WHERE step_execution_id = %(id)s ORDER BY 1",
        {"id": step_execution_id},
    )
    return tuple(row[0] for row in rows)


class RevisionRow(NamedTuple):
    """What an execution is pinned to."""

    document: dict[str, Json]
    actions: dict[str, Any] | None  #: what was chosen when it was saved


def revision(connection: Connection, revision_id: UUID) -> RevisionRow:
    """The definition that an execution is pinned to, and the versions of its actions."""
    asked = "SELECT document, actions FROM pipeline_revisions WHERE id = %(id)s"
    row = connection.exec_driver_sql(asked, {"id": str(revision_id)}).one()
    return RevisionRow(*row)
