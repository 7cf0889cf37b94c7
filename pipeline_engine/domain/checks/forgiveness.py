"""References whose author has said what counts where they find nothing."""

from __future__ import annotations

from pipeline_engine.domain.checks.misuse import children
from pipeline_engine.domain.expressions import nodes
from pipeline_engine.domain.expressions.filters.objects import default
from pipeline_engine.domain.expressions.operators import is_in, is_not_in
from pipeline_engine.domain.expressions.predicates import is_defined, is_none, is_undefined
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.template import Template

_ASK = (default, is_defined, is_undefined, is_none)


def forgiven(template: Template | None) -> frozenset[Reference]:
    """What is asked about before it is used, wherever else it stands.

    That is what stands before ``| default``, ``is defined``, ``is none``, ``or`` or ``and``, after
    ``not``, or as the question of ``if … else``; and ``x`` in ``'x' in steps.a.outputs``.
    """
    found: set[Reference] = set()
    waiting = [part for part in (template.parts if template else ()) if not isinstance(part, str)]
    while waiting:
        node = waiting.pop()
        asked = _asked(node)
        if isinstance(asked, nodes.Path):
            found.add(Reference(asked.root, asked.keys))
        waiting.extend(children(node))
    return frozenset(found)


def _asked(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.Or | nodes.And):
        return node.left
    if isinstance(node, nodes.Choice):
        return node.test
    if isinstance(node, nodes.Not):
        return node.operand
    if isinstance(node, nodes.Comparison):
        return _looked_for(node)
    if isinstance(node, nodes.Application) and node.function in _ASK:
        return node.subject
    return None


def _looked_for(node: nodes.Comparison) -> nodes.Path | None:
    """``x`` of ``'x' in steps.a.outputs``."""
    [(compare, among), *more] = node.rest
    key = node.first
    if more or compare not in (is_in, is_not_in) or not isinstance(key, nodes.Constant):
        return None
    if not isinstance(among, nodes.Path) or not isinstance(key.value, str):
        return None
    return nodes.Path(among.root, (*among.keys, key.value))
