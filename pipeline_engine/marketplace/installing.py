"""A release is looked at from all sides; then it is installed as a whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from pipeline_engine.marketplace import environment as places
from pipeline_engine.marketplace import wheels
from pipeline_engine.marketplace.choosing import chosen, meant
from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.format.index import Listing
from pipeline_engine.marketplace.format.records import Release
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.pip import Pip
from pipeline_engine.marketplace.refusals import (
    AmbiguousPackage,
    InstallFailed,
    MissingDependency,
)
from pipeline_engine.marketplace.sources import Shelf, holding


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be installed: verified, and not yet there."""

    source: str
    listing: Listing
    content: bytes
    replaces: str | None  #: the version that is installed
    missing: Sequence[str]  #: what pip would have to get, too

    @property
    def release(self) -> Release:
        """What the record says."""
        return self.listing.release

    @property
    def is_here(self) -> bool:
        """Whether this very version is installed."""
        return self.replaces is not None and Version(self.replaces) == self.release.number


def planned(
    shelves: Sequence[Shelf], wanted: str, memory: Memory, environment: Environment
) -> Plan:
    """Find, download and verify a release; raises what ``refusals`` has, and changes nothing."""
    name, versions = meant(wanted)
    shelf = holding(shelves, name)
    listing = chosen(shelf.index.packages[name], versions)
    release = listing.release
    before = memory.source_of(name)
    if before is not None and before != shelf.source.name and environment.find(name):
        raise AmbiguousPackage(
            f"{name} was installed from {before}, and this one is from {shelf.source.name}: "
            "uninstall it first if you mean to change."
        )
    content = shelf.wheel(release.file)
    wheels.compare(wheels.read(content), release)
    _check_place(release, content, environment)
    missing = places.missing(release, environment)
    return Plan(shelf.source.name, listing, content, environment.version_of(name), missing)


def _check_place(release: Release, content: bytes, environment: Environment) -> None:
    """Raise if something else is where it would be."""
    places.check_names(release, environment)
    places.check_files(wheels.read(content), release, environment)


def check_dependencies(plan: Plan, *, with_dependencies: bool) -> None:
    """Raise ``MissingDependency`` if something is missing that pip is not to get."""
    if plan.missing and not with_dependencies:
        raise MissingDependency(
            f"{plan.release.name} needs {', '.join(plan.missing)}: install that first, or let pip "
            "get it from its own index (--with-dependencies)."
        )


def carry_out(
    plan: Plan,
    memory: Memory,
    environment: Environment,
    *,
    now: datetime,
    with_dependencies: bool = False,
) -> None:
    """Install what was planned. Raises ``InstallFailed``; then all is as it was before."""
    check_dependencies(plan, with_dependencies=with_dependencies)
    pip = Pip(environment.python)
    try:
        with (
            memory.alone(),
            tempfile.TemporaryDirectory() as folder,
            _or_as_before(plan.release.name, environment, pip, Path(folder)),
        ):
            _check_place(plan.release, plan.content, environment)  # as it is by now
            if plan.missing:
                constraints = _as_they_are(environment, Path(folder))
                pip.install_from_index(list(plan.missing), str(constraints))
            wheel = Path(folder) / plan.release.file.name
            wheel.write_bytes(plan.content)
            pip.install_file(str(wheel))
            _check_installed(plan.release, environment)
    except OSError as error:
        raise InstallFailed(f"This environment cannot be changed: {error}") from error
    memory.came_from(plan.release.name, _remembered(plan, now))


def _remembered(plan: Plan, now: datetime) -> dict[str, str]:
    return {
        "source": plan.source,
        "version": plan.release.version,
        "sha256": plan.release.file.sha256,
        "key": plan.listing.signature.key,
        "installed_at": now.isoformat(),
    }


def _check_installed(release: Release, environment: Environment) -> None:
    """Raise ``InstallFailed`` unless what is there now is what was signed."""
    found = environment.find(release.name)
    if found is None or Version(found.version) != release.number:
        raise InstallFailed(f"pip has not installed {release.name} {release.version}.")
    if places.actions_of(found) != dict(release.entry_points):
        raise InstallFailed(
            f"What pip has installed has other actions than {release.name} {release.version}."
        )


def _as_they_are(environment: Environment, folder: Path) -> Path:
    """A file that keeps pip from changing what is installed."""
    lines = (f"{one.name}=={one.version}\n" for one in environment.distributions())
    file = folder / "constraints.txt"
    file.write_text("".join(lines), encoding="utf-8")
    return file


@contextmanager
def _or_as_before(package: str, environment: Environment, pip: Pip, folder: Path) -> Iterator[None]:
    """Whatever ends the block, also Ctrl-C, leaves the environment whole: changed or unchanged."""
    old = environment.find(package)
    kept = _kept(old, folder / "before") if old else []
    before = _names(environment)
    try:
        yield
    except BaseException:
        added = _names(environment) - before
        there = {package} if environment.find(package) else set()
        if added | there:
            pip.uninstall(*sorted(added | there))
        _put_back(kept)
        raise


def _names(environment: Environment) -> set[str]:
    return {canonicalize_name(one.name) for one in environment.distributions()}


def _kept(distribution: metadata.Distribution, folder: Path) -> list[tuple[Path, Path]]:
    """Copies of the files of a package, each with its place."""
    copies = []
    for number, path in enumerate(distribution.files or ()):
        place = Path(str(distribution.locate_file(path)))
        if place.is_file():
            copy = folder / str(number)
            folder.mkdir(exist_ok=True)
            shutil.copy2(place, copy)
            copies.append((copy, place))
    return copies


def _put_back(copies: Sequence[tuple[Path, Path]]) -> None:
    for copy, place in copies:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(copy, place)
