"""What this engine means to reach beside its peers, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.judging import Target, at_most
from benchmarks.peers.contestants import CHEAP, OURS, Contestant
from benchmarks.peers.measuring import Outcome
from benchmarks.peers.rows import EXCEPT_LONG, MAP_1000, ROWS, SHORT, SIGNALS, Row

NO_ENGINE = "no engine"
EVERYBODY = "everybody"
NAMES = {ROWS: "every row", EXCEPT_LONG: "all but long", SIGNALS: "signal"}


@dataclass(frozen=True, slots=True)
class Aim:
    """Our time ÷ a rival's, in each of some rows."""

    ours: str
    rival: str  #: an engine, whose fastest variant counts, or everybody
    rows: tuple[Row, ...]
    target: Target

    def __str__(self) -> str:
        steps = "cheap" if self.ours == CHEAP else "blocking"
        return f"{steps}, {NAMES.get(self.rows) or self.rows[0].name}: {self.rival}"


@dataclass(frozen=True, slots=True)
class Pair:
    """What one row took us, and a rival."""

    row: Row
    ours: float
    theirs: float
    rival: Contestant

    @property
    def ratio(self) -> float:
        """How many times as long as the rival we take."""
        return self.ours / self.theirs


@dataclass(frozen=True, slots=True)
class Verdict:
    """The pair that is the worst for us: an aim is reached if that is."""

    aim: Aim
    worst: Pair | None  #: none: one of the two was not measured

    @property
    def is_reached(self) -> bool:
        """Whether the worst pair reaches it."""
        return self.worst is not None and self.aim.target.is_reached_by(self.worst.ratio)


AIMS = (
    Aim(OURS, "restate", (SHORT,), at_most(1)),
    Aim(OURS, "restate", (MAP_1000,), at_most(1.2)),
    Aim(OURS, "restate", SIGNALS, at_most(1.2)),
    Aim(OURS, "dbos", ROWS, at_most(1)),
    Aim(OURS, "dramatiq", ROWS, at_most(1)),
    Aim(OURS, "celery", ROWS, at_most(1)),
    Aim(OURS, "temporal", EXCEPT_LONG, at_most(0.1)),
    Aim(CHEAP, EVERYBODY, EXCEPT_LONG, at_most(0.5)),
)


def judge(outcomes: Sequence[Outcome]) -> list[Verdict]:
    """Compare what was measured with every aim."""
    return [
        Verdict(aim, max(_pairs(aim, outcomes), key=lambda pair: pair.ratio, default=None))
        for aim in AIMS
    ]


def lost(outcomes: Sequence[Outcome], ours: str) -> dict[str, list[Pair]]:
    """Return where rivals are faster than *ours*, by their names."""
    found: dict[str, list[Pair]] = {}
    for pair in _pairs(Aim(ours, EVERYBODY, ROWS, at_most(1)), outcomes):
        if pair.ratio > 1:
            found.setdefault(pair.rival.name, []).append(pair)
    return found


def _pairs(aim: Aim, outcomes: Sequence[Outcome]) -> Iterator[Pair]:
    """Yield every pair of which both sides were measured."""
    mine = next((one for one in outcomes if one.contestant.name == aim.ours), None)
    for outcome in outcomes:
        rival = outcome.contestant
        if rival.engine in (OURS, NO_ENGINE) or aim.rival not in (EVERYBODY, rival.engine):
            continue
        for row in aim.rows:
            ours, theirs = mine.value(row) if mine else None, outcome.value(row)
            if ours is not None and theirs is not None:
                yield Pair(row, ours, theirs, rival)
