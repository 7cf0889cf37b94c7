"""Where a stream begins: whether its caller may see this, and what the id that he sends means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.services.streams.places import (
    Follow,
    Gap,
    Place,
    Sight,
    number_of,
)
from pipeline_engine.services.visibility import require_visible
from pipeline_engine.storage import streams
from pipeline_engine.storage.positions import Position

BEGINNING = Place(Position(0, 0))


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that may begin."""

    follow: Follow
    gap: Gap | None = None
    is_new_place: bool = False  #: the client does not know the id of where it begins
    is_over: bool = False  #: the execution has ended, and its follower has been told all


def open_execution(
    caller: Caller,
    session: Session,
    execution_id: UUID,
    *,
    last_id: str | None,
    types: Collection[str] | None,
) -> Opening:
    """Follow one execution, from its beginning or from behind the event *last_id*.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    require_visible(caller, session, execution_id)
    connection, wanted = session.connection(), None if types is None else frozenset(types)
    if last_id is None:
        return Opening(Follow(execution_id, BEGINNING, wanted))
    is_ended = execution_id in streams.ended(connection, [execution_id])
    below = streams.horizon(connection)
    place = _place(connection, execution_id, last_id, below)
    if place is None:
        number = streams.number_of_events(connection, execution_id, below)
        end = Place(Position(below, 0), number)
        return Opening(Follow(execution_id, end, wanted), Gap.UNKNOWN_ID, is_new_place=True)
    is_over = is_ended and not streams.is_anything_behind(
        connection, execution_id, place.position, types
    )
    return Opening(Follow(execution_id, place, wanted), is_over=is_over)


def _place(connection: Connection, execution_id: UUID, last_id: str, below: int) -> Place | None:
    number = number_of(last_id)
    if number is None:
        return None
    if number == 0:
        return BEGINNING
    found = streams.position_of(connection, execution_id, number, below)
    return None if found is None else Place(found, number)


def open_everything(
    caller: Caller,
    session: Session,
    *,
    pipeline_id: UUID | None = None,
    last_id: str | None,
    types: Collection[str] | None,
) -> Opening:
    """Follow all that *caller* may see, from now on or from behind the event *last_id*."""
    connection, wanted = session.connection(), None if types is None else frozenset(types)
    now = Position(streams.horizon(connection), 0)
    from_now = Opening(Follow(Sight(caller, pipeline_id), Place(now), wanted), is_new_place=True)
    if last_id is None:
        return from_now
    position = Position.parse(last_id)
    if position is None or position > now:
        return replace(from_now, gap=Gap.UNKNOWN_ID)
    opening = Opening(replace(from_now.follow, place=Place(position)))
    return replace(opening, gap=Gap.DELETED if _is_deleted(connection, position) else None)


def _is_deleted(connection: Connection, position: Position) -> bool:
    """Whether anything behind *position* may have been deleted, in the middle or all of it.

    A position that was told before anything had happened is that of no event.
    """
    deleted = streams.deleted_up_to(connection)
    if deleted is not None and position.transaction_id <= deleted:
        return True
    oldest = streams.oldest(connection)
    return position.event_id > 0 and (oldest is None or position < oldest)
