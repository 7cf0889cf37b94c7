"""Which packages are trusted, and what the others may use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from pipeline_engine.config import Settings

#: The group of entry points that lead to actions.
GROUP = "pipeline_engine.actions"
#: The engine's own distribution, whose actions are always trusted.
OWN_DISTRIBUTION = "pipeline-engine"
EVERYTHING = "*"
MEGABYTE = 1024 * 1024
#: The settings that terms are made of.
SETTINGS = (
    "trusted_packages",
    "isolated_sandbox",
    "isolated_memory_mb",
    "isolated_cpu_seconds",
    "isolated_file_mb",
    "isolated_processes",
    "isolated_children",
)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Whom this installation trusts, and the limits of a child process."""

    trusted: tuple[str, ...] = ()
    sandbox: str = "auto"  #: one of ``Sandbox``, or the best that this machine has
    memory_bytes: int = 512 * MEGABYTE  #: address space of a process
    cpu_seconds: int = 60  #: processor time of one call
    file_bytes: int = 64 * MEGABYTE  #: size of a file
    processes: int = 32  #: processes and threads that a child may have besides itself
    open_files: int = 256
    children: int = 4  #: child processes that one process of the engine keeps

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """The terms that a process was given."""
        return cls._said({name: getattr(settings, name) for name in SETTINGS})

    @classmethod
    def from_env(cls) -> Terms:
        """The same for a command that needs no other setting. Raises ``InvalidSettings``."""
        return cls._said(Settings.some_from_env(*SETTINGS))

    @classmethod
    def _said(cls, settings: Mapping[str, Any]) -> Terms:
        return cls(
            trusted=settings["trusted_packages"],
            sandbox=settings["isolated_sandbox"],
            memory_bytes=settings["isolated_memory_mb"] * MEGABYTE,
            cpu_seconds=settings["isolated_cpu_seconds"],
            file_bytes=settings["isolated_file_mb"] * MEGABYTE,
            processes=settings["isolated_processes"],
            children=settings["isolated_children"],
        )

    def trusts(self, distribution: str) -> bool:
        """Whether the actions of a package run in the engine's own processes."""
        if EVERYTHING in self.trusted:
            return True
        known = {_normal(name) for name in (OWN_DISTRIBUTION, *self.trusted)}
        return _normal(distribution) in known

    def trusting(self, packages: Iterable[str]) -> Terms:
        """The same terms for an engine that trusts these, too."""
        return replace(self, trusted=(*self.trusted, *packages))

    @property
    def limits(self) -> Mapping[str, int]:
        """What a child is told of them."""
        return {
            "memory": self.memory_bytes,
            "cpu": self.cpu_seconds,
            "file": self.file_bytes,
            "processes": self.processes,
            "open_files": self.open_files,
        }


#: For who runs code of a package knowingly: an author who tries his own.
TRUSTING = Terms(trusted=(EVERYTHING,))


def untrusted(terms: Terms) -> list[str]:
    """The installed packages with actions that run isolated; none of them is imported."""
    found = {one.dist.name for one in metadata.entry_points(group=GROUP) if one.dist}
    return sorted(name for name in found if not terms.trusts(name))


def _normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
