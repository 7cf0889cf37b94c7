"""What followers are told, as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from pipeline_engine.services import Runtime
from pipeline_engine.services.streams import Follow, News, Newsroom, Opening, Sight, Turn

from .. import sse
from ..holding import Told
from .schemas.events import EventSchema

NUMBERED = EventSchema()
#: An event is one of many of its execution, whose numbers a follower of everything does not see.
UNNUMBERED = EventSchema(exclude=("sequence_number",))


class Teller:
    """One for each process; a look may take a while, and there is one at a time."""

    def __init__(self, runtime: Runtime) -> None:
        self._newsroom = Newsroom(runtime)

    def look(self, follows: Sequence[Follow]) -> list[Told | None]:
        """What each is told next; null for those who are to ask again."""
        turns = self._newsroom.look(follows)
        written: dict[int, bytes] = {}  # what several are told is written once
        return [
            None if turn is None else _told(follow, turn, written)
            for follow, turn in zip(follows, turns, strict=True)
        ]


def begun(opening: Opening) -> bytes:
    """What a stream begins with: that events may be missing, and where the client is."""
    # A gap is no place to come back to, so it has no id.
    gap = opening.gap and sse.event("gap", orjson.dumps({"reason": opening.gap}).decode())
    place = sse.place(opening.follow.at) if opening.is_new_place else b""
    return (gap or b"") + place


def _told(follow: Follow, turn: Turn, written: dict[int, bytes]) -> Told:
    parts = []
    for news in turn.news:
        if id(news) not in written:
            written[id(news)] = _event(follow, news)
        parts.append(written[id(news)])
    if turn.ended is not None:
        parts.append(_end(follow, turn))
    return Told(
        body=b"".join(parts),
        follow=replace(follow, place=turn.place),
        has_more=turn.has_more,
        is_over=turn.ended is not None,
    )


def _event(follow: Follow, news: News) -> bytes:
    if isinstance(follow.what, Sight):
        schema, at = UNNUMBERED, str(news.position)
    else:
        schema, at = NUMBERED, str(news.event.sequence_number)
    return sse.event(news.event.event_type, orjson.dumps(schema.dump(news.event)).decode(), at=at)


def _end(follow: Follow, turn: Turn) -> bytes:
    """The last event of an execution's stream.

    Its id is that of the last event in the history, also when this was not of a type that the
    client wants: a browser comes back whatever it was told, and has to be told 204 then.
    """
    status = None if turn.ended is None else turn.ended.status
    data = orjson.dumps({"execution_id": follow.what, "status": status}).decode()
    return sse.event("end", data, at=str(turn.place.number) if turn.place.number else None)
