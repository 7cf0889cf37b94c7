"""The usable parts of a document, right or wrong, for the checks that look across it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline_engine.domain.action_params import is_scalar, is_templated
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.definitions import JSON, TriggerRule
from pipeline_engine.domain.definitions.parse import HANDLER_LISTS, one_or_more
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.issues import join
from pipeline_engine.domain.readiness import EAGER


@dataclass(frozen=True, slots=True)
class Node:
    """A step or handler that is at least an object."""

    pointer: str
    body: Mapping[str, JSON]
    is_handler: bool = False

    @property
    def id(self) -> str:
        """Its id; empty if there is none."""
        return _text(self.body.get("id"))

    @property
    def action(self) -> str:
        """The type of its action; empty if there is none."""
        return _text(self.body.get("action"))

    @property
    def params(self) -> Mapping[str, JSON]:
        """Its params; empty if they are no object."""
        return _mapping(self.body.get("params"))

    @property
    def compensation(self) -> Mapping[str, JSON]:
        """What undoes it; empty if nothing does."""
        return _mapping(self.body.get("compensate"))

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

    def inner(self, meta: ActionMeta) -> Use | None:
        """The use of the action that this one runs, if it does and one can tell which."""
        if meta.inner is None or self.in_loop:
            return None
        action, params = self.params.get(meta.inner.action), self.params.get(meta.inner.params)
        if not action or not is_scalar(action) or is_templated(action) or is_templated(params):
            return None
        return Use(
            node=self.node,
            action=str(action),  # as the loop will read it
            params=_mapping(params),
            action_at=join(self.params_at, meta.inner.action),
            params_at=join(self.params_at, meta.inner.params),
            undoes=self.undoes,
            in_loop=True,
        )

    def meta(self, actions: ActionCatalogue) -> ActionMeta | None:
        """What the action says about itself, if it can be used."""
        return actions.find(self.action) if self.action else None


class Outline:
    """Steps, handlers, parameters and graph of a document that may have faulty fields."""

    def __init__(self, document: Mapping[str, JSON]) -> None:
        settings = _mapping(document.get("settings"))
        self.steps = tuple(_nodes(document.get("steps"), "/steps"))
        self.handlers = tuple(
            node
            for name in HANDLER_LISTS
            for node in _nodes(settings.get(name), f"/settings/{name}", is_handler=True)
        )
        self.parameters = frozenset(_names(document.get("parameters")))
        self.secret_parameters = frozenset(_names(document.get("parameters"), kind="secret"))
        self.outputs = _mapping(document.get("outputs"))
        self.concurrency = _mapping(document.get("concurrency"))
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
                action_at=f"{node.pointer}/action",
                params_at=f"{node.pointer}/params",
            )
            undo = node.compensation
            if undo and not node.is_handler:
                yield Use(
                    node=node,
                    action=_text(undo.get("action")),
                    params=_mapping(undo.get("params")),
                    action_at=f"{node.pointer}/compensate/action",
                    params_at=f"{node.pointer}/compensate/params",
                    undoes=True,
                )

    @cached_property
    def step_ids(self) -> frozenset[str]:
        """The ids of all steps, without those of handlers."""
        return frozenset(node.id for node in self.steps if node.id)

    def has_eager_rule(self, step_id: str) -> bool:
        """Whether a step may start while what it depends on still runs."""
        return self.rule_word(step_id) in EAGER

    def rule_word(self, step_id: str) -> str:
        """The trigger rule of a step as a word; empty if it has none."""
        return self._rules.get(step_id, "")

    @cached_property
    def _rules(self) -> Mapping[str, str]:
        given = {node.id: node.body.get("trigger_rule") for node in self.steps}
        return {
            step_id: TriggerRule.AT_LEAST if isinstance(rule, Mapping) else _text(rule).lower()
            for step_id, rule in given.items()
        }

    @cached_property
    def handler_order(self) -> Mapping[str, int]:
        """The place of each handler among all handlers."""
        return {node.id: place for place, node in enumerate(self.handlers) if node.id}

    @cached_property
    def graph(self) -> Graph:
        """Which step waits for which. A step that waits for itself is an error of its own."""
        edges: dict[str, list[str]] = {}
        for node in self.steps:
            if node.id and node.id not in edges:
                edges[node.id] = [d for _, d in node.dependencies if d != node.id]
        return Graph(list(edges.items()))

    @cached_property
    def cycle(self) -> tuple[str, ...] | None:
        """One circle of steps that wait for each other."""
        return self.graph.find_cycle()


def _ids(given: JSON, pointer: str) -> Iterator[tuple[str, str]]:
    for index, step_id in enumerate(one_or_more(given)):
        if isinstance(step_id, str):
            yield f"{pointer}/{index}" if isinstance(given, list) else pointer, step_id


def _nodes(given: JSON, pointer: str, *, is_handler: bool = False) -> Iterator[Node]:
    for index, body in enumerate(given if isinstance(given, list) else ()):
        if isinstance(body, Mapping):
            yield Node(f"{pointer}/{index}", body, is_handler)


def _names(given: JSON, kind: str | None = None) -> Iterator[str]:
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, Mapping) and kind in {None, entry.get("type")}:
            yield _text(entry.get("name"))


def _mapping(given: JSON) -> Mapping[str, JSON]:
    return given if isinstance(given, Mapping) else {}


def _text(given: JSON) -> str:
    return given if isinstance(given, str) else ""
