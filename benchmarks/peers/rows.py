"""The rows of the comparison: what is read from a timing, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.judging import percentile
from benchmarks.peers.asking import Timing
from benchmarks.rates import MILLI


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of each contestant; less is better."""

    name: str
    workload: str
    unit: str
    of: Callable[[Timing], float]

    def text(self, value: float) -> str:
        """Return *value* with three figures that count, in the row's unit."""
        return f"{value:,.0f}" if value >= 99.5 else f"{value:#.3g}"


def _answered(timing: Timing) -> float:
    return timing.answered


def _signalled(percent: int, timing: Timing) -> float:
    return MILLI * percentile(timing.signalled, percent)


SHORT, LONG, CROWD, MAP_100, MAP_400, MAP_1000 = (
    Row(name, name, "s", _answered)
    for name in ("short", "long", "crowd", "map-100", "map-400", "map-1000")
)
SIGNALS = tuple(
    Row(f"signal p{percent}", "signal", "ms", partial(_signalled, percent)) for percent in (50, 95)
)
ROWS = (SHORT, LONG, CROWD, MAP_100, MAP_400, MAP_1000, *SIGNALS)
EXCEPT_LONG = tuple(row for row in ROWS if row is not LONG)
#: What is printed in one table, so that each is narrow enough for a terminal.
TABLES = {
    "Steps one after the other: seconds": (SHORT, LONG, CROWD),
    "Items and their join: seconds": (MAP_100, MAP_400, MAP_1000),
    "From signal to next step: ms": SIGNALS,
}
