"""The one gate: may a step that is ready be queued now?

Readiness (``readiness.py``) says that a step may start; this says whether a message for it may
leave. Whoever makes a step ready, or stores one that is, asks here.
"""

from __future__ import annotations

from enum import StrEnum


class Admission(StrEnum):
    """The answer, and what queues the step if it is no."""

    QUEUED = "queued"
    """Yes; its message leaves after the commit."""

    BY_THE_CLOCK = "by_the_clock"
    """Not before its time: the sweep queues it then, without another decision."""

    HELD_BY_EXECUTION = "held_by_execution"
    """``max_parallel_steps`` of its execution are on their way; the end of one lets it in."""

    HELD_BY_FAN_OUT = "held_by_fan_out"
    """``max_concurrency`` items of its fan-out are on their way; the end of one lets it in."""

    IN_LINE = "in_line"
    """As many as may be have a place of its key, or wait in front of it; the end of one lets it in.
    """

    @property
    def is_held(self) -> bool:
        """Whether a place has to become free first."""
        return self in {Admission.HELD_BY_EXECUTION, Admission.HELD_BY_FAN_OUT}


def answer(
    *,
    window: int | None = None,
    before: int | None = None,
    is_item: bool = False,
    delay_seconds: float | None = None,
    has_place: bool = True,
) -> Admission:
    """Whether a ready step is queued now.

    *window* is how many of its kind may be on their way at once; None for what needs no place:
    cheap steps, handlers, compensations, and all steps of a pipeline that cannot exceed its
    window. *before* is how many there are; None if that is not counted yet, which only happens
    under the lock of the window: until then the step is held.

    *has_place* is false for what needs a place of a key (``concurrency``) and has none. A worker
    asks for it when the step is about to begin, and of a whole execution whoever starts it.

    A retry needs no second answer: a step keeps its place until it has ended, and the clock
    queues it. Nor does a cheap step that runs together with the one in front of it: it is never
    queued.
    """
    if not has_place:
        return Admission.IN_LINE
    if window is not None and (before is None or before >= window):
        return Admission.HELD_BY_FAN_OUT if is_item else Admission.HELD_BY_EXECUTION
    return Admission.BY_THE_CLOCK if delay_seconds else Admission.QUEUED
