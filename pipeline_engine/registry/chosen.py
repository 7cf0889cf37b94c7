"""The actions as one revision knows them: in the versions that were chosen when it was saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline_engine.domain.action_names import pin_of
from pipeline_engine.errors import UnknownAction
from pipeline_engine.registry.registered import RegisteredAction
from pipeline_engine.registry.registry import Registry


@dataclass(frozen=True)
class ChosenActions:
    """Finds actions by the names that a definition uses."""

    registry: Registry
    versions: Mapping[str, str]  #: by the name of the action; one that is not there is looked up
    _found: dict[str, RegisteredAction] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> RegisteredAction:
        """The action that a name means here. Raises ``UnknownAction``."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def name_of(self, name: str) -> str:
        """A name as rows hold it: with the type instead of an alias."""
        return self.registry.name_of(name)

    def _look_up(self, name: str) -> RegisteredAction:
        version = self.versions.get(self.name_of(name))
        known = self.registry.versions(name)
        if version is None or not known:
            return self.registry.usable(name)
        action = known.kept(version, pin_of(name))
        if action is None:
            installed = ", ".join(known.texts)
            message = f"Unknown action type: {name}: version {version}, which it was saved with, is"
            message += f" not installed any more, only {installed}; save it again to take that"
            raise UnknownAction(message, type=name)
        return action
