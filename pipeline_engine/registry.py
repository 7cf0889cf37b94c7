"""The actions that are installed, and the broken ones with their reason.

Built-in actions come through the same entry-point group as a stranger's package.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from types import MappingProxyType
from typing import Any

import structlog

from pipeline_engine.errors import ActionNotFound, PipelineEngineError, UnknownAction
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor, FanOutActionExecutor

GROUP = "pipeline_engine.actions"
OWN_DISTRIBUTION = "pipeline-engine"

log = structlog.get_logger(__name__)


class InvalidPlugin(PipelineEngineError):
    """An entry point does not lead to an action."""

    code = "invalid_plugin"


@dataclass(frozen=True)
class BrokenAction:
    """An entry point that cannot be used, and why."""

    name: str
    distribution: str
    reason: str


@dataclass(frozen=True, eq=False)
class RegisteredAction:
    """An action that can run; its executor is made when it is first wanted."""

    meta: ActionMeta
    executor_class: type[BaseActionExecutor]
    distribution: str
    version: str
    _made: list[BaseActionExecutor] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def fans_out(self) -> bool:
        """Whether it makes items of its own."""
        return issubclass(self.executor_class, FanOutActionExecutor)

    @property
    def executor(self) -> BaseActionExecutor:
        """The one instance of this process; raises ``UnknownAction`` if it cannot be made."""
        with self._lock:
            if not self._made:
                self._made.append(self._new())
            return self._made[0]

    def _new(self) -> BaseActionExecutor:
        try:
            return self.executor_class()
        except Exception as error:  # foreign code: its constructor may want what is not there
            log.warning("action_broken", action=self.meta.type, exc_info=True)
            message = f"Action '{self.meta.type}' cannot be made: {type(error).__name__}"
            raise UnknownAction(message, type=self.meta.type) from error


class Registry:
    """Finds actions by type or alias."""

    def __init__(
        self, actions: Iterable[RegisteredAction] = (), broken: Iterable[BrokenAction] = ()
    ) -> None:
        self._actions: dict[str, RegisteredAction] = {}
        self._aliases: dict[str, str] = {}
        self._broken: dict[str, BrokenAction] = {entry.name: entry for entry in broken}
        for action in actions:
            self._add(action)

    @classmethod
    def discover(cls, entry_points: Iterable[metadata.EntryPoint] | None = None) -> Registry:
        """Load every installed action; one that is broken is kept with its reason."""
        found = metadata.entry_points(group=GROUP) if entry_points is None else entry_points
        registry = cls()
        for entry_point in sorted(found, key=_precedence):
            registry._register(entry_point)
        return registry

    @property
    def broken(self) -> Mapping[str, BrokenAction]:
        """The entry points that cannot be used, by name."""
        return MappingProxyType(self._broken)

    def get(self, action_type: str) -> RegisteredAction:
        """Return the action of this type or alias; raises ``ActionNotFound``."""
        action = self._find(action_type)
        if action is None:
            raise ActionNotFound(
                f"Action '{action_type}' not found{self._because(action_type)}", type=action_type
            )
        return action

    def meta(self, action_type: str) -> ActionMeta:
        """Return the metadata of this type or alias; raises ``ActionNotFound``."""
        return self.get(action_type).meta

    def executor(self, action_type: str) -> BaseActionExecutor:
        """Return the executor of this type or alias; raises ``UnknownAction``."""
        action = self._find(action_type)
        if action is None:
            raise UnknownAction(
                f"Unknown action type: {action_type}{self._because(action_type)}", type=action_type
            )
        return action.executor

    @cached_property
    def demanding(self) -> Mapping[str, Sequence[str]]:
        """The rights that actions ask for, by each of their names; most ask for none."""
        wanted = {a.meta.type: tuple(a.meta.required_permissions) for a in self}
        names = {**{name: name for name in wanted}, **self._aliases}
        return {name: wanted[kind] for name, kind in names.items() if wanted[kind]}

    def types(self) -> list[str]:
        """Return every type, sorted; aliases are not among them."""
        return sorted(self._actions)

    def by_category(self) -> dict[str, list[ActionMeta]]:
        """Return all metadata by category, both sorted."""
        metas = [self._actions[name].meta for name in self.types()]
        categories = sorted({meta.category for meta in metas})
        return {name: [meta for meta in metas if meta.category == name] for name in categories}

    def __contains__(self, action_type: object) -> bool:
        return isinstance(action_type, str) and self._find(action_type) is not None

    def __iter__(self) -> Iterator[RegisteredAction]:
        return (self._actions[name] for name in self.types())

    def __len__(self) -> int:
        return len(self._actions)

    def _find(self, name: str) -> RegisteredAction | None:
        return self._actions.get(self._aliases.get(name, name))

    def _because(self, name: str) -> str:
        broken = self._broken.get(name)
        return f": {broken.reason}" if broken else ""

    def _register(self, entry_point: metadata.EntryPoint) -> None:
        distribution = _distribution(entry_point)
        try:
            self._add(_loaded(entry_point))
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is its reason
            reason = _reason(error)
            self._broken[entry_point.name] = BrokenAction(entry_point.name, distribution, reason)
            log.warning(
                "action_broken", action=entry_point.name, distribution=distribution, reason=reason
            )

    def _add(self, action: RegisteredAction) -> None:
        names = (action.meta.type, *action.meta.aliases)
        taken = next((found for name in names if (found := self._find(name))), None)
        if taken is not None:
            raise InvalidPlugin(f"'{action.meta.type}' is provided by {taken.distribution} already")
        self._actions[action.meta.type] = action
        self._aliases.update(dict.fromkeys(action.meta.aliases, action.meta.type))


def _precedence(entry_point: metadata.EntryPoint) -> tuple[bool, str, str]:
    # Our own come first, so that no package can put itself in the place of a built-in action.
    distribution = _distribution(entry_point)
    return distribution != OWN_DISTRIBUTION, distribution, entry_point.name


def _distribution(entry_point: metadata.EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist else "unknown"


def _loaded(entry_point: metadata.EntryPoint) -> RegisteredAction:
    target = entry_point.load()
    meta = _meta_of(target, entry_point.name)
    problems = meta.validate()
    if problems:
        raise InvalidPlugin(f"Invalid action metadata for {meta.type}: {'; '.join(problems)}")
    if entry_point.name not in (meta.type, *meta.aliases):
        raise InvalidPlugin(f"the entry point is named '{entry_point.name}', not '{meta.type}'")
    version = entry_point.dist.version if entry_point.dist else "unknown"
    executor_class = _executor_class_of(target)
    return RegisteredAction(meta, executor_class, _distribution(entry_point), version)


def _meta_of(target: Any, name: str) -> ActionMeta:
    meta = getattr(target, "meta", None)
    if not isinstance(meta, ActionMeta):
        raise InvalidPlugin(f"Action {name} missing 'meta' attribute")
    return meta


def _executor_class_of(target: Any) -> type[BaseActionExecutor]:
    """Accept the executor itself, or the two-class form that names one."""
    if isinstance(target, type) and issubclass(target, BaseActionExecutor):
        return target
    executor_class = getattr(target, "executor_class", None)
    if executor_class is None:
        raise InvalidPlugin(f"Action {target.meta.type} missing 'executor_class' attribute")
    if not (isinstance(executor_class, type) and issubclass(executor_class, BaseActionExecutor)):
        raise InvalidPlugin(f"the executor of {target.meta.type} is no BaseActionExecutor")
    return executor_class


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InvalidPlugin) else f"{type(error).__name__}: {error}"
