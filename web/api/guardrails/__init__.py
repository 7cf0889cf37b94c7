"""``/guardrails``: deployment workflows, and what peers say about rules and profiles."""

from .for_peers import guardrails_for_peers
from .workflows import guardrails

__all__ = ["guardrails", "guardrails_for_peers"]
