"""What is next for all who follow: a few questions, however many these are.

Each follower is at a place of his own. Those who follow executions are asked about in one
statement, an index probe each; those who follow everything are mostly at the same place, the
end, and then share one statement, too.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.queries import EventRecord
from pipeline_engine.services.streams.places import Ended, Follow, Place, Sight
from pipeline_engine.services.streams.redactors import Redactors
from pipeline_engine.storage import streams
from pipeline_engine.storage.positions import Position

#: Events that a follower of one execution is told at a time.
MOST = 100
#: Events of everybody that are looked at in a time for those who follow everything …
MOST_LOOKED_AT = 500
#: … and different places at which these may be for one look; who is elsewhere comes next.
MOST_PLACES = 8

Rows = Sequence[Row[*tuple[Any, ...]]]
#: Followers by where they are: of executions, and of all that somebody sees.
OfExecutions = dict[tuple[UUID, Place], list[Follow]]
OfSights = dict[Place, dict[Follow, Sight]]


@dataclass(frozen=True, slots=True)
class News:
    """One event, and where it stands in the history of everything."""

    event: EventRecord
    position: Position


@dataclass(frozen=True, slots=True)
class Turn:
    """What one follower is told next."""

    news: Sequence[News]
    place: Place  #: where he is afterwards
    has_more: bool = False  #: there is more to tell at once
    ended: Ended | None = None


class Newsroom:
    """One for each process; a look may take a while, and there is one at a time."""

    def __init__(self, runtime: Runtime) -> None:
        self._engine = runtime.engine
        self._redactors = Redactors()

    def look(self, follows: Sequence[Follow]) -> list[Turn | None]:
        """What each is told next; null for those who are to ask again."""
        of_executions, of_sights = _sorted(follows)
        found: dict[Follow, Turn] = {}
        with self._engine.connect() as connection:
            # In this order: who has ended by now has no event behind this horizon.
            ids = {execution_id for execution_id, _ in of_executions}
            ended = streams.ended(connection, ids) if ids else {}
            below = streams.horizon(connection)
            if of_executions:
                found |= self._of_executions(connection, of_executions, ended, below)
            for place in _places_of_turn(of_sights):
                found |= self._of_sights(connection, place, of_sights[place], below)
        return [found.get(follow) for follow in follows]

    def _of_executions(
        self,
        connection: Connection,
        follows: OfExecutions,
        ended: Mapping[UUID, str | None],
        below: int,
    ) -> dict[Follow, Turn]:
        places = list(follows)
        wanted = [(execution_id, place.position) for execution_id, place in places]
        rows: dict[int, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
        for index, row in streams.behind(connection, wanted, below=below, most=MOST):
            rows[index].append(row)
        redactors = self._redactors.of(connection, {places[index][0] for index in rows})
        found: dict[Follow, Turn] = {}
        for index, (execution_id, place) in enumerate(places):
            turn = _turn(place, rows[index], redactors.get(execution_id))
            if execution_id in ended and not turn.has_more:
                turn = replace(turn, ended=Ended(ended[execution_id]))
            found |= {f: _only(turn, f.types) for f in follows[execution_id, place]}
        return found

    def _of_sights(
        self, connection: Connection, place: Place, sights: Mapping[Follow, Sight], below: int
    ) -> dict[Follow, Turn]:
        seen = streams.behind_for(
            connection, place.position, _owners(sights.values()), below=below, most=MOST_LOOKED_AT
        )
        redactors = self._redactors.of(connection, {row.execution_id for row in seen.events})
        news = [(row, _news(row, 0, redactors[row.execution_id])) for row in seen.events]
        has_more = seen.reached.transaction_id != below
        found = {}
        for follow, sight in sights.items():
            seen_by = [n for row, n in news if sight.has(row.user_id, row.pipeline_id)]
            found[follow] = _only(Turn(seen_by, Place(seen.reached), has_more), follow.types)
        return found


def _places_of_turn(places: Collection[Place]) -> list[Place]:
    """The places that have their turn: the end, where most are, and any others.

    Those who are far behind are not always first, or a few of them would keep everybody waiting.
    """
    if len(places) <= MOST_PLACES:
        return [*places]
    end = max(places)
    return [end, *random.sample([one for one in places if one != end], MOST_PLACES - 1)]


def _sorted(follows: Iterable[Follow]) -> tuple[OfExecutions, OfSights]:
    of_executions: OfExecutions = defaultdict(list)
    of_sights: OfSights = defaultdict(dict)
    for follow in follows:
        if isinstance(follow.what, Sight):
            of_sights[follow.place][follow] = follow.what
        else:
            of_executions[follow.what, follow.place].append(follow)
    return of_executions, of_sights


def _turn(place: Place, rows: Rows, redactor: Redactor | None) -> Turn:
    """The next events of one execution; there is a redactor if there are any."""
    if redactor is None or not rows:
        return Turn((), place)
    news = [_news(row, place.number + n, redactor) for n, row in enumerate(rows, start=1)]
    reached = Place(news[-1].position, place.number + len(news))
    return Turn(news, reached, has_more=len(rows) == MOST)


def _news(row: Row[*tuple[Any, ...]], number: int, redactor: Redactor) -> News:
    record = EventRecord(
        id=row.id,
        execution_id=row.execution_id,
        step_execution_id=row.step_execution_id,
        event_type=row.event_type,
        sequence_number=number,
        details=redactor.redact(row.details or {}),
        progress_percentage=row.progress_percentage,
        eta_seconds=row.eta_seconds,
        created_at=row.created_at,
    )
    return News(record, Position(row.transaction_id, row.id))


def _owners(sights: Iterable[Sight]) -> set[str] | None:
    """Those whose executions anybody of these sees; null means everybody's."""
    owners: set[str] = set()
    for sight in sights:
        if sight.caller.sees_all:
            return None
        owners |= sight.caller.owners
    return owners


def _only(turn: Turn, types: frozenset[str] | None) -> Turn:
    if types is None:
        return turn
    return replace(turn, news=[n for n in turn.news if n.event.event_type in types])
