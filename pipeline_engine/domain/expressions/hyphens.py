"""Finds ``steps.my-step.outputs.x``, which Jinja reads as ``steps.my`` minus ``step.outputs.x``."""

from __future__ import annotations

from jinja2 import nodes as jinja

from pipeline_engine.domain.expressions.errors import HyphenatedStepReference

KNOWN_ROOTS = frozenset(
    {"params", "steps", "execution", "item", "item_index", "event", "secrets", "result", "now"}
)


def refuse_hyphenated_step(node: jinja.Sub) -> None:
    """Raise if this subtraction is a step id with hyphens; a step itself is never a number."""
    parts: list[str] = []
    left: jinja.Expr = node
    while isinstance(left, jinja.Sub):
        part = _first_word(left.right)
        if part is None:
            return
        parts.append(part)
        left = left.left
    if isinstance(left, jinja.Getattr) and _is_steps(left.node):
        step = "-".join([left.attr, *reversed(parts)])
        raise HyphenatedStepReference(
            f"A hyphen after a dot means minus: step {step!r} cannot be written like this.",
            hint=f'Write steps["{step}"].',
        )


def _is_steps(node: jinja.Expr) -> bool:
    return isinstance(node, jinja.Name) and node.name == "steps"


def _first_word(node: jinja.Expr) -> str | None:
    """The leftmost word of an operand, if it can be the rest of a step id."""
    while not isinstance(node, jinja.Name | jinja.Const):
        inner = _leftmost(node)
        if inner is None:
            return None
        node = inner
    if isinstance(node, jinja.Name):
        return None if node.name in KNOWN_ROOTS else node.name
    return str(node.value) if type(node.value) is int else None


def _leftmost(node: jinja.Expr) -> jinja.Expr | None:
    if isinstance(node, jinja.Getattr | jinja.Getitem | jinja.Filter | jinja.Test):
        return node.node
    if isinstance(node, jinja.BinExpr):
        return node.left
    if isinstance(node, jinja.Concat):
        return node.nodes[0]
    return None
