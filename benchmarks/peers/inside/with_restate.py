"""Restate: a server with its log on disk, and a service that it calls over HTTP/2."""

from __future__ import annotations

import sys
from typing import Any

import restate

from benchmarks.peers.inside import work
from benchmarks.peers.inside.http import Http

INGRESS, ADMIN, NODE, SERVICE = (work.port(which) for which in range(4))
ON = "127.0.0.1"
SERVER = {
    "RESTATE_BASE_DIR": str(work.home() / "data"),
    "RESTATE_NODE_NAME": "benchmark",
    "RESTATE_LISTEN_MODE": "tcp",
    "RESTATE_BIND_IP": ON,
    "RESTATE_BIND_PORT": str(NODE),
    "RESTATE_ADVERTISED_HOST": ON,
    "RESTATE_INGRESS__BIND_PORT": str(INGRESS),
    "RESTATE_ADMIN__BIND_PORT": str(ADMIN),
    "RESTATE_DISABLE_TELEMETRY": "true",
    "RESTATE_LOG_FILTER": "warn",
}
# As the documentation of Restate sets Hypercorn up, with one process.
HYPERCORN = f"""
bind = "{ON}:{SERVICE}"
workers = 1
h2_max_concurrent_streams = 2147483647
keep_alive_max_requests = 2147483647
keep_alive_timeout = 2147483647
"""

service = restate.Service("Fibo")
waiting = restate.Workflow("Waiting")


# Coroutines, because each step that is a plain function would be handed to a thread.
async def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


async def join(items: int, numbers: list[int]) -> int:
    """Add up."""
    return work.do_join(items, numbers)


@service.handler()
async def in_a_row(ctx: restate.Context, asked: list[int]) -> int:
    """Take one step after the other."""
    first, items, n = asked
    found = 0
    for number in range(first, first + items):
        found = await ctx.run_typed("step", step, number=number, n=n)
    return found


@service.handler()
async def mapped(ctx: restate.Context, asked: list[int]) -> int:
    """Run the items as concurrent steps, wait for one after the other, then join."""
    items, n = asked
    steps = [ctx.run_typed("item", step, number=number, n=n) for number in range(items)]
    numbers = [await one for one in steps]
    total: int = await ctx.run_typed("join", join, items=items, numbers=numbers)
    return total


@service.handler()
async def gathered(ctx: restate.Context, asked: list[int]) -> int:
    """Run the items as concurrent steps, wait for all at once, then join."""
    items, n = asked
    steps = [ctx.run_typed("item", step, number=number, n=n) for number in range(items)]
    await restate.gather(*steps)
    numbers = [await one for one in steps]
    total: int = await ctx.run_typed("join", join, items=items, numbers=numbers)
    return total


@waiting.main()
async def run_and_wait(ctx: restate.WorkflowContext, asked: list[int]) -> int:
    """Take a step, wait for the signal, take another."""
    first, n = asked
    await ctx.run_typed("before", step, number=first, n=n)
    await ctx.promise("signal").value()
    found: int = await ctx.run_typed("after", step, number=first + 1, n=n)
    return found


@waiting.handler()
async def signal(ctx: restate.WorkflowSharedContext) -> None:
    """Let it go on."""
    await ctx.promise("signal").resolve("go")


app = restate.app([service, waiting])


class Api:
    """The ingress, asked as a client asks that waits for the end."""

    def __init__(self) -> None:
        self._ingress = Http(INGRESS)
        self._round = 0

    def run(self, workload: work.Workload) -> Any:
        """Call the handler, and wait for what it returns."""
        self._round += 1
        if workload.shape is work.Shape.SIGNAL:
            return self._signals(workload)
        if workload.shape is work.Shape.CROWD:
            return self._crowd(workload)
        if workload.joined:
            handler = "gathered" if "--gathered" in sys.argv else "mapped"
            return self._ingress.ask(f"/Fibo/{handler}", [workload.items, workload.fibo])
        return self._ingress.ask("/Fibo/in_a_row", [0, workload.items, workload.fibo])

    def _crowd(self, workload: work.Workload) -> int:
        """Start all rows before the first is asked for its end."""
        bodies = [[first, workload.items, workload.fibo] for first in workload.firsts]
        sent = work.together(lambda body: self._ingress.ask("/Fibo/in_a_row/send", body), bodies)
        ends = [f"/restate/invocation/{one['invocationId']}/attach" for one in sent]
        return sum(work.together(lambda path: self._ingress.ask(path, method="GET"), ends))

    def _signals(self, workload: work.Workload) -> work.Signalled:
        for first in workload.firsts:
            path = f"/Waiting/{self._key(first)}/run_and_wait/send"
            self._ingress.ask(path, [first, workload.fibo])
        return work.signal_each(
            workload,
            send=lambda first: self._ingress.ask(f"/Waiting/{self._key(first)}/signal"),
            end=lambda first: self._ingress.ask(
                f"/restate/workflow/Waiting/{self._key(first)}/attach", method="GET"
            ),
        )

    def _key(self, first: int) -> str:
        return f"{self._round}-{first}"


def registers() -> bool:
    """Tell the server where the service is, as soon as both are up."""
    try:
        Http(ADMIN).ask("/deployments", {"uri": f"http://{ON}:{SERVICE}"})
    except (OSError, RuntimeError):
        return False
    return True


if __name__ == "__main__":
    config = work.home() / "hypercorn.toml"
    config.write_text(HYPERCORN)
    served = ("hypercorn", "--config", str(config), "benchmarks.peers.inside.with_restate:app")
    with work.running("restate-server", **SERVER) as server, work.running(*served):
        work.wait_until(registers, of=server, every=0.2)
        work.answer_requests(Api().run)
