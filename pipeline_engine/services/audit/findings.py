"""What an audit can find; the codes are stable, the sentences are for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline_engine.domain.paths import path_of


class Disagreement(StrEnum):
    """Every way in which the rules, the history and the rows of an execution can disagree."""

    # The history with the rules
    UNKNOWN_STEP = "unknown_step"  #: an event tells of a step that the definition does not have
    BEGAN_TOO_EARLY = "began_too_early"  #: its trigger rule did not let it run
    BEGAN_AFTER_STOP = "began_after_stop"  #: the execution was being ended early
    WRONG_SKIP = "wrong_skip"  #: skipped for a reason that did not hold
    WRONG_STOP = "wrong_stop"  #: stopped, although nothing ended the execution early for it
    NO_PLACE = "no_place"  #: it ran, and had no place of the key that it needs one of
    NOT_STOPPED = "not_stopped"  #: it went on after a failure that had to stop it
    WRONG_ATTEMPT = "wrong_attempt"  #: an attempt did something that a later one had overtaken
    WRONG_RETRY = "wrong_retry"  #: it was tried again, and must not have been
    WRONG_CATCH = "wrong_catch"  #: its failure was caught, and must not have been, or otherwise
    AFTER_THE_END = "after_the_end"  #: something happened when the step, or all, had ended
    WRONG_ITEMS = "wrong_items"  #: a fan-out and its items do not go together
    WRONG_STEPS = "wrong_steps"  #: a block and the steps in it do not go together
    WRONG_FINAL_STEPS = "wrong_final_steps"  #: handlers or compensations do not fit the end
    ENDED_TOO_EARLY = "ended_too_early"  #: the execution ended before one of its steps
    WRONG_END = "wrong_end"  #: the execution ended as what happened cannot have made it end

    # The rows with the history, and with each other
    NO_ROW = "no_row"  #: a step, or what an event tells of, has no row
    END_NOT_TOLD = "end_not_told"  #: the row has ended, and no event tells of that
    ROW_DIFFERS = "row_differs"  #: a column says something else than the history
    NEVER_RAN = "never_ran"  #: the row has a result, and no event tells that anything ran
    STILL_HOLDS = "still_holds"  #: the row has ended and holds a lease, a place or a message
    TOO_MANY_AT_ONCE = "too_many_at_once"  #: more have a place of a key than the limit lets in
    WRONG_COUNTER = "wrong_counter"  #: a counter is not what the rows that it counts add up to


#: What is done about any of them.
FIND_THE_CAUSE = (
    "Ask who wrote to the database beside the engine, or restored a part of it; if nobody did,"
    " report this with the output of --json: it is a fault of the engine."
)
_CANCEL = "If the execution does not move any more, cancel it and run it again."
#: What is done before that.
_FIRST = {
    Disagreement.NO_ROW: _CANCEL,
    Disagreement.WRONG_COUNTER: _CANCEL,
    Disagreement.NEVER_RAN: "Do not build on this result.",
    Disagreement.ROW_DIFFERS: "Believe the history: the engine only adds to it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One disagreement: where it is, what should be there and what is."""

    code: Disagreement
    expected: str
    found: str
    step_id: str | None = None  #: None: it is about the whole execution
    item_index: int | None = None
    within: str | None = None  #: the blocks that it is in

    @property
    def place(self) -> str:
        """What it is about, as the other commands write it."""
        if self.step_id is None:
            return "execution"
        return path_of(self.step_id, self.item_index, self.within)

    @property
    def first(self) -> str | None:
        """What an operator does first, if this kind of finding asks for something."""
        return _FIRST.get(self.code)

    @property
    def what_to_do(self) -> str:
        """All that an operator does about it."""
        return f"{self.first} {FIND_THE_CAUSE}" if self.first else FIND_THE_CAUSE

    def __str__(self) -> str:
        return f"{self.place}: {self.found}; expected: {self.expected} [{self.code}]"
