"""Workers without one of the things that make the engine fast, to see what each of them brings."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from pipeline_engine.scheduler.claim import finish
from pipeline_engine.scheduler.claim.batch import Batch
from pipeline_engine.scheduler.combining import Combiner

WITHOUT_VARIABLE = "BENCHMARK_WITHOUT"  #: how a worker is told what it does without


def go_without() -> None:
    """Take away what this process was told to do without."""
    for name in filter(None, os.environ.get(WITHOUT_VARIABLE, "").split(",")):
        owner, attribute, instead = TAKEN_AWAY[name]
        setattr(owner, attribute, instead)


def _nothing(*_: object, **__: object) -> None:
    """Do nothing in its place."""


def _answered_alone(
    _: Combiner, asked: Any, answer: Callable[[Sequence[Any]], Sequence[Any]]
) -> Any:
    return answer([asked])[0]


#: Where it is, and what stands there instead.
TAKEN_AWAY: dict[str, tuple[object, str, Callable[..., Any]]] = {
    # Each step waits until its row says that it is ready.
    "running-ahead": (Batch, "_lock_behind", _nothing),
    # Each thread has transactions of its own.
    "combining": (Combiner, "ask", _answered_alone),
    # A blocking step is claimed in a transaction of its own.
    "claiming-next": (finish, "claim_next", _nothing),
}
