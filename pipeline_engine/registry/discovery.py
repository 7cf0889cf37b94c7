"""Entry points of the group, and what they lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from types import MappingProxyType
from typing import TypeAlias

from pipeline_engine.domain.action_names import pin_of, type_of
from pipeline_engine.isolation.between.loading import InvalidPlugin, executor_class_of, meta_of
from pipeline_engine.isolation.describe import Described, Target, describe
from pipeline_engine.isolation.terms import GROUP, OWN_DISTRIBUTION, Terms
from pipeline_engine.registry.registered import RegisteredAction
from pipeline_engine.registry.versions import fits
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor

BY_HAND = "registered by hand"  #: instead of a distribution and its version
#: What the packages say of themselves that are not trusted: by package and entry point.
Strangers: TypeAlias = Mapping[str, Mapping[Target, Described]]
NO_STRANGERS: Strangers = MappingProxyType({})


def installed() -> Iterable[metadata.EntryPoint]:
    """The entry points of all installed packages."""
    return metadata.entry_points(group=GROUP)


def own_entry_points() -> list[metadata.EntryPoint]:
    """Our own alone: no other package is looked at, and none of them runs."""
    return [one for one in installed() if distribution_of(one) == OWN_DISTRIBUTION]


def in_order(
    entry_points: Iterable[metadata.EntryPoint], terms: Terms
) -> list[metadata.EntryPoint]:
    """Our own first, then those that are trusted: no package takes the place of a better one."""

    def precedence(entry_point: metadata.EntryPoint) -> tuple[bool, bool, str, str]:
        package = distribution_of(entry_point)
        own = package == OWN_DISTRIBUTION
        return not own, not terms.trusts(package), package, entry_point.name

    return sorted(entry_points, key=precedence)


def strangers(entry_points: Iterable[metadata.EntryPoint], terms: Terms) -> Strangers:
    """What packages say of themselves that are not trusted; nothing of them is imported here."""
    packages: dict[str, list[Target]] = defaultdict(list)
    for entry_point in entry_points:
        package = distribution_of(entry_point)
        if not terms.trusts(package):
            packages[package].append(Target(entry_point.name, entry_point.value))
    return describe(packages, terms)


def distribution_of(entry_point: metadata.EntryPoint) -> str:
    """The package that an entry point is from."""
    return _name_and_version(entry_point.dist)[0]


@lru_cache(maxsize=256)
def _name_and_version(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Read once: each question parses all of its METADATA, which takes a millisecond."""
    return (distribution.name, distribution.version) if distribution else ("unknown", "unknown")


def loaded(
    entry_point: metadata.EntryPoint, strangers: Strangers = NO_STRANGERS
) -> RegisteredAction:
    """The action of an entry point; raises ``InvalidPlugin`` and whatever its module raises."""
    package = distribution_of(entry_point)
    isolated = package in strangers
    meta, executor_class = _described(entry_point, strangers) if isolated else _own(entry_point)
    _checked(meta)
    if not _is_name_of(meta, entry_point.name):
        raise InvalidPlugin(f"the entry point is named '{entry_point.name}', not '{meta.type}'")
    version = _name_and_version(entry_point.dist)[1]
    return RegisteredAction(meta, executor_class, package, version, isolated=isolated)


def made_by_hand(target: type) -> RegisteredAction:
    """The action of a class that no entry point leads to; raises ``InvalidPlugin``."""
    meta = _checked(meta_of(target, target.__name__))
    return RegisteredAction(meta, executor_class_of(target), BY_HAND, BY_HAND)


def _checked(meta: ActionMeta) -> ActionMeta:
    problems = meta.validate()
    if problems:
        raise InvalidPlugin(f"Invalid action metadata for {meta.type}: {'; '.join(problems)}")
    return meta


def _is_name_of(meta: ActionMeta, name: str) -> bool:
    """Whether an entry point may have this name: of several, each says its version."""
    pin = pin_of(name)
    return type_of(name) in (meta.type, *meta.aliases) and (pin is None or fits(meta.version, pin))


def _own(entry_point: metadata.EntryPoint) -> tuple[ActionMeta, type[BaseActionExecutor]]:
    target = entry_point.load()
    return meta_of(target, entry_point.name), executor_class_of(target)


def _described(
    entry_point: metadata.EntryPoint, strangers: Strangers
) -> tuple[ActionMeta, type[BaseActionExecutor]]:
    found = strangers[distribution_of(entry_point)][Target(entry_point.name, entry_point.value)]
    if found.meta is None or found.executor_class is None:
        raise InvalidPlugin(found.broken)
    return found.meta, found.executor_class
