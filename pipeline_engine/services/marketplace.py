"""Packages of actions that could be installed here, and which are. Installing is the operator's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline_engine.config import Settings
from pipeline_engine.marketplace import refusals
from pipeline_engine.marketplace.choosing import obstacles
from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.format.index import Listing, offered
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.shelves import Look, Shelves
from pipeline_engine.marketplace.sources import holding, named
from pipeline_engine.services.pages import Listed, Page

__all__ = ["Found", "Offer", "Package", "Shelves", "get", "refusals", "search", "shelves_of"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a source."""

    source: str
    name: str
    listings: Sequence[Listing]  #: the newest release first
    installed_version: str | None

    @property
    def newest(self) -> Listing:
        """What would be installed if nothing kept it from running here."""
        return offered(self.listings)

    @property
    def has_update(self) -> bool:
        """Whether a newer release than the installed one is there."""
        here = self.installed_version
        return here is not None and self.newest.release.is_newer_than(here)

    @property
    def releases(self) -> list[Offer]:
        """Each release with what keeps it from running here."""
        return [Offer(listing, list(obstacles(listing.release))) for listing in self.listings]


@dataclass(frozen=True, slots=True)
class Offer:
    """A release, and why it does not run here."""

    listing: Listing
    obstacles: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """Some packages, and how up to date each source is."""

    packages: Listed[Package]
    sources: Sequence[Look]


def shelves_of(settings: Settings) -> Shelves:
    """The sources that the operator has named; nobody else's are ever asked."""
    memory = Memory.of_environment(settings.marketplace_state)
    return Shelves(settings.marketplace_sources, memory)


def search(shelves: Shelves, words: str, page: Page, *, now: datetime) -> Found:
    """The packages with all of *words* in their names, summaries or actions; by name."""
    looks = shelves.looks(now)
    found = sorted(
        (name, look.source.name, listings)
        for look in looks
        if look.shelf is not None
        for name, listings in look.shelf.search(words)
    )
    shown = found[page.offset : page.offset + page.size]
    here = Environment.here()
    packages = [
        Package(source, name, listings, here.version_of(name)) for name, source, listings in shown
    ]
    return Found(Listed(packages, len(found), page), looks)


def get(shelves: Shelves, name: str, source: str | None, *, now: datetime) -> Package:
    """One package with its releases.

    Raises ``PackageNotFound``, ``AmbiguousPackage``, ``UnknownSource``, and if a source that may
    have it cannot be read ``MarketplaceUnavailable``.
    """
    looks = shelves.looks(now)
    wanted = {one.name for one in named([look.source for look in looks], source)}
    asked = [look for look in looks if look.source.name in wanted]
    known = [look.shelf for look in asked if look.shelf is not None]
    away = [look.source.name for look in asked if look.shelf is None]
    if away and not any(name in shelf.index.packages for shelf in known):
        raise refusals.MarketplaceUnavailable(f"{', '.join(away)} cannot be read at the moment.")
    shelf = holding(known, name)
    version = Environment.here().version_of(name)
    return Package(shelf.source.name, name, shelf.index.packages[name], version)
