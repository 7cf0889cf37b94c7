"""Which names and which steps a template may refer to, by the place where it stands.

``NAMES`` is the one table of names: the check refuses all others, ``scheduler/actions/scope.py``
makes these at run time, and docs/reference/definition.md prints it; tests compare all three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pipeline_engine.domain.checks.nodes import OF_ITEMS, Node
from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.report import shown


class Place(StrEnum):
    """Where a template stands, as far as its names depend on it."""

    STEP = "step"  #: condition, params and for_each of a step, handler or compensation
    ITEM_KEY = "item_key"  #: the ``key`` of for_each
    ITEM = "item"  #: params of a step with for_each
    GIVEN = "given"  #: a number, a word or a truth that params may give
    PIPELINE_KEY = "pipeline_key"  #: the ``key`` of concurrency of the pipeline
    STEP_KEY = "step_key"  #: that of a step
    NOTIFY = "notify"  #: what subscriptions are told about a step
    CATCH = "catch"  #: the outputs that take the place of a failure
    OUTPUTS = "outputs"  #: the outputs of the pipeline, or of a block


_USUAL = frozenset({"params", "steps", "execution", "secrets", "now"})
NAMES: Mapping[Place, frozenset[str]] = {
    Place.STEP: _USUAL,
    Place.ITEM_KEY: _USUAL | {"item", "item_index"},
    Place.ITEM: _USUAL | OF_ITEMS,
    Place.GIVEN: frozenset({"params"}),
    Place.PIPELINE_KEY: frozenset({"params"}),
    Place.STEP_KEY: _USUAL - {"secrets"},
    Place.NOTIFY: _USUAL - {"secrets"} | {"step"},
    Place.CATCH: _USUAL - {"secrets"} | {"error"},
    Place.OUTPUTS: _USUAL - {"secrets"},
}


#: Beside those in the params of an action that waits for the outside world.
WHERE_PARKED = frozenset({"callback_url"})


#: Keys of ``execution`` in every template, and those beside them once its end is known.
EXECUTION_PARTS = frozenset({"id", "name", "pipeline_id", "initiator", "user_id", "created_at"})
AT_THE_END = frozenset({"status", "error"})


#: Keys of ``step``: what has just happened to it.
OWN_PARTS = frozenset(
    {"id", "name", "status", "attempt", "error", "outputs", "item_index", "item_key"}
)
#: About a step inside of a block, seen from outside.
ADVICE = ": name what is needed in the outputs of '{}'."
#: Parts of a step in every template.
STEP_PARTS = frozenset({"outputs", "status", "error"})
#: Parts of the error of a step that has failed.
ERROR_PARTS = frozenset({"code", "message"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What the templates of one place may refer to."""

    place: str  #: in words, for messages
    roots: frozenset[str]
    sees: Callable[[str], bool]  #: whether a step has surely ended before
    hint: Callable[[str], str]  #: what to do about a step that it does not see
    execution: frozenset[str] = EXECUTION_PARTS
    elsewhere: Mapping[str, str] = field(default_factory=dict)  #: where a name is that is not here
    around: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: what blocks tell, by id
    own: Node | None = None  #: what ``step`` is, if the place tells of one

    @property
    def told(self) -> frozenset[str]:
        """What the blocks around the place tell of their items and rounds."""
        return frozenset().union(*self.around.values())

    def at(self, place: Place) -> Scope:
        """The same with the names of another place in the same step."""
        return replace(self, roots=NAMES[place] | self.told)


def scope_of(node: Node, outline: Outline) -> Scope:
    """What a step or handler may refer to before it runs."""
    if node.is_handler:
        return _scope_of_handler(node, outline)

    def sees(step_id: str) -> bool:
        return any(_ended(step_id, one, outline) for one in (node, *node.enclosing))

    def hint(step_id: str) -> str:
        return _hint(step_id, node, outline)

    around = {block.id: block.tells for block in node.enclosing}
    scope = Scope(f"step '{shown(node.id)}'", frozenset(), sees, hint, around=around)
    return scope.at(Place.STEP)


def scope_of_notify(node: Node, before: Scope) -> Scope:
    """What is told about a step may refer to: the step itself, and what that may."""
    told = replace(
        before,
        sees=lambda step_id: step_id == node.id or before.sees(step_id),
        execution=EXECUTION_PARTS,
        own=node,
    )
    return told.at(Place.NOTIFY)


def scope_of_undoing(node: Node, before: Scope) -> Scope:
    """What the action that undoes a step may refer to: the outputs of the step as well."""
    return replace(
        before,
        sees=lambda step_id: step_id == node.id or before.sees(step_id),
        execution=EXECUTION_PARTS | AT_THE_END,
    )


def scope_of_block_outputs(block: Node, before: Scope, outline: Outline) -> Scope:
    """What the outputs of a block may refer to: its steps, and whatever these may."""
    ids, here = outline.within(block).ids, _beside_all((*block.enclosing, block))
    scope = replace(
        before,
        place=f"the outputs of '{shown(block.id)}'",
        sees=lambda step_id: step_id in ids or before.sees(step_id),
        hint=lambda step_id: _hint(step_id, here, outline),
        around={**before.around, block.id: block.tells},
    )
    return scope.at(Place.OUTPUTS)


def scope_of_outputs(outline: Outline) -> Scope:
    """What the outputs of the pipeline may refer to: every step outside of blocks."""

    def hint(step_id: str) -> str:
        elsewhere = outline.hint_elsewhere(step_id, _beside_all(), ADVICE)
        return elsewhere or "The outputs of a pipeline are those of its steps, not of its handlers."

    ids = outline.outermost.ids
    return Scope("the outputs", NAMES[Place.OUTPUTS], lambda step_id: step_id in ids, hint)


def scope_of_pipeline_key() -> Scope:
    """What the key of a whole execution may refer to: no step, as none has begun."""
    names = NAMES[Place.PIPELINE_KEY]

    def hint(_step_id: str) -> str:
        return "No step has begun when an execution asks for its place."

    return Scope("the key of the pipeline", names, lambda _step_id: False, hint)


def scope_of_given_values() -> Scope:
    """What gives a number or a word to a whole execution: it is known before any step."""

    def hint(_step_id: str) -> str:
        return "No step has begun when this has to be known."

    return Scope("the start", NAMES[Place.GIVEN], lambda _step_id: False, hint)


def _scope_of_handler(node: Node, outline: Outline) -> Scope:
    place = outline.handler_order.get(node.id, len(outline.handlers))

    def sees(step_id: str) -> bool:
        before = outline.handler_order.get(step_id)
        return step_id in outline.outermost.ids or (before is not None and before < place)

    def hint(step_id: str) -> str:
        elsewhere = outline.hint_elsewhere(step_id, node, ADVICE)
        return elsewhere or "Handlers run one after another, in the order of the list."

    parts = EXECUTION_PARTS | AT_THE_END
    return Scope(f"handler '{shown(node.id)}'", NAMES[Place.STEP], sees, hint, parts)


def _beside_all(blocks: tuple[Node, ...] = ()) -> Node:
    """Where outputs look for steps: beside all of the pipeline, or of the innermost block."""
    return Node("", {}, enclosing=blocks)


def _ended(step_id: str, node: Node, outline: Outline) -> bool:
    """Whether a step beside *node* has surely ended before it."""
    siblings = outline.beside(node)
    if step_id == node.id or step_id not in siblings.ids:
        return False
    # Without ids and an order this is unknown; their absence is reported elsewhere.
    is_unclear = not node.id or siblings.cycle is not None
    return is_unclear or siblings.graph.is_ancestor(step_id, of=node.id)


def _hint(step_id: str, node: Node, outline: Outline) -> str:
    if step_id in outline.handler_order:
        return "Handlers run when all steps have ended."
    if step_id == node.id:
        return "A step has no outputs before it has run."
    siblings = outline.beside(node)
    if step_id not in siblings.ids:
        return outline.hint_elsewhere(step_id, node, ADVICE) or ""
    if outline.runs_after(outline.by_id[step_id], node):
        return f"'{step_id}' runs after '{node.id}'."
    return f"Add '{step_id}' to depends_on of '{node.id}'."
