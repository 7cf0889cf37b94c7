"""The row about memory: what a stack of `pipeline-engine up` holds while it is idle."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench
from benchmarks.judging import Figure, Outcome, Rounds, at_most
from benchmarks.processes import share_of_memory
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.embedded.told import SERVERS

#: Seconds until a stack that answers has done all that it does only once.
SETTLE_SECONDS = 5.0
#: The programs of a stack that are not ours.
SERVERS_OF_STACK = ("postgres", "valkey")
#: Seconds between two looks.
BETWEEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Proportional set size (PSS) of each program of a stack, children included, and of all.

    A page that processes share counts for each of them in part, so that sums are true. The
    servers are named, but not judged: they are PostgreSQL's and Valkey's.
    """

    most: float  #: MiB of all programs but the servers
    name: str = "memory"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Start a stack with the default settings, and look at it."""
        environment = {name: said for name, said in os.environ.items() if name not in SERVERS}
        with Stack.start(bench.directory / "stack", environment=environment) as stack:
            time.sleep(SETTLE_SECONDS)
            return self.of(stack, rounds.cold())

    def of(self, stack: Stack, rounds: Rounds) -> Outcome:
        """Look at a running stack in every round."""
        looks = rounds.of(lambda: _look(stack))
        in_all = [sum(mib for name, mib in look.items() if _is_ours(name)) for look in looks]
        judged = Figure(name="in all", value=median(in_all), unit="MiB", target=at_most(self.most))
        programs = sorted(looks[0], key=_is_ours, reverse=True)
        return Outcome(
            row=self.name,
            work="an idle stack of `pipeline-engine up`",
            against="",
            figures=(
                judged,
                *(
                    Figure(name=name, value=median(look[name] for look in looks), unit="MiB")
                    for name in programs
                ),
            ),
            rounds={"in all": in_all},
        )


def _is_ours(program: str) -> bool:
    return program not in SERVERS_OF_STACK


def _look(stack: Stack) -> dict[str, float]:
    """The MiB of each program."""
    time.sleep(BETWEEN_SECONDS)
    state = stack.state
    programs = {one.name: share_of_memory(one.pid) for one in state.processes if one.pid}
    # The supervisor has a fork server beside the programs.
    return {"supervisor": share_of_memory(state.pid) - sum(programs.values()), **programs}
