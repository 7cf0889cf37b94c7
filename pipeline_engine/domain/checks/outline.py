"""The usable parts of a document, right or wrong, for the checks that look across it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline_engine.domain.action_params import is_scalar, is_templated
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.nodes import (
    Node,
    Siblings,
    mapping_of,
    nodes_in,
    text_of,
    where_they_part,
)
from pipeline_engine.domain.checks.report import shown
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.definitions.parse import HANDLER_LISTS
from pipeline_engine.domain.issues import join


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of an action: by a step, by a handler, to undo a step, or by a loop."""

    node: Node
    action: str
    params: Mapping[str, JSON]
    action_at: str  #: the pointer of its type
    params_at: str  #: the pointer of its params
    undoes: bool = False  #: it compensates its step
    in_loop: bool = False  #: an action such as ``while`` runs it
    params_open: bool = False  #: all of its params are made of something else, later

    @property
    def repeats_block(self) -> bool:
        """Whether it is the loop around a block, which runs no other action."""
        return self.node.is_block and not self.undoes

    def inner(self, meta: ActionMeta) -> Use | None:
        """The use of the action that this one runs, if it does and one can tell which."""
        if meta.inner is None or self.in_loop or self.repeats_block:
            return None
        action, its = self.params.get(meta.inner.action), meta.inner.params
        if not action or not is_scalar(action) or is_templated(action):
            return None
        params = self.params.get(its) if its else None
        return Use(
            node=self.node,
            action=str(action),  # as the loop will read it
            params=mapping_of(params),
            action_at=join(self.params_at, meta.inner.action),
            params_at=join(self.params_at, its) if its else self.params_at,
            undoes=self.undoes,
            in_loop=True,
            params_open=its is None or is_templated(params),
        )

    def meta(self, actions: ActionCatalogue) -> ActionMeta | None:
        """What the action says about itself, if it can be used."""
        return actions.find(self.action) if self.action else None


class Outline:
    """Steps, handlers, parameters and graphs of a document that may have faulty fields."""

    def __init__(self, document: Mapping[str, JSON]) -> None:
        self.document = document
        settings = mapping_of(document.get("settings"))
        self._lists: dict[str, Siblings] = {}
        #: Those of all blocks as well, each after the block that holds it.
        self.steps = tuple(self._collect(document.get("steps"), "/steps", ()))
        self.handlers = tuple(
            node
            for name in HANDLER_LISTS
            for node in nodes_in(settings.get(name), f"/settings/{name}", is_handler=True)
        )
        self.parameters = frozenset(_names(document.get("parameters")))
        self.secret_parameters = frozenset(_names(document.get("parameters"), kind="secret"))
        self.outputs = mapping_of(document.get("outputs"))
        self.concurrency = mapping_of(document.get("concurrency"))
        self.retry_policy = settings.get("retry_policy")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All steps, then all handlers."""
        return (*self.steps, *self.handlers)

    @property
    def uses(self) -> Iterator[Use]:
        """Every use of an action in the document."""
        for node in self.nodes:
            yield Use(
                node=node,
                action=node.action,
                params=node.params,
                action_at=f"{node.pointer}/{'while' if node.is_block else 'action'}",
                params_at=f"{node.pointer}/{'while' if node.is_block else 'params'}",
            )
            undo = node.compensation
            if undo and not node.is_handler:
                yield Use(
                    node=node,
                    action=text_of(undo.get("action")),
                    params=mapping_of(undo.get("params")),
                    action_at=f"{node.pointer}/compensate/action",
                    params_at=f"{node.pointer}/compensate/params",
                    undoes=True,
                )

    @property
    def lists(self) -> Iterable[Siblings]:
        """The steps of the pipeline, and those of each block."""
        return self._lists.values()

    @property
    def outermost(self) -> Siblings:
        """The steps that are in no block."""
        return self._lists["/steps"]

    def within(self, block: Node) -> Siblings:
        """The steps of a block."""
        return self._lists[f"{block.pointer}/steps"]

    def beside(self, node: Node) -> Siblings:
        """The list that a step is in."""
        return self.within(node.enclosing[-1]) if node.enclosing else self.outermost

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """All steps that have an id, without the handlers; of two with the same the first."""
        return {node.id: node for node in reversed(self.steps) if node.id}

    def node(self, step_id: str) -> Node | None:
        """The step or handler with this id."""
        if step_id in self.by_id:
            return self.by_id[step_id]
        place = self.handler_order.get(step_id)
        return None if place is None else self.handlers[place]

    def hint_elsewhere(self, step_id: str, node: Node, advice: str) -> str | None:
        """A hint about a step that is not beside *node*; None if there is no such step.

        *advice* is for one inside of a block that can be seen, and says ``{}`` of that.
        """
        other = self.by_id.get(step_id)
        if other is None:
            return None
        mine, its = where_they_part(node, other)
        if mine is None or its is None:
            inner, outer = (other, node) if mine is None else (node, other)
            return f"'{shown(inner.id)}' is inside of '{shown(outer.id)}', which ends after it."
        block, way_in = shown(mine.id), shown(its.id)
        waits = self.runs_after(mine, its)
        if mine is node or (waits and its is not other):
            return f"'{step_id}' is inside the block '{way_in}'{advice.format(way_in)}"
        if waits:
            return f"The block '{block}' waits for '{way_in}' already."
        if self.runs_after(its, mine):
            return f"'{way_in}' runs after the block '{block}'."
        return f"'{step_id}' is outside of the block '{block}': let '{block}' depend on '{way_in}'."

    def runs_after(self, node: Node, other: Node) -> bool:
        """Whether a step surely begins after another one of the same list has ended."""
        siblings = self.beside(node)
        return siblings.cycle is None and siblings.graph.is_ancestor(other.id, of=node.id)

    @cached_property
    def handler_order(self) -> Mapping[str, int]:
        """The place of each handler among all handlers."""
        return {node.id: place for place, node in enumerate(self.handlers) if node.id}

    def _collect(self, given: JSON, pointer: str, around: tuple[Node, ...]) -> Iterator[Node]:
        nodes = tuple(nodes_in(given, pointer, enclosing=around))
        self._lists[pointer] = Siblings(pointer, nodes)
        for node in nodes:
            yield node
            if node.is_block:
                inner = f"{node.pointer}/steps"
                yield from self._collect(node.body["steps"], inner, (*around, node))


def _names(given: JSON, kind: str | None = None) -> Iterator[str]:
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, Mapping) and (kind is None or entry.get("type") == kind):
            yield text_of(entry.get("name"))
