"""How large a definition may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that the work of the engine grows with; some are settings."""

    max_steps: int = 2000  #: handlers included
    max_edges: int = 10_000  #: entries in all ``depends_on`` together
    max_items: int = 10_000  #: of a ``for_each`` whose list is written in the document
    max_templates: int = 10_000  #: texts with braces
    max_depth: int = 64  #: of lists and objects inside each other
    max_issues: int = 1000  #: reported errors, and as many warnings


# Not settings: dates must stay dates, and waits must end.
MAX_SECONDS = 366 * 24 * 3600
MAX_MULTIPLIER = 100
MAX_PARALLEL_STEPS = 100
MAX_AT_ONCE = 10_000  # executions or steps with the same key
MAX_NESTED_BLOCKS = 4  # a step in the innermost is in all of them
MIN_WEIGHT, MAX_WEIGHT = 0.001, 1000
MAX_CHOICES = 1000  # of an enum
MAX_LENGTH = 2**31 - 1  # that a limit of lengths may name
