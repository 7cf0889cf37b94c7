"""The graph of a pipeline: which step waits for which.

Everything is a loop, never a recursion, so that a chain of thousands of steps is no problem, and
every answer comes in definition order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from heapq import heappop, heappush

from pipeline_engine.errors import PipelineEngineError


class CyclicDependency(PipelineEngineError):
    """Steps wait for each other in a circle."""

    code = "cyclic_dependency"


class Graph:
    """Steps and their dependencies, as pairs ``(step id, ids that it depends on)``.

    Dependencies on steps that do not exist are left out; the check of the document reports them.
    """

    def __init__(self, steps: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._number = {step_id: number for number, (step_id, _) in enumerate(steps)}
        self._ids = tuple(self._number)
        self._dependencies: dict[str, tuple[str, ...]] = dict.fromkeys(self._ids, ())
        dependents: dict[str, list[str]] = {step_id: [] for step_id in self._ids}
        for step_id, depends_on in steps:
            known = tuple(d for d in dict.fromkeys(depends_on) if d in self._number)
            self._dependencies[step_id] = known
            for dependency in known:
                dependents[dependency].append(step_id)
        self._dependents = {step_id: tuple(found) for step_id, found in dependents.items()}

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._number

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def roots(self) -> tuple[str, ...]:
        """Steps that wait for nothing."""
        return tuple(s for s in self._ids if not self._dependencies[s])

    @property
    def leaves(self) -> tuple[str, ...]:
        """Steps that nothing waits for."""
        return tuple(s for s in self._ids if not self._dependents[s])

    def dependencies(self, step_id: str) -> tuple[str, ...]:
        """The steps that *step_id* names in ``depends_on``."""
        return self._dependencies.get(step_id, ())

    def dependents(self, step_id: str) -> tuple[str, ...]:
        """The steps that name *step_id* in ``depends_on``."""
        return self._dependents.get(step_id, ())

    def ancestors(self, step_id: str) -> frozenset[str]:
        """Every step that has ended before *step_id* starts."""
        return _reached(step_id, self._dependencies)

    def leads_only_to(self, step_id: str) -> frozenset[str]:
        """What *step_id* depends on, and all before that which nothing else needs."""
        found = set(self.dependencies(step_id))
        for before in sorted(self.ancestors(step_id), key=self._rank.__getitem__, reverse=True):
            if found.issuperset(self.dependents(before)):
                found.add(before)
        return frozenset(found)

    def descendants(self, step_id: str) -> frozenset[str]:
        """Every step that starts only after *step_id* has ended."""
        return _reached(step_id, self._dependents)

    def is_ancestor(self, step_id: str, *, of: str) -> bool:
        """*step_id* has surely ended when *of* starts.

        Answered from sets of bits (2,000 steps take 500 kB), so that a check may ask it for
        every reference. Raises ``CyclicDependency``.
        """
        bits = self._ancestor_bits
        return step_id in bits and of in bits and bool(bits[of] >> self._number[step_id] & 1)

    def can_run_parallel(self, one: str, other: str) -> bool:
        """Neither of two different steps waits for the other."""
        if one == other or one not in self or other not in self:
            return False
        return not (self.is_ancestor(one, of=other) or self.is_ancestor(other, of=one))

    def ready(self, done: Collection[str]) -> tuple[str, ...]:
        """Steps that are not in *done* while all of their dependencies are."""
        ended = frozenset(done)
        return tuple(
            s for s in self._ids if s not in ended and ended.issuperset(self._dependencies[s])
        )

    def behind(
        self, held: Collection[str], *, among: Callable[[str], bool], most: int, widest: int
    ) -> dict[str, int]:
        """Steps *among* those behind *held*, with how many of their dependencies are held or found.

        In topological order, at most *most* of them, and none behind a place where more than
        *widest* could be next.
        """
        if any(len(self._dependents[step_id]) > widest for step_id in held):
            return {}
        counts: dict[str, int] = {}
        next_ones: list[tuple[int, str]] = []

        def reach(step_id: str) -> None:
            for dependent in self._dependents[step_id]:
                if len(next_ones) > widest:
                    return
                counts[dependent] = counts.get(dependent, 0) + 1
                if counts[dependent] == 1 and among(dependent):
                    heappush(next_ones, (self._rank[dependent], dependent))

        for step_id in held:
            reach(step_id)
        found: dict[str, int] = {}
        while next_ones and len(found) < most and len(next_ones) <= widest:
            _, step_id = heappop(next_ones)
            found[step_id] = counts[step_id]
            reach(step_id)
        return found

    def level(self, step_id: str) -> int:
        """The length of the longest path from a root: 0 for a root, -1 for an unknown step."""
        return self._levels.get(step_id, -1)

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The steps of each level, in definition order inside a layer."""
        found: list[list[str]] = [[] for _ in range(max(self._levels.values(), default=-1) + 1)]
        for step_id in self._ids:
            found[self._levels[step_id]].append(step_id)
        return tuple(tuple(layer) for layer in found)

    def topological_order(self) -> tuple[str, ...]:
        """Every step after its dependencies. Raises ``CyclicDependency``."""
        if len(self._sorted) < len(self._ids):
            path = " -> ".join(self.find_cycle() or ())
            raise CyclicDependency(f"Cyclic dependency detected: {path}")
        return self._sorted

    def find_cycle(self) -> tuple[str, ...] | None:
        """One circle in the direction of the data, its first step repeated at the end."""
        stuck = set(self._ids).difference(self._sorted)
        if not stuck:
            return None
        # What cannot be sorted waits for something that cannot be sorted either: walking
        # backwards from any such step must come back to a place where we have been.
        here = next(s for s in self._ids if s in stuck)
        seen: dict[str, int] = {}
        path: list[str] = []
        while here not in seen:
            seen[here] = len(path)
            path.append(here)
            here = next(d for d in self._dependencies[here] if d in stuck)
        circle = path[seen[here] :][::-1]
        first = circle.index(min(circle, key=self._number.__getitem__))
        return (*circle[first:], *circle[: first + 1])

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        """Kahn's order; steps in a circle, and those behind one, are missing."""
        waits_for = {s: len(found) for s, found in self._dependencies.items()}
        order = list(self.roots)
        for step_id in order:
            for dependent in self._dependents[step_id]:
                waits_for[dependent] -= 1
                if not waits_for[dependent]:
                    order.append(dependent)
        return tuple(order)

    @cached_property
    def _rank(self) -> dict[str, int]:
        return {step_id: rank for rank, step_id in enumerate(self._sorted)}

    @cached_property
    def _levels(self) -> dict[str, int]:
        levels: dict[str, int] = {}
        for step_id in self.topological_order():
            above = (levels[d] for d in self._dependencies[step_id])
            levels[step_id] = 1 + max(above, default=-1)
        return levels

    @cached_property
    def _ancestor_bits(self) -> dict[str, int]:
        bits: dict[str, int] = {}
        for step_id in self.topological_order():
            found = 0
            for dependency in self._dependencies[step_id]:
                found |= bits[dependency] | 1 << self._number[dependency]
            bits[step_id] = found
        return bits


def _reached(start: str, edges: dict[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        step_id = waiting.pop()
        if step_id not in found:
            found.add(step_id)
            waiting.extend(edges[step_id])
    return frozenset(found)
