"""Looks at actions, installed or not, before the engine does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from pipeline_engine.authoring.findings import Finding, Severity, findings_of
from pipeline_engine.authoring.sources import NoActionThere, entry_points_at, is_place
from pipeline_engine.errors import FOREIGN_ERRORS, PipelineEngineError
from pipeline_engine.isolation.between.places import reason_in
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.registry.discovery import distribution_of, installed, loaded


@dataclass(frozen=True, slots=True)
class Inspected:
    """An action, or what should be one, and what was found."""

    name: str
    package: str
    findings: Sequence[Finding]
    action: RegisteredAction | None = None  #: if it could be loaded

    @property
    def is_well(self) -> bool:
        """Whether it can be used; it may still have warnings."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def inspected(word: str | None) -> list[Inspected]:
    """What is to be said of a file, a folder, a type or a package; of all installed if None.

    Raises ``NoActionThere``.
    """
    if word is None:
        return list(_looked_at(installed(), ()))
    if not is_place(word):
        return list(_looked_at(_installed_as(word), installed()))
    try:
        found = entry_points_at(word)
    except NoActionThere:
        raise
    except FOREIGN_ERRORS as error:  # foreign code: whatever its module raises
        return [Inspected(word, "", [_error(error)])]
    return list(_looked_at(found, ()))


def _installed_as(word: str) -> list[metadata.EntryPoint]:
    """The entry points of a package, or those that go by a name."""
    known = list(installed())
    of_package = [one for one in known if _same(distribution_of(one), word)]
    if found := of_package or [one for one in known if word in (one.name, _type_of(one.name))]:
        return found
    raise NoActionThere(f"no action, and no package with actions, is called '{word}' here")


def _type_of(name: str) -> str:
    """The name without the version that it may pin."""
    return name.partition("@")[0]


def _same(one: str, other: str) -> bool:
    """Whether these name the same package, as ``pip`` sees it."""
    plain = [re.sub(r"[-_.]+", "-", name).lower() for name in (one, other)]
    return plain[0] == plain[1]


def _looked_at(
    entry_points: Iterable[metadata.EntryPoint], others: Iterable[metadata.EntryPoint]
) -> Iterator[Inspected]:
    found = sorted(entry_points, key=lambda one: (distribution_of(one), one.name))
    owners: dict[str, set[str]] = {}
    for one in (*found, *others):
        owners.setdefault(one.name, set()).add(distribution_of(one))
    for one in found:
        package = distribution_of(one) if one.dist else ""
        rivals = sorted(owners[one.name] - {distribution_of(one)})
        taken = [f"'{one.name}' is provided by {rival}, too" for rival in rivals]
        errors = [Finding(Severity.ERROR, message) for message in taken]
        action, findings = _looked_into(one)
        yield Inspected(one.name, package, [*errors, *findings], action)


def _looked_into(
    entry_point: metadata.EntryPoint,
) -> tuple[RegisteredAction | None, list[Finding]]:
    try:
        action = loaded(entry_point)
    except FOREIGN_ERRORS as error:  # foreign code: whatever its module raises
        return None, [_error(error)]
    return action, list(findings_of(action))


def _error(error: BaseException) -> Finding:
    is_told = isinstance(error, PipelineEngineError)
    return Finding(Severity.ERROR, str(error) if is_told else reason_in(error, whole_path=True))
