"""The Python environment that packages are installed into: what is there, and whose it is."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline_engine.marketplace.format.records import Release
from pipeline_engine.marketplace.refusals import (
    ActionTypeTaken,
    IncompatibleRelease,
    MissingDependency,
    UnsafePackage,
)
from pipeline_engine.marketplace.wheels import Wheel
from pipeline_engine.registry import GROUP, OWN_DISTRIBUTION, Registry


def _site() -> Path:
    """Where pip installs: for who may not change the environment, among his own packages."""
    everybodys = Path(sysconfig.get_path("purelib"))
    if os.access(everybodys, os.W_OK) or not site.ENABLE_USER_SITE:
        return everybodys
    return Path(site.getusersitepackages())


@dataclass(frozen=True)
class Environment:
    """Its Python, the folder that packages go to, and all folders that are searched."""

    python: str
    site: Path
    path: tuple[str, ...]

    @classmethod
    def here(cls) -> Environment:
        """That of this process."""
        return cls(sys.executable, _site(), tuple(sys.path))

    def distributions(self) -> Iterator[metadata.Distribution]:
        """What is installed; of two with the same name, the one that is found first."""
        seen = set()
        for found in metadata.distributions(path=list(self.path)):
            if found.name and (name := canonicalize_name(found.name)) not in seen:
                seen.add(name)
                yield found

    def find(self, package: str) -> metadata.Distribution | None:
        """An installed package; null if it is not here."""
        return next(iter(metadata.distributions(name=package, path=list(self.path))), None)

    def version_of(self, package: str) -> str | None:
        """Which version of it is installed."""
        found = self.find(package)
        return None if found is None else found.version

    def others(self, package: str) -> Iterator[metadata.Distribution]:
        """What is installed beside *package*."""
        return (one for one in self.distributions() if canonicalize_name(one.name) != package)


@cache
def built_in() -> frozenset[str]:
    """The types and aliases of the engine's own actions, which are loaded for that."""
    metas = [action.meta for action in Registry.discover(_own_points())]
    return frozenset(name for meta in metas for name in (meta.type, *meta.aliases))


def built_in_types() -> frozenset[str]:
    """The types alone: the entry points say them, and nothing is loaded."""
    return frozenset(point.name.partition("@")[0] for point in _own_points())


def _own_points() -> list[metadata.EntryPoint]:
    points = metadata.entry_points(group=GROUP)
    return [one for one in points if one.dist and one.dist.name == OWN_DISTRIBUTION]


def actions_of(distribution: metadata.Distribution) -> dict[str, str]:
    """The entry points of its actions: what each leads to, by name."""
    return {one.name: one.value for one in distribution.entry_points if one.group == GROUP}


def check_names(release: Release, environment: Environment) -> None:
    """Raise ``ActionTypeTaken`` if *release* claims what is somebody else's."""
    owners = dict.fromkeys(built_in(), OWN_DISTRIBUTION)
    for other in environment.others(release.name):
        owners.update({name.partition("@")[0]: other.name for name in actions_of(other)})
    if taken := sorted(release.names & owners.keys()):
        raise ActionTypeTaken(
            f"{release.name} claims '{taken[0]}', which {owners[taken[0]]} has already."
        )


def missing(release: Release, environment: Environment) -> list[str]:
    """What it needs and is not installed. Raises ``MissingDependency`` for another version of it.

    Another version is never installed: something else here wants the one that is.
    """
    found = []
    for text in release.dependencies:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        version = environment.version_of(canonicalize_name(wanted.name))
        if version is None:
            found.append(text)
        elif not wanted.specifier.contains(version, prereleases=True):
            raise MissingDependency(
                f"{release.name} {release.version} needs {text}, and {wanted.name} {version} is "
                "installed."
            )
    return found


def check_files(wheel: Wheel, release: Release, environment: Environment) -> None:
    """Raise ``UnsafePackage`` if the wheel has files or modules in the place of others'."""
    old = environment.find(release.name)
    if old is not None:
        _check_old(old, release, environment)
    own = {str(path) for path in (old.files or [])} if old else set()
    for path in wheel.files:
        if str(path) not in own and (environment.site / path).exists():
            raise UnsafePackage(f"{release.name} would replace {path}, which is not its own.")
    owners = _owners(release.name, environment)
    for module in release.modules:
        if module in sys.stdlib_module_names:
            raise UnsafePackage(f"{release.name} has a module {module}, as Python itself has.")
        if module in owners and not _is_namespace(wheel, module, environment):
            raise UnsafePackage(
                f"{release.name} has a module {module}, which is that of {owners[module]}."
            )


def _check_old(old: metadata.Distribution, release: Release, environment: Environment) -> None:
    """Raise if what is installed under the name of *release* is not for it to replace."""
    if release.name == OWN_DISTRIBUTION or not actions_of(old):
        raise UnsafePackage(
            f"{release.name} {old.version} is installed, and is no package of actions: a source "
            "of actions does not replace it."
        )
    if not Path(str(old.locate_file(""))).samefile(environment.site):
        raise IncompatibleRelease(
            f"{release.name} {old.version} is installed outside of this environment "
            f"({old.locate_file('')}), where it cannot be replaced."
        )


def _owners(package: str, environment: Environment) -> Mapping[str, str]:
    """Whose module each is that can be imported."""
    found = {}
    for other in environment.others(package):
        listed = (other.read_text("top_level.txt") or "").split()
        found.update(dict.fromkeys(listed or _tops(other), other.name))
    return found


def _tops(distribution: metadata.Distribution) -> set[str]:
    """The modules of a package that names none, by its files."""
    tops = {path.parts[0] for path in distribution.files or ()}
    return {top.split(".")[0] for top in tops if not top.endswith("-info")}


def _is_namespace(wheel: Wheel, module: str, environment: Environment) -> bool:
    """Whether several packages may share it: nobody has an ``__init__.py`` in it."""
    init = PurePosixPath(module) / "__init__.py"
    single = PurePosixPath(f"{module}.py")
    return not (
        {init, single} & set(wheel.files)
        or any((Path(place) / init).exists() for place in environment.path)
        or not (environment.site / module).is_dir()
    )
