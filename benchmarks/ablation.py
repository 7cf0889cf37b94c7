"""The row that takes one thing away at a time from what makes the engine fast."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks import shapes
from benchmarks.bench import Bench
from benchmarks.installations import one_worker
from benchmarks.judging import Figure, Outcome, Rounds, ratio_of
from benchmarks.shapes import Shape
from benchmarks.without import WITHOUT_VARIABLE

SLOTS = 16
WHOLE = "everything"


@dataclass(frozen=True, slots=True)
class Variant:
    """A worker that does without something, and the shapes that should feel it."""

    name: str
    told: Mapping[str, str]
    shapes: tuple[str, ...]


VARIANTS = (
    Variant("batches", {"PIPELINE_CHUNK_SIZE": "1"}, ("wide", "chain")),
    Variant("running ahead", {WITHOUT_VARIABLE: "running-ahead"}, ("layered", "chain")),
    Variant("combining", {WITHOUT_VARIABLE: "combining"}, ("blocking-map",)),
    Variant("claiming next", {WITHOUT_VARIABLE: "claiming-next"}, ("blocking-chain",)),
    Variant("shared messages", {"PIPELINE_WAVE_MESSAGES": "100000"}, ("blocking-map",)),
    Variant(
        "all of it (plain turns)",
        {"PIPELINE_PLAIN_TURNS": "1"},
        ("wide", "layered", "chain", "crowd", "blocking-chain", "blocking-map"),
    ),
)


@dataclass(frozen=True, slots=True)
class Ablation:
    """How much longer each shape takes a worker that does without one thing.

    All workers are up for the whole row, and take turns.
    """

    name: str = "ablation"
    variants: tuple[Variant, ...] = field(default=VARIANTS, repr=False)

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Run every shape on the whole engine, and on those that feel what they do without."""
        measured = _shapes(bench)
        with ExitStack() as stack:
            whole = stack.enter_context(one_worker(bench, "ablation", SLOTS))
            others = {
                variant.name: stack.enter_context(
                    one_worker(bench, f"ablation-{number}", SLOTS, variant.told)
                )
                for number, variant in enumerate(self.variants)
            }

            def all_of_them() -> dict[tuple[str, str], float]:
                found = {(WHOLE, name): whole.engine.run(s).running for name, s in measured.items()}
                for variant in self.variants:
                    for name in variant.shapes:
                        timing = others[variant.name].engine.run(measured[name])
                        found[variant.name, name] = timing.running
                return found

            found = rounds.of(all_of_them)
        seconds = {key: [one[key] for one in found] for key in found[0]}
        return Outcome(
            row=self.name,
            work=f"one worker with {SLOTS} threads, without one thing",
            against="the same with everything",
            figures=[
                _figure(variant.name, name, seconds)
                for variant in self.variants
                for name in variant.shapes
            ],
            rounds={f"{variant}: {name}": took for (variant, name), took in seconds.items()},
        )


def _figure(variant: str, shape: str, seconds: Mapping[tuple[str, str], list[float]]) -> Figure:
    without, whole = seconds[variant, shape], seconds[WHOLE, shape]
    return Figure(
        name=f"{shape} without {variant}",
        value=ratio_of(without, whole),
        ours=1000 * median(without),
        theirs=1000 * median(whole),
        measured_in=" ms",
    )


def _shapes(bench: Bench) -> dict[str, Shape]:
    ledger = bench.ledger.path
    return {
        "wide": shapes.wide(500),
        "layered": shapes.layered(10, 50, 1_500),
        "chain": shapes.chain(100),
        "crowd": shapes.many(100),
        "blocking-chain": shapes.blocking_chain(40, ledger),
        "blocking-map": shapes.blocking_map(400, ledger),
    }
