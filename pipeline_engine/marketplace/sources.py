"""The sources of packages: an index is read, and believed if it is signed, fresh and the newest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline_engine.marketplace import fetching
from pipeline_engine.marketplace.fetching import TooLarge
from pipeline_engine.marketplace.format import index
from pipeline_engine.marketplace.format.index import Index, Listing, offered
from pipeline_engine.marketplace.format.records import WheelFile
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.refusals import (
    AmbiguousPackage,
    HashMismatch,
    InvalidIndex,
    PackageNotFound,
    SizeMismatch,
    UnknownSource,
)
from pipeline_engine.setting_kinds import MarketplaceSource


@dataclass(frozen=True, slots=True)
class Shelf:
    """A source, and its index as it is believed."""

    source: MarketplaceSource
    index: Index

    def search(self, words: str) -> Iterator[tuple[str, Sequence[Listing]]]:
        """The packages that have each of *words* in their name, summary or actions."""
        wanted = words.lower().split()
        for name, found in self.index.packages.items():
            if found and all(word in _text_of(name, offered(found)) for word in wanted):
                yield name, found

    def wheel(self, file: WheelFile) -> bytes:
        """The file of a release. Raises ``SizeMismatch`` or ``HashMismatch`` if it is another."""
        try:
            content = fetching.wheel_of(self.source, file.name, max_bytes=file.size)
        except TooLarge as error:
            raise SizeMismatch(f"{file.name} is larger than {file.size} bytes.") from error
        if len(content) != file.size:
            raise SizeMismatch(f"{file.name} has {len(content)} bytes, not {file.size}.")
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise HashMismatch(f"{file.name} is not the file that was signed: another SHA-256.")
        return content


def _text_of(name: str, listing: Listing) -> str:
    release = listing.release
    of_actions = (f"{one.type} {one.name} {one.description}" for one in release.actions)
    return " ".join((name, release.summary, *of_actions)).lower()


def opened(source: MarketplaceSource, memory: Memory, *, now: datetime) -> Shelf:
    """Read the index of *source*, check it, and remember it; raises what ``refusals`` has."""
    try:
        found = index.read(fetching.index_of(source, max_bytes=index.MOST_BYTES))
    except TooLarge as error:
        raise InvalidIndex(
            f"The index of {source.name} has more than {index.MOST_BYTES} bytes."
        ) from error
    believed = found.check(source.index_keys or source.keys, source.keys)
    memory.believe(source.name, found, now=now)
    return Shelf(source, believed)


def named(sources: Sequence[MarketplaceSource], name: str | None) -> Sequence[MarketplaceSource]:
    """The source of this name, or all. Raises ``UnknownSource``."""
    if name is None:
        return sources
    found = [source for source in sources if source.name == name]
    if not found:
        known = ", ".join(source.name for source in sources) or "there is none"
        raise UnknownSource(f"No source is called '{name}': {known}.")
    return found


def holding(shelves: Sequence[Shelf], package: str) -> Shelf:
    """The one shelf with *package*. Raises ``PackageNotFound`` or ``AmbiguousPackage``.

    Nobody is given the package of one source because another one is asked first.
    """
    found = [shelf for shelf in shelves if shelf.index.packages.get(package)]
    if not found:
        raise PackageNotFound(f"No source has a package '{package}'.")
    if len(found) > 1:
        names = ", ".join(shelf.source.name for shelf in found)
        raise AmbiguousPackage(f"'{package}' is in {names}: say which with --source.")
    return found[0]
