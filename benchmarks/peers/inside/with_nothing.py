"""No engine at all: a loop in one process, which is what all of this costs without one."""

from __future__ import annotations

from benchmarks.peers.inside.work import Workload, answer_requests, do_join, do_step


def run(workload: Workload) -> int:
    """Compute everything here and now."""
    rows = [row(first, workload) for first in workload.firsts]
    if workload.joined:
        return do_join(workload.items, rows[0])
    return sum(numbers[-1] for numbers in rows)


def row(first: int, workload: Workload) -> list[int]:
    """Return what the steps of one workflow found."""
    return [do_step(number, workload.fibo) for number in range(first, first + workload.items)]


if __name__ == "__main__":
    answer_requests(run)
