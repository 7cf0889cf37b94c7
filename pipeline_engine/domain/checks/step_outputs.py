"""Whether a step leaves what a template refers to, as far as one can tell before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.forgiveness import forgiven
from pipeline_engine.domain.checks.nodes import OF_FAN_OUT, Node, mapping_of
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.texts import Kind, Text
from pipeline_engine.domain.expressions import (
    ExpressionError,
    Reference,
    Template,
    parse_condition,
    parse_template,
)
from pipeline_engine.domain.issues import dotted

MOST_NAMES = 20  #: in a hint
MAY_BE_ADDED = "Whoever answers a parked step may add outputs; otherwise it is undefined."
MAY_LEAVE_OTHERS = "The action may leave others than it declares; otherwise it is undefined."
SAY_IT = "It is undefined unless the action leaves it; '| default(...)' says what counts then."


@dataclass(frozen=True, slots=True)
class Leaves:
    """The names of what a step leaves."""

    names: frozenset[str]
    is_undeclared: bool = False  #: the action does not say what it leaves
    others: str | None = None  #: why there may be others, for who refers to one


class Leavings:
    """What each step of a document leaves; looked up once for all references to it."""

    def __init__(self, actions: ActionCatalogue) -> None:
        self._actions = actions
        self._known: dict[str, Leaves | None] = {}

    def of(self, node: Node) -> Leaves | None:
        """What a step leaves; None if its action is not known, which is said elsewhere."""
        if node.pointer not in self._known:
            self._known[node.pointer] = self._found(node)
        return self._known[node.pointer]

    def tells_of_itself(self, node: Node) -> bool:
        """Whether ``step`` in a notice is the step, and not one of its items."""
        fans_out = bool(node.action) and self._actions.fans_out(node.action)
        return node.body.get("for_each") is None and not fans_out

    def _found(self, node: Node) -> Leaves | None:
        if node.is_block:
            return Leaves(node.leaves)
        caught = _caught(node)
        if node.body.get("for_each") is not None:
            return Leaves(OF_FAN_OUT | caught)
        meta = self._actions.find(node.action) if node.action else None
        return None if meta is None else _of_action(node, meta, caught)


def _of_action(node: Node, meta: ActionMeta, caught: frozenset[str]) -> Leaves:
    names = frozenset(output.name for output in meta.outputs) | caught
    others = _why_others(node, meta)
    if meta.outputs_from is not None:
        given = node.params.get(meta.outputs_from)
        if given is None or isinstance(given, Mapping):
            return Leaves(names | frozenset(given or ()), others=others)
        return Leaves(names, others=others or MAY_LEAVE_OTHERS)
    return Leaves(names, is_undeclared=not meta.outputs, others=others)


def _why_others(node: Node, meta: ActionMeta) -> str | None:
    if meta.open_outputs:
        return MAY_LEAVE_OTHERS
    # "complete" and "progress" of a callback take any outputs, whatever the action declares.
    return MAY_BE_ADDED if may_park(meta, node.params) else None


def _caught(node: Node) -> frozenset[str]:
    """What takes the place of its outputs when a failure is caught."""
    outputs = (mapping_of(entry.get("outputs")) for _, entry in node.catches)
    return frozenset[str]().union(*outputs)


@dataclass(frozen=True, slots=True)
class OutputLook:
    """One reference to an output of a step."""

    reference: Reference
    text: Text
    findings: Findings

    def check(self, name: str, node: Node, leaves: Leaves) -> None:
        """Note an output that nobody has promised: an error if there cannot be one."""
        if name in leaves.names:
            return
        hint = self.findings.did_you_mean(name, leaves.names)
        if leaves.is_undeclared:
            self._undeclared(name, node)
        elif leaves.others is not None:
            message = f"Action '{shown(node.action)}' declares no output '{shown(name)}'"
            self._warn(message, hint or leaves.others)
        elif self._is_forgiven():
            self._warn(_missing(name, node), hint or _known(leaves.names))
        else:
            message = f"{dotted(self.text.pointer)}: {_missing(name, node)}"
            hint = hint or _known(leaves.names)
            self.findings.error(self.text.pointer, "unknown_output", message, hint)

    def _undeclared(self, name: str, node: Node) -> None:
        message = f"{dotted(self.text.pointer)}: Action '{shown(node.action)}' does not declare"
        message += f" what it leaves, so '{shown(name)}' is not checked"
        self.findings.warning(self.text.pointer, "undeclared_output", message, SAY_IT)

    def _warn(self, message: str, hint: str) -> None:
        message = f"{dotted(self.text.pointer)}: {message}"
        self.findings.warning(self.text.pointer, "unknown_output", message, hint)

    def _is_forgiven(self) -> bool:
        """Whether the author says what counts where it is undefined, or asks whether it is."""
        return self.reference in forgiven(_template(self.text))


def _template(text: Text) -> Template | None:
    try:
        if text.kind is not Kind.CONDITION:
            return parse_template(text.text)
        verdict = parse_condition(text.text).verdict
    except ExpressionError:  # said elsewhere
        return None
    return verdict if isinstance(verdict, Template) else None


def _missing(name: str, node: Node) -> str:
    noun = "block" if node.is_block else "step"
    return f"The {noun} '{shown(node.id)}' leaves no '{shown(name)}'"


def _known(names: frozenset[str]) -> str:
    if not names:
        return "It has no outputs."
    return f"It leaves {', '.join(_first(sorted(names)))}."


def _first(names: list[str]) -> Iterator[str]:
    yield from map(shown, names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        yield "…"
