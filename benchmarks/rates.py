"""Rows that compare rates: steps per second of the engine ÷ tasks per second of raw Celery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.bench import Bench
from benchmarks.engine import EngineTiming
from benchmarks.judging import Figure, Outcome, Rounds, Target, ratio_of
from benchmarks.shapes import Shape

MILLI = 1000.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured for one shape, round by round."""

    shape: Shape
    raw: list[float] = field(default_factory=list)  #: seconds
    raw_cpu: list[float] = field(default_factory=list)  #: seconds of workers and servers
    engine: list[EngineTiming] = field(default_factory=list)

    @property
    def raw_rate(self) -> float:
        """Raw tasks per second, in the median."""
        return self.shape.baseline.tasks / median(self.raw)

    @property
    def rate(self) -> float:
        """Steps per second once the executions were accepted, in the median."""
        return self.shape.results / median(timing.running for timing in self.engine)

    @property
    def ratio(self) -> float:
        """Steps per second ÷ raw tasks per second, from acceptance to the end."""
        return self._ratio(lambda timing: timing.running)

    @property
    def whole_ratio(self) -> float:
        """The same from the request on: checking, storing and starting count too."""
        return self._ratio(lambda timing: timing.whole)

    def _ratio(self, seconds: Callable[[EngineTiming], float]) -> float:
        size = self.shape.results / self.shape.baseline.tasks
        pairs = zip(self.raw, self.engine, strict=True)
        return median(size * raw / seconds(timing) for raw, timing in pairs)


@dataclass(frozen=True, slots=True)
class Rate:
    """One shape against its raw form; the two follow each other closely in each round."""

    make: Callable[[Bench], Shape]
    name: str
    target: Target

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both sides in turns."""
        shape = self.make(bench)
        crowded = shape.executions > 1
        return self.judged(compare(shape, bench, rounds.cold() if crowded else rounds))

    def judged(self, found: Comparison) -> Outcome:
        """Return what the rounds add up to."""
        return Outcome(
            row=self.name,
            work=_work(found.shape),
            against=str(found.shape.baseline),
            figures=(
                Figure(
                    name="rate",
                    value=found.ratio,
                    target=self.target,
                    ours=found.rate,
                    theirs=found.raw_rate,
                    measured_in="/s",
                ),
                Figure(name="rate, start included", value=found.whole_ratio),
                _cpu(found),
            ),
            rounds={
                "raw_seconds": found.raw,
                "raw_cpu_seconds": found.raw_cpu,
                "accepting_seconds": [timing.accepting for timing in found.engine],
                "running_seconds": [timing.running for timing in found.engine],
                "running_cpu_seconds": [timing.cpu for timing in found.engine],
            },
        )


def compare(shape: Shape, bench: Bench, rounds: Rounds) -> Comparison:
    """Measure *shape* and its raw form, round by round."""

    def both() -> tuple[float, float, EngineTiming]:
        used = bench.cpu()
        raw = bench.raw.seconds(shape.baseline)
        used = bench.cpu() - used
        return raw, used, bench.engine.run(shape)

    found = rounds.of(both)
    return Comparison(shape, [f[0] for f in found], [f[1] for f in found], [f[2] for f in found])


def _cpu(found: Comparison) -> Figure:
    ours = [MILLI * timing.cpu / found.shape.results for timing in found.engine]
    theirs = [MILLI * used / found.shape.baseline.tasks for used in found.raw_cpu]
    return Figure(
        name="CPU of workers and servers",
        value=ratio_of(ours, theirs),
        ours=median(ours),
        theirs=median(theirs),
        measured_in=" ms",
    )


def _work(shape: Shape) -> str:
    if shape.executions == 1:
        return f"{shape.results:,} steps"
    return f"{shape.executions:,} executions, {shape.results:,} steps"
