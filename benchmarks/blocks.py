"""The row that compares the steps of blocks with as many items of a plain fan-out."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import shapes
from benchmarks.bench import Bench
from benchmarks.judging import Figure, Outcome, Rounds, Target, ratio_of


@dataclass(frozen=True, slots=True)
class Blocks:
    """A fan-out over blocks of three cheap steps, against three times as many cheap items."""

    items: int
    target: Target
    name: str = "blocks"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both in turns, from the request to the end."""
        inside, plain = shapes.blocks(self.items), shapes.fan_out(3 * self.items)
        found = rounds.of(lambda: (bench.engine.run(inside), bench.engine.run(plain)))
        ours = [timing.whole for timing, _ in found]
        theirs = [timing.whole for _, timing in found]
        cpu = [timing.cpu for timing, _ in found], [timing.cpu for _, timing in found]
        return Outcome(
            row=self.name,
            work=f"for_each over {self.items:,} blocks of 3 cheap steps",
            against=f"for_each over {3 * self.items:,} cheap steps",
            figures=(
                Figure(name="time", value=ratio_of(ours, theirs), target=self.target),
                Figure(name="CPU of workers and servers", value=ratio_of(*cpu)),
            ),
            rounds={"seconds": ours, "plain_seconds": theirs, "cpu": cpu[0], "plain_cpu": cpu[1]},
        )
