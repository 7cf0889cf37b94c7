"""Attempts that are made again, and beside each other."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.trial import Attempt, Trial


@clause()
def a_repeated_attempt_changes_nothing(trial: Trial) -> Iterator[str]:
    """Executed twice by the same idempotency key, it asks peers by the same keys for the same."""
    if not trial.action.meta.idempotent:
        return
    key, execution = str(uuid4()), str(uuid4())
    before = len(trial.stand_ins.arrivals)
    first = trial.execute(key=key, execution_id=execution)
    second = trial.execute(key=key, execution_id=execution, attempt=2)
    yield from _keys_that_differ(first, second)
    for arrival in trial.stand_ins.arrivals[before:]:
        if arrival.key is None:
            yield f"{arrival.peer} got {arrival.call} without an Idempotency-Key."
            break
    shown, again = _shown(trial, first), _shown(trial, second)
    for name in sorted(shown.keys() | again.keys()):
        if shown.get(name) != again.get(name):
            yield f"{name} differs: {shown.get(name)!r:.100}, then {again.get(name)!r:.100}."


def _keys_that_differ(first: Attempt, second: Attempt) -> Iterator[str]:
    for write in first.writes:
        if write.key is None:
            yield f"{write.call} carries no idempotency key."
    known = {write.key: write for write in first.writes}
    for write in second.writes:  # there may be fewer: it has looked for what the first has done
        if write.key not in known:
            yield f"The second attempt sends {write.call} by another key: it would be done twice."
        elif write != known[write.key]:
            yield f"The second attempt sends something else as {write.call}, by the same key."


@clause()
def another_step_is_another_job(trial: Trial) -> Iterator[str]:
    """Executed for another step, it sends other idempotency keys."""
    first, second = trial.execute(), trial.execute()
    keys = {write.key for write in first.writes if write.key}
    if keys & {write.key for write in second.writes}:
        yield "Two steps send the same idempotency key: the second would get the job of the first."


@clause()
def it_keeps_nothing_on_itself(trial: Trial) -> Iterator[str]:
    """One executor serves many steps in many threads: nothing is stored on it or its class."""
    executor = trial.executor
    before = _state(executor)
    trial.execute(executor=executor)
    if _state(executor) != before:
        changed = [name for name, value in _state(executor).items() if before.get(name) != value]
        yield f"execute stores {', '.join(changed) or 'something'} on self or its class."


@clause()
def what_it_is_given_stays_as_it_is(trial: Trial) -> Iterator[str]:
    """Its params, those of the execution and outputs of other steps are read, never changed."""
    context = trial.execute().context
    for name, now, before in (
        ("context.params", context.params, trial.params),
        ("context.workflow_params", context.workflow_params, trial.case.workflow_params),
        ("context.step_outputs", context.step_outputs, trial.case.step_outputs),
    ):
        if now != before:
            yield f"execute changes {name}: copy it first, since others read it, too."


@clause()
def two_steps_do_not_mix(trial: Trial) -> Iterator[str]:
    """Two steps at the same time, on one executor, end as each does alone."""
    if not trial.action.meta.idempotent:
        return
    names = [(str(uuid4()), str(uuid4())) for _ in range(2)]
    alone = [_run(trial, name, trial.executor, None) for name in names]
    executor, start = trial.executor, threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        together = [*pool.map(lambda name: _run(trial, name, executor, start), names)]
    if [_shown(trial, one) for one in alone] != [_shown(trial, one) for one in together]:
        yield "Together they leave something else than each alone."


def _run(
    trial: Trial, name: tuple[str, str], executor: Any, start: threading.Barrier | None
) -> Attempt:
    if start is not None:
        start.wait(timeout=10)
    key, execution = name
    return trial.execute(key=key, execution_id=execution, executor=executor)


def _shown(trial: Trial, attempt: Attempt) -> dict[str, Any]:
    """What an attempt came to, without what differs by right."""
    result = attempt.result
    kept = {n: v for n, v in result.outputs.items() if n not in trial.case.varying}
    return {
        "success": result.success,
        "waits": result.awaiting_event,
        **{f"the output {name}": value for name, value in kept.items()},
        "error_code": result.error_code,
        "awaited": result.awaited,
    }


def _state(executor: Any) -> dict[str, Any]:
    own = {f"self.{name}": _kept(value) for name, value in vars(executor).items()}
    shared = {
        f"{type(executor).__name__}.{name}": _kept(value)
        for name, value in vars(type(executor)).items()
        if not name.startswith("__") and not name.startswith("_abc")
    }
    return own | shared


def _kept(value: Any) -> Any:
    try:
        return copy.deepcopy(value) if isinstance(value, dict | list | set) else value
    except Exception:  # noqa: BLE001 - foreign code: some values cannot be copied
        return value
