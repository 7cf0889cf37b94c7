"""The folder of one stack (``.pipeline/``): what lies where, and who holds it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline_engine.embedded.binaries import SYSTEM_DIRECTORY
from pipeline_engine.embedded.errors import AlreadyRunning
from pipeline_engine.embedded.privileges import Account, is_open_to_all, server_account


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of one stack."""

    directory: Path
    servers: Path  # the servers' data; elsewhere if their account cannot reach the directory
    account: Account | None

    @classmethod
    def at(cls, directory: Path) -> Home:
        """Make the folder of a stack, or find the one that is there."""
        directory = directory.resolve()
        account = server_account()
        directory.mkdir(mode=0o711 if account else 0o700, parents=True, exist_ok=True)
        home = cls(directory, _servers_of(directory, account), account)
        for folder in (home.logs, home.held):
            folder.mkdir(mode=0o700, exist_ok=True)
        home._gitignore.write_text("*\n")
        return home

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.directory / "logs"

    @property
    def held(self) -> Path:
        """An empty file per process that is to stay down."""
        return self.directory / "held"

    @property
    def credentials(self) -> Path:
        """Passwords and keys that were made for this stack."""
        return self.directory / "credentials.json"

    @property
    def state(self) -> Path:
        """What runs at the moment, for the other commands and for the next ``up``."""
        return self.directory / "state.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the stack; the kernel lets go if we die.  Raises ``AlreadyRunning``."""
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"A stack is running in {self.directory} already.") from None
            yield

    def is_locked(self) -> bool:
        """Tell whether a supervisor holds this stack."""
        try:
            with self.locked():
                return False
        except AlreadyRunning:
            return True

    def remove(self) -> None:
        """Delete everything that we made here, the servers' data included, and nothing else."""
        for folder in (self.servers, self.logs, self.held):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.credentials, self.state, self._lock, self._gitignore):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps files of their own here
            self.directory.rmdir()

    @property
    def _lock(self) -> Path:
        return self.directory / "lock"

    @property
    def _gitignore(self) -> Path:
        return self.directory / ".gitignore"


def _servers_of(directory: Path, account: Account | None) -> Path:
    digest = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    elsewhere = SYSTEM_DIRECTORY / "stacks" / digest
    # Data that is elsewhere stays there, even if the directory has been opened since.
    if account and (elsewhere.exists() or not is_open_to_all(directory)):
        return elsewhere
    return directory / "servers"
