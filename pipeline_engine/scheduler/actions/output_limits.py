"""How large outputs may be: each place has room for all that the place before lets through."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import MAX_DEPTH, MAX_NODES, JsonRejected
from pipeline_engine.domain.masking import Masker
from pipeline_engine.scheduler.actions.results import raised
from pipeline_engine.scheduler.runtime import Runtime

#: Values in what is put together: 10,000 items with a hundred each.
MOST_ASSEMBLED_NODES = 1_000_000
#: Levels of it: the deepest outputs of a step, and what joins and templates put around them.
ASSEMBLED_DEPTH = 2 * MAX_DEPTH
#: Bytes, values and levels that a step needs beside the outputs of the execution that it ran:
#: the id, the status, and the longest error, every character of it an escape.
FRAME_BYTES, FRAME_NODES, FRAME_DEPTH = 64 * 1024, 64, 4
#: Places of the outputs in which a step may keep an event, at most: last, listed, by its key.
PLACES = 3


class Room(Enum):
    """Whose outputs they are."""

    OWN = "own"  #: what one call of an action answers
    ASSEMBLED = "assembled"  #: those of a joined fan-out, and of an execution
    CARRIED = "carried"  #: those of an execution inside the outputs of the step that ran it

    def limits(self, settings: Settings) -> dict[str, int]:
        """The limits, as ``json_guard.check`` takes them."""
        if self is Room.OWN:
            return {
                "max_bytes": settings.max_output_bytes,
                "max_nodes": MAX_NODES,
                "max_depth": MAX_DEPTH,
            }
        carried = self is Room.CARRIED
        return {
            "max_bytes": settings.max_joined_bytes + carried * FRAME_BYTES,
            "max_nodes": MOST_ASSEMBLED_NODES + carried * FRAME_NODES,
            "max_depth": ASSEMBLED_DEPTH + carried * FRAME_DEPTH,
        }


def guarded_outputs(
    runtime: Runtime, outputs: Mapping[str, Any], masker: Masker, room: Room = Room.OWN
) -> dict[str, Any]:
    """Outputs that can be stored and read back, without what *masker* hides.

    Raises ``JsonRejected``.
    """
    try:
        limits = room.limits(runtime.settings)
        clean: dict[str, Any] = json_guard.check(dict(outputs), **limits)
    except JsonRejected:
        raise
    except Exception as error:  # foreign code: an action may answer an object of its own making
        raise JsonRejected("unsupported_type", f"Cannot be read: {raised(error)}") from error
    return masker.mask(clean)


def guarded_addition(
    runtime: Runtime,
    before: Mapping[str, Any],
    outputs: Mapping[str, Any],
    masker: Masker,
    room: Room = Room.OWN,
) -> dict[str, Any]:
    """The same for outputs to which an event has added: what was there before does not count.

    So an event that was accepted fits in, whatever came before it. Raises ``JsonRejected``.
    """
    try:
        return guarded_outputs(runtime, outputs, masker, room)
    except JsonRejected:
        if room is not Room.OWN or not before:
            raise
        clean = guarded_outputs(runtime, outputs, masker, Room.ASSEMBLED)
        added = len(json_guard.dumps(clean)) - len(json_guard.dumps(before))
        if added > PLACES * runtime.settings.max_output_bytes:
            raise
        return clean
