"""The one action that somebody means: an installed one, or that in a file."""

from __future__ import annotations

from pipeline_engine.authoring.sources import NoActionThere, entry_points_at, is_place
from pipeline_engine.errors import FOREIGN_ERRORS, ActionNotFound, PipelineEngineError
from pipeline_engine.isolation.between.places import reason_in
from pipeline_engine.registry import InvalidPlugin, RegisteredAction, Registry
from pipeline_engine.registry.discovery import loaded


def action_meant(word: str, registry: Registry) -> RegisteredAction:
    """The action of this type or alias, or the one in a file (``./file.py:Class``).

    Raises ``ActionNotFound``, ``NoActionThere``, and ``InvalidPlugin`` with the file and line.
    """
    if not is_place(word):
        return _installed(word, registry)
    try:
        found = [loaded(entry_point) for entry_point in entry_points_at(word)]
    except PipelineEngineError:
        raise
    except FOREIGN_ERRORS as error:  # foreign code: whatever its module raises
        raise InvalidPlugin(reason_in(error, whole_path=True)) from error
    if len(found) > 1:
        names = ", ".join(sorted(action.executor_class.__name__ for action in found))
        raise NoActionThere(f"{word} has several actions, name one as {word}:CLASS: {names}")
    return found[0]


def _installed(word: str, registry: Registry) -> RegisteredAction:
    try:
        return registry.get(word)
    except ActionNotFound as error:
        hint = "alone run what is installed here and ./file.py; a stored action needs a pipeline"
        raise ActionNotFound(f"{error} ({hint})", type=word) from error
