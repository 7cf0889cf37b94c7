"""Prefect: flows in this process, with their states in a local server on SQLite."""

from __future__ import annotations

import os
from urllib.error import URLError
from urllib.request import urlopen

# Read at import, and by the server that is started below.
os.environ |= {
    "PREFECT_HOME": os.environ["BENCHMARK_HOME"],
    "PREFECT_API_URL": f"http://127.0.0.1:{os.environ['BENCHMARK_PORTS'].split()[0]}/api",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

from prefect import flow, task

from benchmarks.peers.inside import work

SERVER = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(work.port()))


@task
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@task
def join(items: int, numbers: list[int]) -> int:
    """Add up."""
    return work.do_join(items, numbers)


@flow
def in_a_row(first: int, items: int, n: int) -> int:
    """Take one step after the other."""
    numbers: list[int] = [step(number, n) for number in range(first, first + items)]
    return numbers[-1]


@flow
def mapped(items: int, n: int) -> int:
    """Map over the items with the default task runner, then join."""
    found: int = join(items, step.map(range(items), n))
    return found


def run(workload: work.Workload) -> int:
    """Call the flow, or the flows of a crowd one after the other: this process has one slot."""
    if workload.joined:
        found: int = mapped(workload.items, workload.fibo)
        return found
    return sum(in_a_row(first, workload.items, workload.fibo) for first in workload.firsts)


def answers() -> bool:
    """Tell whether the server is up."""
    try:
        with urlopen(f"{os.environ['PREFECT_API_URL']}/health", timeout=2):  # noqa: S310 (ours)
            return True
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    with work.running(*SERVER) as server:
        work.wait_until(answers, of=server, every=0.2)
        work.answer_requests(run)
    # At its end Prefect would try for a minute to tell the stopped server about it.
    os._exit(0)
