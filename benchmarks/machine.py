"""Where a measurement was taken; a rate means nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from sqlalchemy import Engine

PACKAGES = ("celery", "kombu", "redis", "sqlalchemy", "psycopg2-binary", "orjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine, the versions, and the state of the code."""

    system: str
    processor: str
    memory_gib: float
    cpus: int
    load: float  #: of the last minute: what others were doing
    python: str
    postgresql: str
    packages: dict[str, str]
    commit: str

    @classmethod
    def here(cls, engine: Engine) -> Machine:
        """Describe this machine and the servers that are measured with."""
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
        return cls(
            system=f"{platform.system()} {platform.machine()}",
            processor=_processor(),
            memory_gib=round(psutil.virtual_memory().total / 1024**3, 1),
            cpus=os.cpu_count() or 1,
            load=round(os.getloadavg()[0], 2),
            python=platform.python_version(),
            postgresql=version,
            packages={name: metadata.version(name) for name in PACKAGES},
            commit=_commit(),
        )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    asked = subprocess.run(  # noqa: S603 (the command is ours)
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
