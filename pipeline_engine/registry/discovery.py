"""Entry points of the group, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from typing import Any

from pipeline_engine.domain.action_names import pin_of, type_of
from pipeline_engine.registry.places import reason_in
from pipeline_engine.registry.registered import InvalidPlugin, RegisteredAction
from pipeline_engine.registry.versions import fits
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor

GROUP = "pipeline_engine.actions"
OWN_DISTRIBUTION = "pipeline-engine"
BY_HAND = "registered by hand"  #: instead of a distribution and its version


def installed() -> Iterable[metadata.EntryPoint]:
    """The entry points of all installed packages."""
    return metadata.entry_points(group=GROUP)


def precedence(entry_point: metadata.EntryPoint) -> tuple[bool, str, str]:
    """Our own come first: no package can put itself in the place of a built-in action."""
    distribution = distribution_of(entry_point)
    return distribution != OWN_DISTRIBUTION, distribution, entry_point.name


def distribution_of(entry_point: metadata.EntryPoint) -> str:
    """The package that an entry point is from."""
    return _name_and_version(entry_point.dist)[0]


@lru_cache(maxsize=256)
def _name_and_version(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Read once: each question parses all of its METADATA, which takes a millisecond."""
    return (distribution.name, distribution.version) if distribution else ("unknown", "unknown")


def loaded(entry_point: metadata.EntryPoint) -> RegisteredAction:
    """The action of an entry point; raises ``InvalidPlugin`` and whatever its module raises."""
    target = entry_point.load()
    meta = _checked(_meta_of(target, entry_point.name))
    if not _is_name_of(meta, entry_point.name):
        raise InvalidPlugin(f"the entry point is named '{entry_point.name}', not '{meta.type}'")
    version = _name_and_version(entry_point.dist)[1]
    executor_class = _executor_class_of(target)
    return RegisteredAction(meta, executor_class, distribution_of(entry_point), version)


def made_by_hand(target: type) -> RegisteredAction:
    """The action of a class that no entry point leads to; raises ``InvalidPlugin``."""
    meta = _checked(_meta_of(target, target.__name__))
    return RegisteredAction(meta, _executor_class_of(target), BY_HAND, BY_HAND)


def _checked(meta: ActionMeta) -> ActionMeta:
    problems = meta.validate()
    if problems:
        raise InvalidPlugin(f"Invalid action metadata for {meta.type}: {'; '.join(problems)}")
    return meta


def _is_name_of(meta: ActionMeta, name: str) -> bool:
    """Whether an entry point may have this name: of several, each says its version."""
    pin = pin_of(name)
    return type_of(name) in (meta.type, *meta.aliases) and (pin is None or fits(meta.version, pin))


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


def reason_of(error: Exception) -> str:
    """Why an action could not be loaded, in words."""
    return str(error) if isinstance(error, InvalidPlugin) else reason_in(error)
