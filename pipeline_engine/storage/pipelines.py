"""Pipelines to be executed: which one is meant by an id or a name, and those without a name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Text,
    all_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.visibility import visible_to_owner

MOST_NAMED = 10  #: pipelines of one name that an error lists, at most
NEAREST: ColumnElement[int] = literal_column("1")


class NewestRevision(NamedTuple):
    """What has to be known of a pipeline to execute it."""

    id: UUID
    name: str
    status: str
    revision_id: UUID


def newest(
    connection: Connection, pipeline_id: UUID, callers: Sequence[Caller]
) -> NewestRevision | None:
    """The pipeline with this id, if each of *callers* sees it."""
    users = _bound(callers)
    asked = {"id": str(pipeline_id), "users": users}
    rows = driver.fetch(connection, _by_id(is_bound=bool(users)), asked)
    return NewestRevision(*rows[0]) if rows else None


def newest_named(
    connection: Connection, name: str, callers: Sequence[Caller]
) -> Sequence[NewestRevision]:
    """All that *name* means to the first of *callers*, of what each of them sees.

    More than one is left only if none of them is nearer to the first than the others.
    """
    users = _bound(callers)
    asked = {"name": name, "users": users, "owner": users[0] if users else None}
    rows = driver.fetch(connection, _by_name(is_bound=bool(users)), asked)
    return [NewestRevision(*row) for row in rows]


def insert_ephemeral(connection: Connection, document: dict[str, Any]) -> UUID:
    """Store a definition that belongs to no pipeline; its secrets have to be sealed already."""
    revision_id = new_id()
    connection.execute(
        insert(PipelineRevision.__table__).values(  # type: ignore[arg-type]
            id=revision_id,
            pipeline_id=None,
            revision=1,
            version=str(document.get("version") or "1.0"),
            document=document,
        )
    )
    return revision_id


def meant_by(name: Any, owner: Any, sight: ColumnElement[bool]) -> Subquery:
    """Pipelines with this name that are in *sight*; what it means has the ``distance`` NEAREST.

    They are the *owner*'s own before those of the system, and these before any other.
    """
    is_own = Pipeline.user_id.is_not_distinct_from(owner)
    distance = func.rank().over(order_by=(is_own.desc(), Pipeline.system_owned.desc()))
    columns = (Pipeline.id, Pipeline.name, Pipeline.status, Pipeline.revision)
    named = select(*columns, distance.label("distance")).where(sight, Pipeline.name == name)
    return named.subquery()


def _bound(callers: Sequence[Caller]) -> list[str]:
    """The users that *callers* are or act for; a service that acts for no user sees all."""
    return list(dict.fromkeys(c.user_id for c in callers if c.user_id is not None))


def _sight(*, is_bound: bool) -> ColumnElement[bool]:
    """What each of the users of a statement sees."""
    users = bindparam("users", type_=ARRAY(Text))
    return visible_to_owner(Pipeline, all_(users)) if is_bound else true()


# One condition each: with both in one query neither index could be used.


@cache
def _by_id(*, is_bound: bool) -> str:
    wanted = Pipeline.id == bindparam("id")
    return driver.text_of(_newest(Pipeline).where(wanted, _sight(is_bound=is_bound)))


@cache
def _by_name(*, is_bound: bool) -> str:
    owner = bindparam("owner", type_=Text)
    found = meant_by(bindparam("name"), owner, _sight(is_bound=is_bound)).c
    nearest = _newest(found).where(found.distance == NEAREST)
    return driver.text_of(nearest.order_by(found.id).limit(literal_column(str(MOST_NAMED))))


def _newest(found: Any) -> Select[*tuple[Any, ...]]:
    revision = PipelineRevision
    is_newest = (revision.pipeline_id == found.id) & (revision.revision == found.revision)
    columns = (found.id, found.name, found.status, revision.id.label("revision_id"))
    return select(*columns).outerjoin(revision, is_newest)
