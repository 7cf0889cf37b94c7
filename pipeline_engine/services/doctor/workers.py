"""The workers: is there one for every queue, and is each set the way rows need it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis import RedisError

from pipeline_engine.dispatch.messages import QUEUES
from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.services import presence
from pipeline_engine.services.doctor.checks import Check, Installation, Result, failed, ok

ANSWER_WITHIN_SECONDS = 2.0
TRANSPORT = "broker_transport_options"


@dataclass(frozen=True, slots=True)
class Expected:
    """Celery settings that belong together, and what goes wrong with others."""

    name: str
    settings: Mapping[str, object]
    otherwise: str


EXPECTED = (
    Expected(
        "serializers",
        {
            "task_serializer": "json",
            "result_serializer": "json",
            "accept_content": ["json"],
            "result_accept_content": ["json"],
        },
        "A pickled message runs whatever its sender wants.",
    ),
    Expected(
        "prefetch",
        {"worker_prefetch_multiplier": 1},
        "A message that a dead worker had prefetched is lost until the sweep sends it again.",
    ),
    Expected(
        "acks",
        {"task_acks_late": False, f"{TRANSPORT}.ack_emulation": False},
        "Rows own redelivery; Redis would deliver again after its visibility timeout.",
    ),
    Expected("results", {"task_ignore_result": True}, "Results of tasks pile up in Redis."),
    Expected(
        "publishing",
        {"task_publish_retry": False, f"{TRANSPORT}.max_retries": 0},
        "A request would hang while Redis is away; the sweep sends again anyway.",
    ),
)


def run(installation: Installation) -> Iterator[Check]:
    """Ask every worker how it is set, and compare with what this version wants."""
    own = {"this process": _own_settings(installation)}
    workers: dict[str, dict[str, Any]] = {}
    try:
        workers = _ask(installation)
        yield Check.of("workers", _on_every_queue(installation, workers))
        yield Check.of("threads", _threads(installation))
        yield Check.of("actions", _actions(installation))
    except (RedisError, *SENDING_ERRORS) as error:
        yield Check.of("workers", failed(f"cannot be asked: {error}", "Start Redis."))
    for expected in EXPECTED:
        yield Check.of(f"celery_{expected.name}", compare(expected, own | workers))


def _own_settings(installation: Installation) -> dict[str, Any]:
    conf = installation.runtime.dispatch.app.conf
    names = {name.partition(".")[0] for expected in EXPECTED for name in expected.settings}
    return {name: conf[name] for name in names}


def _ask(installation: Installation) -> dict[str, dict[str, Any]]:
    inspect = installation.runtime.dispatch.app.control.inspect(timeout=ANSWER_WITHIN_SECONDS)
    return inspect.conf() or {}


def _on_every_queue(installation: Installation, answered: Mapping[str, object]) -> Result:
    runtime = installation.runtime
    found = presence.look(runtime.redis, runtime.settings.key_prefix).workers
    says = "; ".join(f"{queue}: {', '.join(found[queue]) or 'nobody'}" for queue in QUEUES)
    todo: list[str] = []
    lonely = [queue for queue in QUEUES if not found[queue]]
    if lonely:
        command = f"celery -A pipeline_engine.worker worker -Q {','.join(lonely)}"
        todo.append(f"Start a worker: {command}")
    silent = sorted({w for queue in QUEUES for w in found[queue]} - answered.keys())
    if silent:
        says = f"{says}; no answer from {', '.join(silent)}"
        todo.append(f"Restart {', '.join(silent)}: alive, but without an answer within 2 s.")
    return failed(says, " ".join(todo)) if todo else ok(says)


def _threads(installation: Installation) -> Result:
    runtime = installation.runtime
    found = presence.stuck_threads(runtime.redis, runtime.settings.key_prefix)
    if not found:
        return ok("all come back")
    says = ", ".join(f"{worker}: {n} of {slots}" for worker, (n, slots) in found.items())
    todo = (
        "Give what the actions call time-outs. A worker with half of its threads stuck ends by"
        " itself; see that something starts it again."
    )
    return failed(f"do not come back: {says}", todo)


def _actions(installation: Installation) -> Result:
    """Whether each worker has the actions that the others have, and this process."""
    runtime = installation.runtime
    prefix, here = runtime.settings.key_prefix, frozenset(runtime.registry.types())
    found = presence.look(runtime.redis, prefix).workers
    known = presence.actions_of(runtime.redis, prefix, {w for q in QUEUES for w in found[q]})
    everywhere = here.union(*known.values())
    lacking = [
        f"{worker} lacks {', '.join(sorted(everywhere - its))}"
        for worker, its in known.items()
        if everywhere - its
    ]
    if not lacking:
        return ok(f"{len(here)} here, the same in {len(known)} workers")
    todo = "Install the same packages everywhere, and restart: it cannot run those steps."
    return failed("; ".join(lacking), todo)


def compare(expected: Expected, found: Mapping[str, Mapping[str, Any]]) -> Result:
    """Whether all of *found*, settings by the name of their process, are as *expected*."""
    wrong = [
        f"{process}: {name} is {_value(settings, name)!r}"
        for process, settings in found.items()
        for name, wanted in expected.settings.items()
        if _value(settings, name) != wanted
    ]
    if wrong:
        todo = f"Remove what overrides it. {expected.otherwise}"
        return failed("; ".join(wrong), todo)
    says = ", ".join(f"{name} {value}" for name, value in expected.settings.items())
    return ok(f"{says} in {', '.join(found)}")


def _value(settings: Mapping[str, Any], name: str) -> Any:
    group, _, member = name.partition(".")
    found = settings.get(group)
    return found.get(member) if member and isinstance(found, Mapping) else found
