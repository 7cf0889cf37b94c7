"""How much of everything a run of the battery does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_engine.failpoints import FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The whole battery, or a little of it."""

    name: str
    kinds: Sequence[FaultKind]  #: what happens at every named place
    rounds: int  #: of random faults; with none, each of them strikes once
    jobs_per_second: float  #: while faults strike
    parked: int
    callbacks: int
    callbacks_per_second: int
    items: int  #: of the fan-out
    schedule_seconds: float  #: of the block about schedules


FULL = Size(
    name="full",
    kinds=(FaultKind.KILL, FaultKind.RAISE, FaultKind.STOP),
    rounds=3,
    jobs_per_second=3.0,
    parked=10_000,
    callbacks=6_000,
    callbacks_per_second=300,
    items=500,
    schedule_seconds=300.0,
)
SMOKE = Size(
    name="smoke",
    kinds=(FaultKind.KILL,),
    rounds=0,
    jobs_per_second=3.0,
    parked=300,
    callbacks=200,
    callbacks_per_second=100,
    items=50,
    schedule_seconds=20.0,
)
