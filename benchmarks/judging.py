"""What a row of the table says, and whether that is what we want."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure has to reach; for most latencies and costs less is better."""

    limit: float
    at_most: bool

    def is_reached_by(self, value: float) -> bool:
        """Tell whether *value* is as good as the limit, or better."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


def at_least(limit: float) -> Target:
    """More is better."""
    return Target(limit, at_most=False)


def at_most(limit: float) -> Target:
    """Less is better."""
    return Target(limit, at_most=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a row; without a target it only informs."""

    name: str
    value: float
    unit: str = "x"
    target: Target | None = None
    ours: float | None = None  #: what the engine took or did, if the value is a ratio
    theirs: float | None = None  #: what it is compared with
    measured_in: str = ""  #: the unit of both

    @property
    def is_reached(self) -> bool:
        """Whether there is nothing to be ashamed of."""
        return self.target is None or self.target.is_reached_by(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one row measured."""

    row: str
    work: str  #: what the engine did
    against: str  #: what that is compared with
    figures: Sequence[Figure]
    rounds: Mapping[str, Sequence[float]] = field(repr=False)  #: every single measurement

    @property
    def is_reached(self) -> bool:
        """Whether every figure that has a target reaches it."""
        return all(figure.is_reached for figure in self.figures)


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often a row measures; what comes first warms up and does not count."""

    count: int = 5
    warm_up: int = 1

    def cold(self) -> Rounds:
        """Return the same without warming up: for rows so long that their start says little."""
        return replace(self, warm_up=0)

    def of(self, measure: Callable[[], Result]) -> list[Result]:
        """Return what *measure* returned in the rounds that count."""
        for _ in range(self.warm_up):
            measure()
        return [measure() for _ in range(self.count)]


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the rounds' ratios, ours ÷ theirs."""
    return median(our / (their or our or 1) for our, their in zip(ours, theirs, strict=True))


def percentile(values: Sequence[float], percent: int) -> float:
    """Return what *percent* of *values* do not exceed."""
    return (
        values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]
    )
