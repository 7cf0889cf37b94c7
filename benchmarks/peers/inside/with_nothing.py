"""No engine at all: a loop in one process, which is what all of this costs without one."""

from __future__ import annotations

from benchmarks.peers.inside.work import Workload, answer_requests, do_join, do_step


def run(workload: Workload) -> int:
    """Compute everything here and now."""
    numbers = [do_step(number, workload.fibo) for number in range(workload.items)]
    return do_join(workload.items, numbers) if workload.joined else numbers[-1]


if __name__ == "__main__":
    answer_requests(run)
