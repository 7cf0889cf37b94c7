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
    and_,
    any_,
    bindparam,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.definitions import notifies
from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.visibility import visible_to_owner

MOST_NAMED = 10  #: pipelines of one name that an error lists, at most
NEAREST: ColumnElement[int] = literal_column("1")
WHAT_IS_STARTED = (
    Pipeline.id,
    Pipeline.name,
    Pipeline.status,
    Pipeline.user_id,
    Pipeline.system_owned,
)


class NewestRevision(NamedTuple):
    """What has to be known of a pipeline to execute it."""

    id: UUID
    name: str
    status: str
    user_id: str | None
    system_owned: bool
    revision_id: UUID

    @property
    def of_system(self) -> bool:
        """Whether it is the system's own."""
        return self.system_owned or self.user_id is None


def newest(
    connection: Connection, pipeline_id: UUID, callers: Sequence[Caller]
) -> NewestRevision | None:
    """The pipeline with this id, if each of *callers* sees it."""
    bound = _bound(callers)
    asked = {"id": str(pipeline_id), **_owners(bound)}
    found = _in_reach(driver.fetch(connection, _by_id(len(bound)), asked), callers)
    return found[0] if found else None


def newest_named(
    connection: Connection, name: str, callers: Sequence[Caller], *, of_system: bool = False
) -> Sequence[NewestRevision]:
    """All that *name* means to the first of *callers*, of what each of them sees.

    More than one is left only if none of them is nearer to the first than the others. With
    *of_system* it is the system that says the name, and means its own.
    """
    bound = _bound(callers)
    owner = bound[0].user_id if bound else None
    asked = {"name": name, "owner": owner, **_owners(bound or [SYSTEM])}
    statement = _by_name(len(bound), of_system=of_system)
    return _in_reach(driver.fetch(connection, statement, asked), callers)


def insert_ephemeral(
    connection: Connection, document: dict[str, Any], actions: dict[str, Any] | None
) -> UUID:
    """Store a definition that belongs to no pipeline; its secrets have to be sealed already."""
    revision_id = new_id()
    connection.execute(
        insert(PipelineRevision.__table__).values(  # type: ignore[arg-type]
            id=revision_id,
            pipeline_id=None,
            revision=1,
            version=str(document.get("version") or "1.0"),
            document=document,
            actions=actions,
            notifies=notifies(document),
        )
    )
    return revision_id


def meant_by(name: Any, owner: Any, owners: Any, sight: ColumnElement[bool]) -> Subquery:
    """Pipelines with this name that are in *sight*; what it means has the ``distance`` NEAREST.

    They are the *owner*'s own before those of the other *owners* that the caller is, those of the
    system, and any other.
    """
    nearness = (
        Pipeline.user_id.is_not_distinct_from(owner).desc(),
        func.coalesce(Pipeline.user_id == owners, false()).desc(),
        Pipeline.system_owned.desc(),
    )
    distance = func.rank().over(order_by=nearness)
    columns = (*WHAT_IS_STARTED, Pipeline.revision, distance.label("distance"))
    return select(*columns).where(sight, Pipeline.name == name).subquery()


def _bound(callers: Sequence[Caller]) -> list[Caller]:
    """Those of *callers* that do not see all, each once."""
    return list(dict.fromkeys(c for c in callers if not c.sees_all))


def _owners(bound: Sequence[Caller]) -> dict[str, list[str]]:
    return {f"owners_{rank}": sorted(caller.owners) for rank, caller in enumerate(bound)}


def _in_reach(rows: Sequence[tuple[Any, ...]], callers: Sequence[Caller]) -> list[NewestRevision]:
    """Those that no token leaves out, which is bound to other pipelines."""
    limits = [c.only_pipelines for c in callers if c.only_pipelines is not None]
    found = [NewestRevision(*row) for row in rows]
    return [one for one in found if all(one.id in limit for limit in limits)]


def _sight(bound: int) -> ColumnElement[bool]:
    """What each of this many callers of a statement sees."""
    each = [visible_to_owner(Pipeline, _any_of(rank)) for rank in range(bound)]
    return and_(true(), *each)


def _any_of(rank: int) -> Any:
    return any_(bindparam(f"owners_{rank}", type_=ARRAY(Text)))


# One condition each: with both in one query neither index could be used.


@cache
def _by_id(bound: int) -> str:
    wanted = Pipeline.id == bindparam("id")
    return driver.text_of(_newest(Pipeline).where(wanted, _sight(bound)))


@cache
def _by_name(bound: int, *, of_system: bool) -> str:
    owner = bindparam("owner", type_=Text)
    systems = or_(Pipeline.user_id.is_(None), Pipeline.system_owned)
    sight = and_(_sight(bound), systems) if of_system else _sight(bound)
    found = meant_by(bindparam("name"), owner, _any_of(0), sight).c
    nearest = _newest(found).where(found.distance == NEAREST)
    return driver.text_of(nearest.order_by(found.id).limit(literal_column(str(MOST_NAMED))))


def _newest(found: Any) -> Select[*tuple[Any, ...]]:
    revision = PipelineRevision
    is_newest = (revision.pipeline_id == found.id) & (revision.revision == found.revision)
    columns = (found.id, found.name, found.status, found.user_id, found.system_owned)
    named = revision.id.label("revision_id")
    return select(*columns, named).outerjoin(revision, is_newest)
