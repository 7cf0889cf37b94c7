"""What a step costs in small executions and in a huge one; it must not depend on the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from benchmarks.bench import Bench
from benchmarks.engine import EngineTiming
from benchmarks.judging import Figure, Outcome, Rounds, Target, at_most, ratio_of
from benchmarks.rates import MILLI
from benchmarks.shapes import Shape, fan_out

FLAT = at_most(1.2)


@dataclass(frozen=True, slots=True)
class Growth:
    """The same number of steps in many small executions, in a few, and one of the largest size.

    Each size is compared with the one below it. The steps are items of a fan-out: a definition
    is not meant to list so many.
    """

    sizes: Sequence[int]
    together: int  #: steps in all executions of one size; more only if one execution has more
    name: str = "growth"
    target: Target = FLAT

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure all sizes in each round."""
        shapes = [fan_out(size, max(1, self.together // size)) for size in self.sizes]
        found = rounds.cold().of(lambda: [bench.engine.run(shape) for shape in shapes])
        return self._judged(shapes, list(zip(*found, strict=True)))

    def _judged(
        self, shapes: Sequence[Shape], timings: Sequence[Sequence[EngineTiming]]
    ) -> Outcome:
        costs = [
            [MILLI * timing.running / shape.results for timing in found]
            for shape, found in zip(shapes, timings, strict=True)
        ]
        cpus = [
            [MILLI * timing.cpu / shape.results for timing in found]
            for shape, found in zip(shapes, timings, strict=True)
        ]
        figures: list[Figure] = []
        for smaller, larger in pairwise(range(len(self.sizes))):
            what = f"{self.sizes[larger]:,} ÷ {self.sizes[smaller]:,} items"
            figures.append(_figure(what, costs[larger], costs[smaller], self.target))
            figures.append(_figure(f"{what}, CPU", cpus[larger], cpus[smaller]))
        return Outcome(
            row=self.name,
            work=f"up to {self.sizes[-1]:,} items in one execution",
            against="the next smaller size",
            figures=figures,
            rounds={f"ms_per_step_{s}": cost for s, cost in zip(self.sizes, costs, strict=True)}
            | {f"cpu_ms_per_step_{s}": cpu for s, cpu in zip(self.sizes, cpus, strict=True)},
        )


def _figure(
    name: str, ours: Sequence[float], theirs: Sequence[float], target: Target | None = None
) -> Figure:
    return Figure(
        name=name,
        value=ratio_of(ours, theirs),
        target=target,
        ours=median(ours),
        theirs=median(theirs),
        measured_in=" ms",
    )
