"""Misuses of secrets that can be seen in an expression before anybody runs it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields

from pipeline_engine.domain.expressions import nodes, operators
from pipeline_engine.domain.expressions.errors import SecretMisused
from pipeline_engine.domain.expressions.secrecy import TELLING, refuse_secrets
from pipeline_engine.domain.expressions.template import Template

#: Nodes that are secret if a part of them is.
_PASSES_ON = (nodes.Joined, nodes.And, nodes.Or)
#: Nodes that may have a secret as a part, and are none themselves.
_LEAVES = (nodes.Not, nodes.ListLiteral)


def refuse_misuse(template: Template, secret_params: Collection[str]) -> bool:
    """Whether the text that a template makes is a secret; raises ``SecretMisused``.

    What it misses, because a secret comes out of a list or an object, is refused at run time.
    """
    look = _Look(frozenset(secret_params))
    found = [look.is_secret(part) for part in template.parts if not isinstance(part, str)]
    return any(found)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of the values of nodes: whether they are secrets."""

    secret_params: frozenset[str]

    def is_secret(self, node: nodes.Node) -> bool:
        if isinstance(node, nodes.Path):
            return self._path(node)
        if isinstance(node, nodes.Element) and _is_all(node.subject):
            return not self._holds(node.key)
        secret = [child for child in children(node) if self.is_secret(child)]
        return bool(secret) and self._becomes(node, secret)

    def _becomes(self, node: nodes.Node, secret: list[nodes.Node]) -> bool:
        """Whether a node with secrets among its parts is one; refuses a node that may have none."""
        if isinstance(node, nodes.Application):
            refuse_secrets(node.function, subject=_is_among(node.subject, secret))
            return node.function not in TELLING
        if isinstance(node, nodes.Choice):
            return _is_among(node.then, secret) or _is_among(node.otherwise, secret)
        is_sum = isinstance(node, nodes.Binary) and node.operator is operators.add
        if isinstance(node, _PASSES_ON) or is_sum:
            return True
        is_key = isinstance(node, nodes.ObjectLiteral) and any(
            _is_among(key, secret) for key, _ in node.members
        )
        if isinstance(node, _LEAVES) or (isinstance(node, nodes.ObjectLiteral) and not is_key):
            return False
        raise SecretMisused("A secret cannot be looked into, compared or computed with.")

    def _holds(self, key: nodes.Node) -> bool:
        if self.is_secret(key):
            raise SecretMisused("Nothing can be looked up by a secret.")
        return False

    def _path(self, path: nodes.Path) -> bool:
        if path.root == "secrets":
            if _is_all(path):
                raise SecretMisused("The secrets cannot be listed.")
        elif path.root == "callback_url":
            if path.keys:
                raise SecretMisused("One cannot look into an address that ends a step.")
        elif path.root != "params" or not path.keys or path.keys[0] not in self.secret_params:
            return False
        if len(path.keys) > 1:
            raise SecretMisused("One cannot look into a secret.")
        return True


def _is_all(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Path) and node.root == "secrets" and not node.keys


def _is_among(node: nodes.Node, others: list[nodes.Node]) -> bool:
    return any(node is other for other in others)


def children(node: nodes.Node) -> Iterator[nodes.Node]:
    """The parts directly below a node."""
    for field in fields(node):  # type: ignore[arg-type]  # every node is a dataclass
        yield from _nodes_in(getattr(node, field.name))


def _nodes_in(value: object) -> Iterator[nodes.Node]:
    if isinstance(value, tuple):
        for member in value:
            yield from _nodes_in(member)
    elif hasattr(value, "evaluate"):
        yield value
