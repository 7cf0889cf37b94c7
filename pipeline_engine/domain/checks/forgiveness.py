"""References whose author has said what counts where they find nothing."""

from __future__ import annotations

from pipeline_engine.domain.checks.misuse import children
from pipeline_engine.domain.expressions import nodes
from pipeline_engine.domain.expressions.filters.objects import default
from pipeline_engine.domain.expressions.predicates import is_defined, is_undefined
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.template import Template

_ASK = (default, is_defined, is_undefined)


def forgiven(template: Template | None) -> frozenset[Reference]:
    """What stands before ``| default``, ``is defined`` or ``or``, wherever else it stands."""
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
    if isinstance(node, nodes.Or):
        return node.left
    if isinstance(node, nodes.Application) and node.function in _ASK:
        return node.subject
    return None
