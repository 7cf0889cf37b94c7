"""Both sides in turns, several times; the median of the ratios is what counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.engine import Engine, EngineTiming
from benchmarks.raw import RawCelery
from benchmarks.shapes import Shape


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured for one shape, round by round."""

    shape: Shape
    raw: list[float] = field(default_factory=list)  #: seconds
    engine: list[EngineTiming] = field(default_factory=list)

    @property
    def raw_rate(self) -> float:
        """Raw tasks per second, in the median."""
        return self.shape.baseline.tasks / median(self.raw)

    @property
    def rate(self) -> float:
        """Steps per second once the execution was accepted, in the median."""
        return self.shape.results / median(timing.running for timing in self.engine)

    @property
    def ratio(self) -> float:
        """Steps per second ÷ raw tasks per second, from acceptance to the end."""
        return self._ratio(lambda timing: timing.running)

    @property
    def whole_ratio(self) -> float:
        """The same from the request on: checking and storing the definition count too."""
        return self._ratio(lambda timing: timing.whole)

    @property
    def reached(self) -> bool:
        """Whether the ratio is what we want."""
        return self.ratio >= self.shape.target

    def _ratio(self, seconds: Callable[[EngineTiming], float]) -> float:
        size = self.shape.results / self.shape.baseline.tasks
        pairs = zip(self.raw, self.engine, strict=True)
        return median(size * raw / seconds(timing) for raw, timing in pairs)


def compare(
    shapes: Sequence[Shape], raw: RawCelery, engine: Engine, *, repeat: int, warm_up: int = 1
) -> list[Comparison]:
    """Measure *shapes* *repeat* times, after *warm_up* rounds that do not count.

    The two sides follow each other closely, because what else runs on a machine changes.
    """
    comparisons = [Comparison(shape) for shape in shapes]
    for number in range(warm_up + repeat):
        for comparison in comparisons:
            raw_seconds = raw.seconds(comparison.shape.baseline)
            timing = engine.run(comparison.shape)
            if number >= warm_up:
                comparison.raw.append(raw_seconds)
                comparison.engine.append(timing)
    return comparisons
