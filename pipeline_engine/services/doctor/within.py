"""The same look in a limited time, for those who wait for an answer: all parts at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pipeline_engine.services.doctor.checks import Check, Installation, failed

#: Workers are given two seconds to answer; whoever connects in vain waits no longer than this.
SECONDS = 2.5

Look = Callable[[Installation], list[Check]]


def look_within(
    installation: Installation, parts: Mapping[str, Look], *, seconds: float = SECONDS
) -> list[Check]:
    """What each part finds, in their order; one that takes longer is not well."""
    pool = ThreadPoolExecutor(max_workers=len(parts), thread_name_prefix="doctor")
    futures = {name: pool.submit(look, installation) for name, look in parts.items()}
    wait(futures.values(), timeout=seconds)
    # Nobody waits for the late ones: each ends by a time limit of its own.
    pool.shutdown(wait=False, cancel_futures=True)
    return [check for name, future in futures.items() for check in _found(name, future, seconds)]


def _found(name: str, future: Future[list[Check]], seconds: float) -> list[Check]:
    if future.done():
        return future.result()
    todo = "See what keeps it, with `pipeline-engine doctor` on this machine: that one waits."
    return [Check.of(name, failed(f"cannot be asked: no answer within {seconds:g} s", todo))]
