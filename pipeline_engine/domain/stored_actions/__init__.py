"""Actions that are data: a template over another action, or a composite of several.

``definition.py`` reads one, ``check.py`` says what is wrong with it (its form by ``shape.py``, its
templates by ``texts.py``), ``inner.py`` which actions it needs, ``meta.py`` what it is in the
catalogue, with the params that ``exposed.py`` gives it.
"""

from __future__ import annotations

from pipeline_engine.domain.stored_actions.check import check
from pipeline_engine.domain.stored_actions.definition import (
    Composite,
    Part,
    StoredAction,
    Template,
    parse,
)
from pipeline_engine.domain.stored_actions.exposed import defaults_of
from pipeline_engine.domain.stored_actions.inner import inner_of, uses_of
from pipeline_engine.domain.stored_actions.meta import meta_of

__all__ = [
    "Composite",
    "Part",
    "StoredAction",
    "Template",
    "check",
    "defaults_of",
    "inner_of",
    "meta_of",
    "parse",
    "uses_of",
]
