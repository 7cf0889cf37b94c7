"""The pipelines that are measured for their rate, and what raw Celery does instead."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.raw import Baseline, Canvas

Document = dict[str, Any]
NOTHING = Baseline(Canvas.GROUP, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A pipeline, how many results it must leave, and what it is compared with."""

    name: str
    document: Document
    results: int  #: steps and items, in all executions
    baseline: Baseline
    executions: int = 1

    @property
    def edges(self) -> int:
        """How many dependencies the pipeline has."""
        return sum(len(step["depends_on"]) for step in self.document["steps"])


def wide(width: int) -> Shape:
    """One step, then *width* steps that only need it, then one that needs all of those."""
    names = [f"w{i}" for i in range(width)]
    steps = [_step("first"), *(_step(n, ["first"]) for n in names), _step("last", names)]
    return _shape("wide", steps, Baseline(Canvas.GROUP, width))


def wide_in_a_batch(width: int) -> Shape:
    """The same against the fastest way to publish that Celery has; few programs use it."""
    baseline = Baseline(Canvas.BATCH, width)
    return replace(wide(width), name="wide-batch", baseline=baseline)


def layered(layers: int, width: int, edges: int) -> Shape:
    """*layers* of *width* steps with *edges* between neighbours, spread evenly, always the same."""
    chooser = random.Random(1)
    levels = [[f"l{i}-{j}" for j in range(width)] for i in range(layers)]
    fan_in, more = divmod(edges, width * (layers - 1))
    steps = [_step(name) for name in levels[0]]
    for above, level in pairwise(levels):
        for name in level:
            steps.append(_step(name, chooser.sample(above, fan_in + (more > 0))))
            more -= 1
    return _shape("layered", steps, Baseline(Canvas.GROUP, layers * width))


def chain(length: int) -> Shape:
    """Steps that each need the one before."""
    steps = [_step("s0"), *(_step(f"s{i}", [f"s{i - 1}"]) for i in range(1, length))]
    return _shape("chain", steps, Baseline(Canvas.CHAIN, length))


def small() -> Shape:
    """20 steps: five layers of four, each step needs two of the layer above."""
    return layered(5, 4, 32)


def many(executions: int) -> Shape:
    """*executions* of one small pipeline, under way at the same time."""
    shape = small()
    results = executions * shape.results
    baseline = Baseline(Canvas.GROUP, results)
    return replace(shape, name="many", results=results, executions=executions, baseline=baseline)


def calls(count: int, url: str) -> Shape:
    """HTTP requests that do not wait for each other; each is a step with a message of its own."""
    names = [f"call-{i}" for i in range(count)]
    steps = [_step(n) | {"action": "http_request", "params": {"url": url}} for n in names]
    shape = _shape("http", steps, Baseline(Canvas.CALLS, count, url))
    # More than the slots of the worker, so that the window does not hold it back.
    return replace(shape, document=shape.document | {"settings": {"max_parallel_steps": 100}})


def fan_out(items: int, executions: int = 1) -> Shape:
    """One step that becomes *items* items, and one that needs what they were joined to."""
    steps = [_step("many"), _step("last", ["many"])]
    steps[0]["for_each"] = list(range(items))
    steps[0]["params"] = {"outputs": {"value": "{{ item }}"}}
    steps[1]["params"] = {"outputs": {"value": "{{ steps.many.outputs.completed }}"}}
    baseline = Baseline(Canvas.CHORD, items * executions)
    return _shape("fan-out", steps, baseline, results=items + 2, executions=executions)


def blocks(items: int) -> Shape:
    """A fan-out over *items* blocks of three steps that each need the one before."""
    inner = [_step("s0"), _step("s1", ["s0"]), _step("s2", ["s1"])]
    block = {
        "id": "block",
        "name": "block",
        "for_each": list(range(items)),
        "steps": inner,
        "outputs": {"value": "{{ steps.s2.outputs.value }}"},
        "depends_on": [],
    }
    baseline = Baseline(Canvas.GROUP, 3 * items)
    return _shape("blocks", [block], baseline, results=4 * items + 1)


def blocking_chain(length: int, ledger: Path) -> Shape:
    """Blocking steps that do nothing, each of which needs the one before."""
    steps = [_note("s0", 0, ledger)]
    steps += [_note(f"s{i}", i, ledger, [f"s{i - 1}"]) for i in range(1, length)]
    return _shape("blocking-chain", steps, Baseline(Canvas.CHAIN, length))


def blocking_map(items: int, ledger: Path) -> Shape:
    """Blocking items that do nothing, and what they are joined to."""
    step = _note("many", 0, ledger) | {"for_each": list(range(items))}
    step["params"] |= {"number": "{{ item }}"}
    baseline = Baseline(Canvas.CHORD, items)
    return _shape("blocking-map", [step], baseline, results=items + 1)


def many_steps(count: int) -> Document:
    """Cheap steps that do not wait for each other."""
    return _shape("many", [_step(f"s{i}") for i in range(count)], NOTHING).document


def five_steps() -> Document:
    """A cheap step, three behind it, and one behind those."""
    steps = [_step("first"), *(_step(name, ["first"]) for name in "abc"), _step("last", "abc")]
    return _shape("five", steps, NOTHING).document


def many_calls(count: int, url: str) -> Document:
    """HTTP requests that do not wait for each other, and for no place in a window."""
    return calls(count, url).document


def five_calls(url: str) -> Document:
    """Five HTTP requests, one after the other."""
    steps = [_step("s0"), *(_step(f"s{i}", [f"s{i - 1}"]) for i in range(1, 5))]
    asked = [step | {"action": "http_request", "params": {"url": url}} for step in steps]
    return _shape("five-calls", asked, NOTHING).document


def _note(name: str, number: int, ledger: Path, depends_on: Sequence[str] = ()) -> Document:
    params = {"ledger": str(ledger), "number": number}
    return _step(name, depends_on) | {"action": "benchmark_note", "params": params}


def _step(name: str, depends_on: Sequence[str] = ()) -> Document:
    return {
        "id": name,
        "name": name,
        "action": "set_output",
        "params": {"outputs": {"value": "{{ params.word }} from " + name}},
        "depends_on": list(depends_on),
    }


def _shape(
    name: str,
    steps: list[Document],
    baseline: Baseline,
    *,
    results: int | None = None,
    executions: int = 1,
) -> Shape:
    document = {
        "name": f"benchmark-{name}",
        "parameters": [{"name": "word", "type": "string", "default": "hello"}],
        "steps": steps,
    }
    return Shape(
        name=name,
        document=document,
        results=(results or len(steps)) * executions,
        baseline=baseline,
        executions=executions,
    )
