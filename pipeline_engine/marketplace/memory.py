"""What this environment remembers: the newest index of each source, and what came from where.

An index that is older than one that was read before was replayed: somebody wants to hide a release,
or that one was yanked. A package is upgraded from the source that it came from, and no other.
"""

from __future__ import annotations

import fcntl
import os
import site
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from pipeline_engine.marketplace.format.index import SignedIndex
from pipeline_engine.marketplace.refusals import (
    IndexExpired,
    IndexRolledBack,
    MarketplaceStateUnreadable,
)

log = structlog.get_logger(__name__)

Document = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Memory:
    """The file in which it stands; what is not there has not been seen."""

    path: Path

    @classmethod
    def of_environment(cls, path: str | None = None) -> Memory:
        """That of this Python environment; of his own one, for who may not change this one."""
        if path is not None:
            return cls(Path(path))
        is_own = site.ENABLE_USER_SITE and not os.access(sys.prefix, os.W_OK)
        base = Path(site.getuserbase() if is_own else sys.prefix)
        return cls(base / "var" / "pipeline-engine" / "marketplace.json")

    def believe(self, source: str, found: SignedIndex, *, now: datetime) -> None:
        """Remember *found*, whose signature is good.

        Raises ``IndexExpired``, or ``IndexRolledBack`` if a newer one was read before.
        """
        index = found.index
        if now >= index.expires_at:
            raise IndexExpired(
                f"The index of {source} was good until {index.expires_at:%Y-%m-%d %H:%M} UTC. "
                "Its publisher has to sign it again."
            )
        known = self._read().get("sources", {}).get(source)
        if known is None or index.serial > known["serial"]:
            self._keep("sources", source, {"serial": index.serial, "sha256": found.digest})
        elif (index.serial, found.digest) != (known["serial"], known["sha256"]):
            raise IndexRolledBack(
                f"The index of {source} has the number {index.serial}; number {known['serial']} "
                f"was read before, and is another one. If the source has begun anew, remove it "
                f"from {self.path}."
            )

    def source_of(self, package: str) -> str | None:
        """The source that *package* was installed from; null: none, or it is not known."""
        found = self._read().get("installed", {}).get(package)
        return None if found is None else str(found["source"])

    def installed(self) -> Mapping[str, Mapping[str, Any]]:
        """By package: what was installed, from which source."""
        return self._read().get("installed", {})

    def came_from(self, package: str, facts: Mapping[str, Any]) -> None:
        """Remember whence *package* is."""
        self._keep("installed", package, facts)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from installing into this environment. Raises ``OSError``."""
        with self._locked("installing"):
            yield

    @contextmanager
    def _locked(self, doing: str) -> Iterator[None]:
        """One process, or thread, at a time. Raises ``OSError``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(f".{doing}").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> Document:
        try:
            found = orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, orjson.JSONDecodeError) as error:
            raise MarketplaceStateUnreadable(f"{self.path} cannot be read: {error}") from error
        return found if isinstance(found, dict) else {}

    def _keep(self, part: str, name: str, facts: Mapping[str, Any]) -> None:
        """Write one entry. Who may only read the environment installs nothing into it, either."""
        written = self.path.with_suffix(".new")
        try:
            with self._locked("writing"):
                document = self._read()
                document.setdefault(part, {})[name] = dict(facts)
                written.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
                written.replace(self.path)
        except OSError as error:
            log.debug("marketplace_state_not_kept", path=str(self.path), error=str(error))
