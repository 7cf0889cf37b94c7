"""What runs in a stack at the moment: one small file, written by its supervisor only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline_engine.embedded.credentials import write_private


class ProcessStatus(StrEnum):
    """Where a process of the stack stands."""

    RUNNING = "running"
    BACKING_OFF = "backing off"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One process of the stack, as last seen by the supervisor."""

    name: str
    status: ProcessStatus
    pid: int | None
    started_at: float | None  # seconds since the epoch, as the operating system says
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The stack as its supervisor last described it."""

    pid: int
    started_at: float
    ready: bool = False
    # What a client must know: PIPELINE_API_URL, PIPELINE_API_TOKEN, …
    exports: Mapping[str, str] = field(default_factory=dict, repr=False)
    # What else a process of this stack must know: DATABASE_URL, REDIS_URL, PIPELINE_SECRET_KEY
    servers: Mapping[str, str] = field(default_factory=dict, repr=False)
    processes: tuple[ProcessState, ...] = ()
    remarks: tuple[str, ...] = ()  # for those who look at the stack later

    def process(self, name: str) -> ProcessState:
        """Return one process by its name; ``KeyError`` if there is none."""
        return {process.name: process for process in self.processes}[name]

    def write(self, path: Path) -> None:
        """Replace the file at once: a reader sees the old state or the new one."""
        write_private(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> StackState | None:
        """Return what was last written, or None if nothing was."""
        try:
            document: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        processes = (
            ProcessState(**process | {"status": ProcessStatus(process["status"])})
            for process in document.pop("processes")
        )
        remarks = tuple(document.pop("remarks", ()))
        return cls(**document, processes=tuple(processes), remarks=remarks)
