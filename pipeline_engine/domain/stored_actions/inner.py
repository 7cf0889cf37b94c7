"""The actions that a stored one needs, with the one that a template names for its base to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline_engine.domain.action_params import is_scalar, is_templated
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.stored_actions.definition import Composite, Template


def inner_of(action: Template, base: ActionMeta) -> str | None:
    """What its items run, such as those of a loop; None if a step or a template says it later."""
    name = action.filled.get(base.inner.action) if base.inner else None
    return str(name) if name and is_scalar(name) and not is_templated(name) else None


def uses_of(
    action: Template | Composite, find: Callable[[str], ActionMeta | None]
) -> Sequence[str]:
    """All actions that it needs, each once, whether *find* knows them or not."""
    base = find(action.base) if isinstance(action, Template) else None
    if base is None or not isinstance(action, Template):
        return action.uses
    inner = inner_of(action, base)
    return action.uses if inner in (None, action.base) else [*action.uses, str(inner)]
