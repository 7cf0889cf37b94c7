"""Which release of a package is meant, and whether it runs here."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from pipeline_engine import __version__
from pipeline_engine.marketplace.format.index import Listing, offered
from pipeline_engine.marketplace.format.records import Release
from pipeline_engine.marketplace.refusals import (
    IncompatibleRelease,
    ReleaseNotFound,
    ReleaseYanked,
)

#: ``acme-greetings``, ``acme-greetings@1.2.0``, ``acme-greetings>=1,<2``
WANTED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)\s*(?P<range>@.*|[<>=!~].*)?", re.ASCII)


def meant(text: str) -> tuple[str, SpecifierSet]:
    """The package and the range of versions in *text*. Raises ``ReleaseNotFound``."""
    found = WANTED.fullmatch(text.strip())
    try:
        if found is None:
            raise InvalidSpecifier
        versions = found["range"] or ""
        versions = f"=={versions[1:].strip()}" if versions.startswith("@") else versions
        return canonicalize_name(found["name"]), SpecifierSet(versions)
    except InvalidSpecifier as error:
        raise ReleaseNotFound(
            f"'{text}' names no release; write NAME, NAME@1.2.0 or 'NAME>=1,<2'."
        ) from error


def chosen(listings: Sequence[Listing], versions: SpecifierSet) -> Listing:
    """The newest release in the range that runs here and is not yanked.

    Raises ``ReleaseNotFound``, ``ReleaseYanked`` or ``IncompatibleRelease``.
    """
    fitting = _newest_first(listings, versions)
    if not fitting:
        raise _no_release(listings, versions)
    offered = [listing for listing in fitting if listing.yanked is None]
    if not offered:
        first = fitting[0]
        told = f"{first.release.name} {first.release.version} was taken back by its publisher"
        raise ReleaseYanked(f"{told}: {first.yanked}")
    for listing in offered:
        if not any(obstacles(listing.release)):
            return listing
    release = offered[0].release
    raise IncompatibleRelease(
        f"{release.name} {release.version} does not run here: it {next(obstacles(release))}."
    )


def upgrade(listings: Sequence[Listing], installed: str) -> Listing | None:
    """The newest release that runs here, if it comes after the installed one."""
    try:
        found = chosen(listings, SpecifierSet()) if listings else None
    except (ReleaseYanked, IncompatibleRelease):
        return None
    return found if found and found.release.is_newer_than(installed) else None


def newest(listings: Sequence[Listing], versions: SpecifierSet) -> Listing:
    """The newest release in the range, whatever keeps it from being installed."""
    fitting = _newest_first(listings, versions)
    if not fitting:
        raise _no_release(listings, versions)
    return offered(fitting)


def _no_release(listings: Sequence[Listing], versions: SpecifierSet) -> ReleaseNotFound:
    known = ", ".join(listing.release.version for listing in listings)
    name = listings[0].release.name
    return ReleaseNotFound(f"{name} has no release {versions}; there are {known}.")


def _newest_first(listings: Sequence[Listing], versions: SpecifierSet) -> list[Listing]:
    """Those in the range; versions before a release only if there is nothing else."""
    by_number = {listing.release.number: listing for listing in listings}
    return [by_number[number] for number in sorted(versions.filter(by_number), reverse=True)]


def obstacles(release: Release) -> Iterator[str]:
    """Why it does not run here, as the rest of a sentence."""
    if release.requires_python and not _within(release.requires_python, platform.python_version()):
        yield f"wants Python {release.requires_python}, and this is {platform.python_version()}"
    if release.requires_engine and not _within(release.requires_engine, __version__):
        yield f"wants pipeline-engine {release.requires_engine}, and this is {__version__}"
    if parse_wheel_filename(release.file.name)[3].isdisjoint(sys_tags()):
        yield f"is built for another machine or Python ({release.file.name})"


def _within(versions: str, number: str) -> bool:
    return SpecifierSet(versions).contains(Version(number), prereleases=True)
