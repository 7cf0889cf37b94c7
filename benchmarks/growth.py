"""What a step costs in small executions and in a huge one; it must not depend on the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench
from benchmarks.engine import EngineTiming
from benchmarks.judging import Figure, Outcome, Rounds, Target, at_most, ratio_of
from benchmarks.rates import MILLI, cpu_per_step
from benchmarks.shapes import Shape, fan_out

FLAT = at_most(1.2)


@dataclass(frozen=True, slots=True)
class Growth:
    """The same number of steps in many small executions, in a few, and one of the largest size.

    The steps are items of a fan-out: a definition is not meant to list so many.
    """

    sizes: Sequence[int]
    together: int  #: steps in all executions of one size; more only if one execution has more
    name: str = "growth"
    target: Target = FLAT

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure all sizes in each round."""
        shapes = [fan_out(size, max(1, self.together // size)) for size in self.sizes]
        found = rounds.of(lambda: [bench.engine.run(shape) for shape in shapes])
        return self._judged(shapes, list(zip(*found, strict=True)))

    def _judged(
        self, shapes: Sequence[Shape], timings: Sequence[Sequence[EngineTiming]]
    ) -> Outcome:
        costs = [
            [MILLI * timing.running / shape.results for timing in found]
            for shape, found in zip(shapes, timings, strict=True)
        ]
        cpus = [
            cpu_per_step([timing.cpu for timing in found], shape.results)
            for shape, found in zip(shapes, timings, strict=True)
        ]
        figures: list[Figure] = []
        for size, cost, cpu in zip(self.sizes[1:], costs[1:], cpus[1:], strict=True):
            what = f"{size:,} ÷ {self.sizes[0]:,} steps"
            figures.append(_figure(what, ratio_of(cost, costs[0]), cost, costs[0], self.target))
            figures.append(_figure(f"{what}, CPU", cpu / (cpus[0] or 1), [cpu], [cpus[0]], None))
        return Outcome(
            row=self.name,
            work=f"up to {self.sizes[-1]:,} items in one execution",
            against=f"executions of {self.sizes[0]:,} items",
            figures=figures,
            rounds={f"ms_per_step_{s}": cost for s, cost in zip(self.sizes, costs, strict=True)}
            | {f"cpu_ms_per_step_{s}": [cpu] for s, cpu in zip(self.sizes, cpus, strict=True)},
        )


def _figure(
    name: str, value: float, ours: Sequence[float], theirs: Sequence[float], target: Target | None
) -> Figure:
    return Figure(
        name=name,
        value=value,
        target=target,
        ours=median(ours),
        theirs=median(theirs),
        measured_in=" ms",
    )
