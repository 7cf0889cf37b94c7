"""A folder with an index and wheels, which any web server can offer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from packaging.utils import canonicalize_name

from pipeline_engine.marketplace import wheels
from pipeline_engine.marketplace.environment import built_in_types
from pipeline_engine.marketplace.format import index as indexes
from pipeline_engine.marketplace.format.index import FILE_NAME, Index, Listing
from pipeline_engine.marketplace.format.records import MOST_WHEEL_BYTES, ReleaseSchema, in_words
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.publishing import reading
from pipeline_engine.marketplace.refusals import (
    ActionTypeTaken,
    InvalidPackage,
    ReleaseExists,
    ReleaseNotFound,
)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where an index is kept, and the key that signs it."""

    path: Path
    key: SigningKey  #: of the index
    believed_for: timedelta  #: how long the index is to be believed
    former: tuple[bytes, ...] = ()  #: public keys that signed it before

    def publish(
        self, wheel: Path, release_key: SigningKey, *, now: datetime, name: str = ""
    ) -> Listing:
        """Add a wheel, signed with *release_key*. The index is new if there was none."""
        now = now.replace(microsecond=0)
        content = _content_of(wheel)
        record = _record_of(wheel, content, now)
        before = self._index(name or self.path.resolve().name, now)
        if known := _known(before, record):
            return known
        record["actions"] = reading.actions_of(wheel)
        try:
            release = ReleaseSchema().load(record)
        except ValidationError as error:
            raise InvalidPackage(f"{wheel.name}: {in_words(error.messages)}") from error
        if taken := sorted(release.names & built_in_types()):
            raise ActionTypeTaken(f"{release.name} claims '{taken[0]}', which the engine has.")
        listing = Listing(record, release, release_key.sign("release", record))
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / wheel.name, content)
        self._save(before, _added(before.packages, listing), now)
        return listing

    def yank(self, package: str, version: str, reason: str | None, *, now: datetime) -> Listing:
        """Take a release back, or with no *reason* offer it again. Raises ``ReleaseNotFound``."""
        before = self._index(self.path.name, now)
        name = canonicalize_name(package)
        found = before.packages.get(name, ())
        old = next((one for one in found if one.release.version == version), None)
        if old is None:
            raise ReleaseNotFound(f"The index in {self.path} has no {name} {version}.")
        new = replace(old, yanked=reason)
        listings = [new if one is old else one for one in found]
        self._save(before, {**before.packages, name: listings}, now)
        return new

    def renew(self, *, now: datetime) -> Index:
        """Sign the index again, so that it is believed for longer."""
        before = self._index(self.path.name, now)
        return self._save(before, before.packages, now)

    def _index(self, name: str, now: datetime) -> Index:
        """The index as it is; what others have put into it is not signed along."""
        try:
            found = indexes.read((self.path / FILE_NAME).read_bytes())
        except FileNotFoundError:
            return Index(name, 0, now, now, {})
        except OSError as error:
            raise InvalidPackage(f"{self.path} cannot be read: {error.strerror}.") from error
        found.signature.check("index", found.raw, (self.key.public, *self.former))
        return found.index

    def _save(
        self, before: Index, packages: Mapping[str, Sequence[Listing]], now: datetime
    ) -> Index:
        now = now.replace(microsecond=0)
        after = Index(before.name, before.serial + 1, now, now + self.believed_for, packages)
        _write(self.path / FILE_NAME, after.signed(self.key))
        return after


def _content_of(wheel: Path) -> bytes:
    try:
        if wheel.stat().st_size > MOST_WHEEL_BYTES:
            raise InvalidPackage(f"{wheel} has more than {MOST_WHEEL_BYTES} bytes.")
        return wheel.read_bytes()
    except OSError as error:
        raise InvalidPackage(f"{wheel} cannot be read: {error.strerror}.") from error


def _record_of(wheel: Path, content: bytes, now: datetime) -> dict[str, Any]:
    """What is signed of a release, as JSON, but for its actions."""
    facts = wheels.read(content).facts()
    return facts | {
        "published_at": now.isoformat(),
        "file": {
            "name": wheel.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        },
    }


def _known(index: Index, record: Mapping[str, Any]) -> Listing | None:
    """The same release, if it was published before. Raises ``ReleaseExists`` for another one."""
    for listing in index.packages.get(record["name"], ()):
        if listing.release.version == record["version"]:
            if listing.release.file.sha256 == record["file"]["sha256"]:
                return listing
            raise ReleaseExists(
                f"{record['name']} {record['version']} was published before with another file: "
                "give the new one a new version."
            )
    return None


def _added(
    packages: Mapping[str, Sequence[Listing]], listing: Listing
) -> dict[str, Sequence[Listing]]:
    name = listing.release.name
    both = [listing, *packages.get(name, ())]
    return {**packages, name: sorted(both, key=lambda one: one.release.number, reverse=True)}


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one go: readers see the old one or the new one."""
    written = path.with_name(f".{path.name}.new")
    written.write_bytes(content)
    written.replace(path)
