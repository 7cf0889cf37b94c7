"""Places of a key: who has one, who stands in line, and whose turn it is.

A place is taken while its row in ``concurrency_places`` says so and the execution or the step that
it is for is open; so every kind of end frees it, in the transaction that makes it. Who decides
anything about a key holds its lock: what is counted then, by a statement of its own, is what others
have committed. Nobody waits for that lock with rows of executions locked: who has some takes it if
it is free, and leaves the decision to ``resume/give_places.py`` if it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.concurrency import Need
from pipeline_engine.domain.definitions import WhenFull
from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.admission import HAS_PLACE_OR_IN_LINE
from pipeline_engine.storage.history import about
from pipeline_engine.storage.phases import IS
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.events import EventType


@dataclass(frozen=True, slots=True)
class Key:
    """What places are counted by."""

    owner: str | None  #: null is the system
    text: str

    @classmethod
    def of(cls, need: Need) -> Key:
        """The key of what is needed."""
        return cls(need.owner, need.key)

    @property
    def params(self) -> dict[str, str | None]:
        """For the statements below."""
        return {"owner": self.owner, "key": self.text}


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """An execution or a step that has a place, or waits for one."""

    id: int
    owner: str | None
    key: str
    execution_id: UUID
    step_execution_id: int | None  #: None: the execution itself
    at_once: int
    when_full: str
    decided: bool

    @property
    def of(self) -> Key:
        """What it is a place of."""
        return Key(self.owner, self.key)


COLUMNS = ", ".join(f"p.{field.name}" for field in fields(PlaceRow))
SAME_KEY = "coalesce(p.owner, '') = coalesce(%(owner)s::text, '') AND p.key = %(key)s::text"


def is_open(execution: str = "true", step: str = "true") -> str:
    """Whether the row that a place is for has not ended, and these conditions are true of it."""
    return (
        "CASE WHEN p.step_execution_id IS NULL THEN EXISTS (SELECT FROM executions e"
        f" WHERE e.id = p.execution_id AND e.status IN ('PENDING', 'RUNNING') AND {execution})"
        " ELSE EXISTS (SELECT FROM step_executions s WHERE s.id = p.step_execution_id"
        f" AND s.status IN ('PENDING', 'RETRYING', 'RUNNING') AND {step}) END"
    )


IS_LIVE = is_open()
TAKEN = f"p.taken_at IS NOT NULL AND {IS_LIVE}"
#: One that is about to be cancelled for a later one is not let in any more.
WAITS = f"p.taken_at IS NULL AND p.superseded_at IS NULL AND {IS_LIVE}"
# Owner and key go into one number without being joined: one is the seed of the other.
_LOCK = "hashtextextended(%(key)s, hashtextextended(coalesce(%(owner)s, ''), 2))"


# ── Asking ───────────────────────────────────────────────────────────────────────────────


def try_lock(connection: Connection, key: Key) -> bool:
    """Take the lock of a key until the end of the transaction, if nobody else has it."""
    found = driver.fetch(connection, f"SELECT pg_try_advisory_xact_lock({_LOCK})", key.params)
    return bool(found[0][0])


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking for a place."""

    place_id: int
    is_taken: bool  #: if not, it stands in line
    is_decided: bool  #: if not, somebody has to look at it


def ask_for_step(
    connection: Connection, step: StepRow, need: Need, *, may_decide: bool
) -> Answer | None:
    """Take a place for a queued step, or put it in line; None if somebody else has the step.

    What it has places of was looked up with its row locked, if there is any.

    Only who holds the lock of the key may decide that there is a place.
    """
    found = driver.fetch_prepared(
        connection,
        _ASK_FOR_STEP,
        {
            **_asked(need, may_decide=may_decide),
            "step": step.id,
            "attempt": step.attempt,
            "has_place": step.has_place,
            "details": json_guard.dumps(about(step, EventType.PLACE_AWAITED).details),
        },
    )
    return Answer(*found[0]) if found else None


def ask_for_execution(
    connection: Connection, execution_id: UUID, need: Need, *, may_decide: bool
) -> Answer:
    """The same for an execution that has not begun."""
    params = {**_asked(need, may_decide=may_decide), "execution": str(execution_id)}
    return Answer(*driver.fetch(connection, _ASK_FOR_EXECUTION, params)[0])


def _asked(need: Need, *, may_decide: bool) -> dict[str, object]:
    return {
        **Key.of(need).params,
        "at_once": need.limit,
        "when_full": need.when_full.value,
        "may_decide": may_decide,
    }


#: Who has ended is only looked for where it decides.
_IS_FREE = f"""
SELECT CASE WHEN NOT %(may_decide)s::boolean THEN false
    WHEN EXISTS (SELECT FROM concurrency_places p WHERE {SAME_KEY} AND {WAITS}) THEN false
    WHEN %(at_once)s::int > (
        SELECT count(*) FROM concurrency_places p WHERE {SAME_KEY} AND p.taken_at IS NOT NULL
    ) THEN true
    ELSE %(at_once)s::int > (
        SELECT count(*) FROM concurrency_places p WHERE {SAME_KEY} AND {TAKEN}
    ) END AS yes
"""
#: Whether nothing but waiting is left to be decided about who finds no place.
_IS_DECIDED = f"free.yes OR (%(may_decide)s::boolean AND %(when_full)s = '{WhenFull.WAIT.value}')"
_TELL = f"""
INSERT INTO events (execution_id, event_type, step_execution_id, details)
SELECT execution_id, CASE WHEN taken_at IS NULL THEN '{EventType.PLACE_AWAITED.value}'
    ELSE '{EventType.PLACE_TAKEN.value}' END, step_execution_id,
    jsonb_build_object('key', key, 'limit', at_once)
"""
_ASK_FOR_STEP = f"""
WITH ours AS (
    -- It was read a while ago, and may be somebody else's by now.
    SELECT s.id, s.execution_id FROM step_executions s
    WHERE s.id = %(step)s::bigint AND s.attempt = %(attempt)s::int
        AND s.has_place = %(has_place)s::boolean
        AND CASE WHEN s.status IN ('PENDING', 'RETRYING') THEN s.queued_at IS NOT NULL END
    FOR NO KEY UPDATE SKIP LOCKED
), free AS ({_IS_FREE}), asked AS (
    INSERT INTO concurrency_places
        (owner, key, execution_id, step_execution_id, at_once, when_full, taken_at, decided)
    SELECT %(owner)s::text, %(key)s::text, ours.execution_id, ours.id, %(at_once)s::int,
        %(when_full)s::text, CASE WHEN free.yes THEN clock_timestamp() END, {_IS_DECIDED}
    FROM ours, free
    RETURNING *
), moved AS (
    UPDATE step_executions s SET {HAS_PLACE_OR_IN_LINE}, updated_at = now()
    FROM asked WHERE s.id = %(step)s::bigint
), told AS ({_TELL} || %(details)s::jsonb FROM asked)
SELECT id, taken_at IS NOT NULL, decided FROM asked
"""
_ASK_FOR_EXECUTION = f"""
WITH free AS ({_IS_FREE}), asked AS (
    INSERT INTO concurrency_places (owner, key, execution_id, at_once, when_full, taken_at,
        decided)
    SELECT %(owner)s::text, %(key)s::text, %(execution)s::uuid, %(at_once)s::int,
        %(when_full)s::text, CASE WHEN free.yes THEN clock_timestamp() END, {_IS_DECIDED}
    FROM free
    RETURNING *
), told AS ({_TELL} FROM asked)
SELECT id, taken_at IS NOT NULL, decided FROM asked
"""


def keys_of_step(connection: Connection, step: StepRow) -> list[Key] | None:
    """What a queued step has places of; None if somebody else has the step.

    It stays locked, so that nobody else asks for more.
    """
    params = {"id": step.id, "attempt": step.attempt}
    lock = (
        "SELECT id FROM step_executions WHERE id = %(id)s AND attempt = %(attempt)s AND has_place"
        f" AND {IS[Phase.QUEUED]} FOR NO KEY UPDATE SKIP LOCKED"
    )
    if not driver.fetch(connection, lock, params):
        return None
    look = "SELECT owner, key FROM concurrency_places WHERE step_execution_id = %(id)s"
    return [Key(*row) for row in driver.fetch(connection, look, params)]


def asked_by_execution(connection: Connection, execution_id: UUID) -> int | None:
    """How many places an execution has asked for; None if it is not to begin any more.

    It stays locked, so that nobody ends it meanwhile.
    """
    found = driver.fetch(
        connection,
        "SELECT id FROM executions WHERE id = %(id)s AND status = 'PENDING'"
        " AND abort_reason IS NULL FOR NO KEY UPDATE",
        {"id": str(execution_id)},
    )
    if not found:
        return None
    counted = driver.fetch(
        connection,
        "SELECT count(*) FROM concurrency_places WHERE execution_id = %(id)s"
        " AND step_execution_id IS NULL",
        {"id": str(execution_id)},
    )
    return int(counted[0][0])


#: Greater than the id of any place.
LAST = 2**63 - 1

# ── Whose turn it is ─────────────────────────────────────────────────────────────────────


def lock(connection: Connection, key: Key) -> None:
    """Take the lock of a key until the end of the transaction; nothing else may be locked yet."""
    driver.run(connection, f"SELECT pg_advisory_xact_lock({_LOCK})", key.params)


def key_of(connection: Connection, place_id: int) -> Key | None:
    """The key of a place; None if that is gone, and so was looked after."""
    row = connection.exec_driver_sql(
        "SELECT owner, key FROM concurrency_places WHERE id = %(id)s", {"id": place_id}
    ).first()
    return None if row is None else Key(row[0], row[1])


def first_in_line(connection: Connection, key: Key) -> PlaceRow | None:
    """Who has waited for longest; what has ended is forgotten on the way."""
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM concurrency_places p WHERE {SAME_KEY} AND {WAITS}"
        " ORDER BY p.id LIMIT 1",
        key.params,
    ).first()
    for ended in ("p.taken_at IS NOT NULL", "p.taken_at IS NULL AND p.id < %(first)s"):
        # One after the other: of a long line only what is in front of the first is read.
        connection.exec_driver_sql(
            f"DELETE FROM concurrency_places p WHERE {SAME_KEY} AND {ended} AND NOT ({IS_LIVE})",
            {**key.params, "first": found[0] if found else LAST},
        )
    return PlaceRow(*found) if found else None


def first_undecided(connection: Connection, key: Key) -> PlaceRow | None:
    """The first in line of whom nobody has looked what it does while there is no place."""
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM concurrency_places p WHERE {SAME_KEY} AND NOT p.decided"
        f" AND {WAITS} ORDER BY p.id LIMIT 1",
        key.params,
    ).first()
    return PlaceRow(*found) if found else None


def taken(connection: Connection, key: Key) -> int:
    """How many have a place."""
    found: int = connection.exec_driver_sql(
        f"SELECT count(*) FROM concurrency_places p WHERE {SAME_KEY} AND {TAKEN}", key.params
    ).scalar_one()
    return found


def take(connection: Connection, place: PlaceRow) -> None:
    """Note that a place is taken by who stood in line, and tell the history."""
    connection.exec_driver_sql(
        "WITH p AS (UPDATE concurrency_places SET taken_at = clock_timestamp() WHERE id = %(id)s"
        f" RETURNING *) {_TELL} || coalesce((SELECT jsonb_build_object('step_id', s.step_id,"
        " 'step_name', s.name, 'attempt', s.attempt) FROM step_executions s"
        " WHERE s.id = step_execution_id), '{}') FROM p",
        {"id": place.id},
    )


def decide(connection: Connection, place: PlaceRow) -> None:
    """Note that it was decided that this one waits."""
    connection.exec_driver_sql(
        "UPDATE concurrency_places SET decided = true WHERE id = %(id)s", {"id": place.id}
    )


def leave(connection: Connection, place: PlaceRow) -> None:
    """Forget one that does not wait any longer."""
    connection.exec_driver_sql("DELETE FROM concurrency_places WHERE id = %(id)s", {"id": place.id})


def supersede(connection: Connection, place: PlaceRow) -> list[int]:
    """Note of those in front of *place* that they are to be cancelled, the oldest first.

    As many as have to go for it to have a place when they have gone. Returns their places.
    """
    found = connection.exec_driver_sql(
        "UPDATE concurrency_places v SET superseded_at = now() FROM ("
        f" SELECT p.id FROM concurrency_places p WHERE {SAME_KEY} AND p.id < %(id)s"
        f" AND p.superseded_at IS NULL AND {IS_LIVE} ORDER BY p.id DESC OFFSET %(stay)s) front"
        " WHERE v.id = front.id RETURNING v.id",
        {"owner": place.owner, "key": place.key, "id": place.id, "stay": place.at_once - 1},
    )
    return sorted(found.scalars())


# ── Executions ───────────────────────────────────────────────────────────────────────────


def stop_clock(connection: Connection, execution_id: UUID) -> None:
    """Let no time pass for an execution that stands in line."""
    connection.exec_driver_sql(
        "UPDATE executions SET deadline_at = NULL WHERE id = %(id)s", {"id": str(execution_id)}
    )


def start_clock(connection: Connection, execution_id: UUID, *, timeout: timedelta) -> bool:
    """Let its time begin; False if it is being ended instead."""
    found = connection.exec_driver_sql(
        "UPDATE executions SET deadline_at = now() + %(timeout)s, updated_at = now()"
        " WHERE id = %(id)s AND status = 'PENDING' AND abort_reason IS NULL RETURNING id",
        {"id": str(execution_id), "timeout": timeout},
    )
    return found.first() is not None


# ── Ends ─────────────────────────────────────────────────────────────────────────────────


def of_steps(connection: Connection, ids: Sequence[int]) -> list[int]:
    """The places of these steps, whether they have them or wait for them."""
    found = connection.exec_driver_sql(
        "SELECT id FROM concurrency_places WHERE step_execution_id = ANY(%(ids)s) ORDER BY id",
        {"ids": list(ids)},
    )
    return list(found.scalars())


def of_executions(connection: Connection, ids: Sequence[UUID]) -> list[int]:
    """The places of these executions themselves."""
    found = connection.exec_driver_sql(
        "SELECT id FROM concurrency_places WHERE execution_id = ANY(%(ids)s::uuid[])"
        " AND step_execution_id IS NULL ORDER BY id",
        {"ids": [str(one) for one in ids]},
    )
    return list(found.scalars())


def is_in_line(connection: Connection, execution_id: UUID) -> bool:
    """Whether an execution waits for its place, so that nothing of it has run."""
    found = connection.exec_driver_sql(
        "SELECT 1 FROM concurrency_places WHERE execution_id = %(id)s"
        " AND step_execution_id IS NULL AND taken_at IS NULL",
        {"id": str(execution_id)},
    )
    return found.first() is not None


def find_superseded(connection: Connection, place_id: int) -> PlaceRow | None:
    """One that is to be cancelled for a later one, and has not ended."""
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM concurrency_places p WHERE p.id = %(id)s"
        f" AND p.superseded_at IS NOT NULL AND {IS_LIVE}",
        {"id": place_id},
    ).first()
    return PlaceRow(*found) if found else None
