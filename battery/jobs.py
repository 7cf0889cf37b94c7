"""What is asked of the installation: pipelines of many shapes, and what has to become of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

Document = dict[str, Any]
#: What fails by accident is tried again, as the promise leaves it to the author of a pipeline.
AGAIN = {"max_attempts": 10, "backoff_seconds": 0.3, "backoff_multiplier": 1.2}
CHILD = "battery-child"


#: The type of the events that a trigger takes, and the pipeline that it starts.
HEARD = "heard"


def odd(word: str) -> str:
    """A secret with all that JSON, URLs, HTML and Python write in another way."""
    return f"{word}/\"<&' \\ \u00e9\n{word}"


#: The secret parameter of every pipeline.
CANARY = odd("canary-of-a-param")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that parks until events 1 … *wanted* have come for its external id."""

    step_id: str
    external_id: str
    wanted: int


@dataclass(frozen=True, slots=True)
class Job:
    """A pipeline that is to be executed, and what waits in it for the outside."""

    shape: str
    document: Document
    waiting: tuple[Waiting, ...] = ()
    asks: tuple[str, ...] = ()  #: steps that wait for a call to their own URL
    skipped: frozenset[str] = field(default_factory=frozenset)  #: steps that must not run
    cancels: int = 0  #: how often its client gives it up; it cannot end before that


def a_job(chooser: Random) -> Job:
    """Return a job of any shape."""
    return SHAPES[chooser.choice(list(SHAPES))](chooser)


def chain(chooser: Random) -> Job:
    """Steps that each need the one before, cheap and blocking ones mixed."""
    steps, before = [], ""
    for index in range(chooser.randint(5, 15)):
        action = chooser.choice(("battery_mark", "battery_mark", "battery_work"))
        steps.append(_step(f"s{index}", action, *filter(None, [before]), seconds=_short(chooser)))
        before = f"s{index}"
    return _job("chain", *steps)


def wide(chooser: Random) -> Job:
    """One step, many that need it, and one that needs those."""
    names = [f"w{index}" for index in range(chooser.randint(5, 30))]
    middle = [
        _step(name, chooser.choice(("battery_mark", "battery_work")), "first") for name in names
    ]
    return _job("wide", _step("first"), *middle, _step("last", "battery_mark", *names))


def fan_out(chooser: Random, *, items: int | None = None, seconds: float | None = None) -> Job:
    """A step for each of some items, and one that uses what they were joined to."""
    pause = _short(chooser) if seconds is None else seconds
    each = _step("each", "battery_work", seconds=pause)
    each["for_each"] = {"items": list(range(items or chooser.randint(2, 20)))}
    return _job("fan-out", each, _step("last", "battery_mark", "each"))


def branches(_: Random) -> Job:
    """A decision, the branch that is taken, the one that is not, and a condition that is false."""
    decide = _step("decide", "conditional") | {
        "params": {
            "branches": [
                {"id": "no", "condition": "false", "target_step": "not-taken"},
                {"id": "yes", "condition": "true", "target_step": "taken"},
            ]
        }
    }
    odd = _step("odd", "battery_mark", "decide") | {"condition": "1 > 2"}
    return Job(
        "branches",
        _document(
            "branches",
            decide,
            _step("taken", "battery_work", "decide"),
            _step("not-taken", "battery_work", "decide"),
            odd,
            _step("last", "battery_mark", "taken", "odd"),
        ),
        skipped=frozenset({"not-taken", "odd"}),
    )


def retries(chooser: Random) -> Job:
    """Steps that fail at first, with a secret in the words of their error."""
    failures, raises = chooser.randint(1, 3), chooser.random() < 0.5
    secret = {"failures": failures, "raises": raises}
    own = "{{ params.token }} {{ ('user:' ~ params.token) | b64encode }}"
    say = _step(
        "say", "log", message="given {{ params.token }}, and {{ secrets.battery | tojson }}"
    )
    each = _step("each", "battery_mark", note="{{ item }}")
    each["for_each"] = {"items": ["{{ params.token }}", "{{ secrets.battery }}"]}
    return _job(
        "retries",
        _step("flaky", "battery_work", **secret, note="{{ secrets.battery }}"),
        _step("cheap", "battery_mark", failures=1, note=own),
        say,
        each,
        _step("last", "battery_mark", "flaky", "cheap", "say", "each"),
    )


def once(chooser: Random) -> Job:
    """Work that must not be repeated: it may end as outcome_unknown, and the rest goes on."""
    names = [f"once{index}" for index in range(chooser.randint(1, 4))]
    steps = [_step(name, "battery_work_once", seconds=_short(chooser)) for name in names]
    for step in steps:
        del step["retry"]
        step["on_failure"] = "continue"
    return _job("once", *steps, _step("last", "battery_mark", *names))


def parked(chooser: Random) -> Job:
    """Steps that wait for events."""
    waiting = tuple(_waiting(chooser, f"wait{i}") for i in range(chooser.randint(1, 3)))
    steps = [_collect(one, "first") for one in waiting]
    last = _step("last", "battery_work", *(one.step_id for one in waiting))
    return Job("parked", _document("parked", _step("first"), *steps, last), waiting=waiting)


def asking(_: Random) -> Job:
    """A step that tells the outside its URL and waits for the call."""
    steps = _step("ask", "battery_ask"), _step("last", "battery_mark", "ask")
    return Job("asking", _document("asking", *steps), asks=("ask",))


def nested(_: Random) -> Job:
    """A step that is another pipeline."""
    given = {"url": "https://user:{{ params.token }}@host"}
    inner = _step("inner", "run_pipeline", pipeline=CHILD, params=given)
    return _job("nested", inner, _step("last", "battery_mark", "inner"))


def cancelled(chooser: Random) -> Job:
    """What never ends by itself: cancelled once its handler runs, cancelled twice it does not."""
    cancels = chooser.randint(1, 2)
    tx = _step("work", "battery_work", "first", seconds=_short(chooser))
    document = _document(
        "cancelled", _step("first"), tx, _collect(_waiting(chooser, "wait"), "first")
    )
    last = _step("last") if cancels == 1 else _collect(_waiting(chooser, "last"))
    document["settings"]["finally"] = [last]
    return Job("cancelled", document, skipped=frozenset({"wait"}), cancels=cancels)


def everything(chooser: Random) -> Job:
    """A little of all, so that one execution comes past every place."""
    waiting = _waiting(chooser, "wait", wanted=2)
    fan = _step("each", "battery_work", "cheap") | {"for_each": {"items": [1, 2, 3]}}
    only_once = _step("once", "battery_work_once", "cheap", seconds=0.1)
    del only_once["retry"]
    only_once["on_failure"] = "continue"
    before = ("flaky", "work", "each", "wait", "once")
    document = _document(
        "everything",
        _step("cheap"),
        _step("flaky", "battery_work", "cheap", failures=2),
        _step("work", "battery_work", "cheap", seconds=0.3),
        fan,
        only_once,
        _collect(waiting, "cheap"),
        _step("last", "battery_mark", *before),
    )
    return Job("everything", document, waiting=(waiting,))


def many_parked(chooser: Random, count: int, *, wanted: int = 1) -> Job:
    """A fan-out all of whose items wait for an event."""
    prefix = f"load-{chooser.getrandbits(64):016x}"
    key = f"{prefix}-{{{{ item }}}}"
    each = _step("each", "battery_collect", key=key, wanted=wanted, wait_seconds=3600)
    each["for_each"] = {"items": list(range(count))}
    waiting = tuple(Waiting("each", f"{prefix}-{item}", wanted) for item in range(count))
    return Job("many-parked", _document("many-parked", each), waiting=waiting)


def one_phase(key: str) -> Document:
    """A pipeline that waits for the phase ``wanted``, and for nothing else that comes."""
    wait = _step("wait", "wait_for_event", event_key=key, match={"phase": "wanted"})
    return _document("one-phase", wait)


def child() -> Document:
    """The pipeline that others run as one of their steps; it is stored under its name."""
    return _document(
        CHILD,
        _step("a", note="{{ params.url }}"),
        _step("b", "battery_work", "a"),
        _step("c", "battery_mark", "b"),
    ) | {"parameters": [{"name": "url", "required": False}]}


def tiny() -> Job:
    """An execution that leaves no effect, for those who only want it to grow old."""
    return _job("tiny", _step("only", "log", message="on"))


def slow(seconds: float) -> Job:
    """Work that takes a while, in a process that does nothing else meanwhile."""
    return _job("slow", _step("slow", "battery_work", seconds=seconds) | {"queue": "cpu"})


SHAPES: Mapping[str, Callable[[Random], Job]] = {
    "chain": chain,
    "wide": wide,
    "fan-out": fan_out,
    "branches": branches,
    "retries": retries,
    "once": once,
    "parked": parked,
    "asking": asking,
    "nested": nested,
    "cancelled": cancelled,
}


def heard() -> Document:
    """Return the pipeline that events start."""
    document = _document(f"battery-{HEARD}", _step("first"), _step("last", "battery_mark", "first"))
    event = {"name": "event", "type": "object", "required": True}
    return document | {"parameters": [*document["parameters"], event]}


def _step(
    step_id: str, action: str = "battery_mark", *depends_on: str, **params: Any
) -> dict[str, Any]:
    return {
        "id": step_id,
        "name": step_id,
        "action": action,
        "depends_on": list(depends_on),
        "params": params,
        "retry": dict(AGAIN),
    }


def _collect(waiting: Waiting, *depends_on: str) -> dict[str, Any]:
    return _step(
        waiting.step_id,
        "battery_collect",
        *depends_on,
        key=waiting.external_id,
        wanted=waiting.wanted,
    )


def _waiting(chooser: Random, step_id: str, *, wanted: int | None = None) -> Waiting:
    external_id = f"job-{chooser.getrandbits(64):016x}"
    return Waiting(step_id, external_id, wanted or chooser.randint(1, 3))


def _short(chooser: Random) -> float:
    return round(chooser.uniform(0, 0.3), 3)


def _job(shape: str, *steps: dict[str, Any]) -> Job:
    return Job(shape, _document(shape, *steps))


def _document(name: str, *steps: dict[str, Any]) -> Document:
    # Everything may run at once, so that the window is not what holds the battery up.
    return {
        "name": name,
        "parameters": [{"name": "token", "type": "secret", "default": CANARY}],
        "steps": list(steps),
        "settings": {"max_parallel_steps": 100},
    }
