"""The steps of a document, right or wrong, and which of them stand beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from pipeline_engine.domain.definitions import JSON, TriggerRule
from pipeline_engine.domain.definitions.parse import TOLD, WHILE, one_or_more
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.readiness import EAGER

#: What the steps of a block know of the item that they run for.
OF_ITEMS = frozenset({"item", "item_index", "item_key"})

#: What a fan-out leaves, and a loop.
OF_FAN_OUT = frozenset({"results", "total", "completed", "failed"})
OF_LOOP = frozenset({"result", "iterations", "carry", "collected"})


@dataclass(frozen=True, slots=True)
class Node:
    """A step or handler that is at least an object."""

    pointer: str
    body: Mapping[str, JSON]
    is_handler: bool = False
    enclosing: tuple[Node, ...] = ()  #: the blocks that it is in, the outermost first

    @property
    def id(self) -> str:
        """Its id; empty if there is none."""
        return text_of(self.body.get("id"))

    @property
    def is_block(self) -> bool:
        """Whether it holds steps, be they right or wrong."""
        return self.body.get("steps") is not None and not self.is_handler

    @property
    def loop(self) -> Mapping[str, JSON]:
        """What repeats it as a block; empty if nothing does."""
        return mapping_of(self.body.get("while")) if self.is_block else {}

    @property
    def tells(self) -> frozenset[str]:
        """What its steps know of the item, or the round, that they run for."""
        if not self.is_block:
            return frozenset()
        of_items = OF_ITEMS if self.body.get("for_each") is not None else frozenset()
        of_rounds = {n for n in TOLD if self.loop and (n != "carry" or self.loop.get(n))}
        return of_items | of_rounds

    @property
    def action(self) -> str:
        """The type of its action, or of the one that repeats a block; empty if there is none."""
        if self.is_block:
            return WHILE if self.loop else ""
        return text_of(self.body.get("action"))

    @property
    def params(self) -> Mapping[str, JSON]:
        """The params of that action; empty if they are no object."""
        return self.loop if self.is_block else mapping_of(self.body.get("params"))

    @property
    def outputs(self) -> Mapping[str, JSON]:
        """What it leaves as a block; empty if it is none, or this is no object."""
        return mapping_of(self.body.get("outputs")) if self.is_block else {}

    @property
    def leaves(self) -> frozenset[str]:
        """The names of what a block leaves, also when its failure was caught."""
        names = frozenset(self.outputs)
        if self.body.get("for_each") is not None:
            names = OF_FAN_OUT
        elif self.loop:
            names = OF_LOOP
        caught = (mapping_of(entry.get("outputs")) for _, entry in self.catches)
        return names.union(*caught)

    @property
    def compensation(self) -> Mapping[str, JSON]:
        """What undoes it; empty if nothing does."""
        return mapping_of(self.body.get("compensate"))

    @property
    def catches(self) -> Iterator[tuple[str, Mapping[str, JSON]]]:
        """Pointer and content of each entry of ``catch`` that is an object."""
        given = self.body.get("catch")
        for index, entry in enumerate(given if isinstance(given, list) else ()):
            if isinstance(entry, Mapping) and not self.is_handler:
                yield f"{self.pointer}/catch/{index}", entry

    @property
    def caught_by(self) -> Iterator[tuple[str, str]]:
        """Pointer and id of every step that its caught failures lead to."""
        for pointer, entry in self.catches:
            yield from _ids(entry.get("next"), f"{pointer}/next")

    @property
    def dependencies(self) -> Iterator[tuple[str, str]]:
        """Pointer and id of everything that it names in ``depends_on``."""
        if self.is_handler:
            return
        yield from _ids(self.body.get("depends_on"), f"{self.pointer}/depends_on")


class Siblings:
    """The steps of one list, that of the pipeline or of a block: they can wait for each other."""

    def __init__(self, pointer: str, nodes: tuple[Node, ...]) -> None:
        self.pointer = pointer
        self.nodes = nodes
        self.ids = frozenset(node.id for node in nodes if node.id)

    def has_eager_rule(self, step_id: str) -> bool:
        """Whether a step may start while what it depends on still runs."""
        return self.rule_word(step_id) in EAGER

    def rule_word(self, step_id: str) -> str:
        """The trigger rule of a step as a word; empty if it has none."""
        return self._rules.get(step_id, "")

    @cached_property
    def _rules(self) -> Mapping[str, str]:
        given = {node.id: node.body.get("trigger_rule") for node in self.nodes}
        return {
            step_id: TriggerRule.AT_LEAST if isinstance(rule, Mapping) else text_of(rule).lower()
            for step_id, rule in given.items()
        }

    @cached_property
    def graph(self) -> Graph:
        """Which step waits for which. A step that waits for itself is an error of its own."""
        edges: dict[str, list[str]] = {}
        for node in self.nodes:
            if node.id and node.id not in edges:
                edges[node.id] = [d for _, d in node.dependencies if d != node.id]
        return Graph(list(edges.items()))

    @cached_property
    def cycle(self) -> tuple[str, ...] | None:
        """One circle of steps that wait for each other."""
        return self.graph.find_cycle()


def where_they_part(one: Node, other: Node) -> tuple[Node | None, Node | None]:
    """Of two steps the outermost, they or blocks around them, that are not the same.

    They stand in one list. None for a step in which the other one is.
    """
    ways = zip_longest((*one.enclosing, one), (*other.enclosing, other))
    return next(((mine, its) for mine, its in ways if mine is not its), (None, None))


def nodes_in(
    given: JSON, pointer: str, *, is_handler: bool = False, enclosing: tuple[Node, ...] = ()
) -> Iterator[Node]:
    """The entries of a list of steps that are objects."""
    for index, body in enumerate(given if isinstance(given, list) else ()):
        if isinstance(body, Mapping):
            yield Node(f"{pointer}/{index}", body, is_handler, enclosing)


def _ids(given: JSON, pointer: str) -> Iterator[tuple[str, str]]:
    for index, step_id in enumerate(one_or_more(given)):
        if isinstance(step_id, str):
            yield f"{pointer}/{index}" if isinstance(given, list) else pointer, step_id


def mapping_of(given: JSON) -> Mapping[str, JSON]:
    """An object as it is; nothing of anything else."""
    return given if isinstance(given, Mapping) else {}


def text_of(given: JSON) -> str:
    """A text as it is; an empty one of anything else."""
    return given if isinstance(given, str) else ""
