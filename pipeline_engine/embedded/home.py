"""The folder of one stack (``.pipeline/``): what lies where, and who holds it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline_engine.embedded.binaries import SYSTEM_DIRECTORY
from pipeline_engine.embedded.errors import AlreadyRunning
from pipeline_engine.embedded.leftovers import SAME_START_SECONDS, started_at
from pipeline_engine.embedded.privileges import Account, is_open_to_all, server_account
from pipeline_engine.embedded.state import StackState

#: Flags of the lock file: not through a link, and not inherited by the programs of the stack.
LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


CREDENTIALS = "credentials.json"
IGNORE_ALL = "*\n"


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
        if not home._gitignore.exists():
            home._gitignore.write_text(IGNORE_ALL)
        return home

    @classmethod
    def is_at(cls, directory: Path) -> bool:
        """Tell whether there is, or has been, a stack in *directory*; makes nothing."""
        return any((directory / name).exists() for name in ("lock", "state.json", CREDENTIALS))

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
        return self.directory / CREDENTIALS

    @property
    def ports(self) -> Path:
        """The ports of this stack, which it keeps."""
        return self.directory / "ports.json"

    @property
    def state(self) -> Path:
        """What runs at the moment, for the other commands and for the next ``up``."""
        return self.directory / "state.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the stack; the kernel lets go if we die.  Raises ``AlreadyRunning``."""
        self._forget_open_lock()
        with os.fdopen(os.open(self._lock, LOCK_FLAGS, 0o600), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"A stack is running in {self.directory} already.") from None
            yield

    def _forget_open_lock(self) -> None:
        """Replace a lock that others may open, and so may hold, unless a stack of ours runs."""
        with suppress(FileNotFoundError):
            is_open = self._lock.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
            if is_open and not self._is_run():
                self._lock.unlink()

    def _is_run(self) -> bool:
        state = StackState.read(self.state)
        start = started_at(state.pid) if state else None
        if state is None or start is None:
            return False
        return abs(start - state.started_at) < SAME_START_SECONDS

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
        for file in (*self._files, *self._own_gitignore):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps files of their own here
            self.directory.rmdir()

    def not_ours(self) -> list[Path]:
        """Return what lies in the folder and is left there by ``remove``."""
        ours = {self.servers, self.logs, self.held, *self._files, *self._own_gitignore}
        return sorted(path for path in self.directory.iterdir() if path not in ours)

    @property
    def _files(self) -> tuple[Path, ...]:
        return (self.credentials, self.ports, self.state, self._lock)

    @property
    def _own_gitignore(self) -> list[Path]:
        path = self._gitignore
        return [path] if path.exists() and path.read_text() == IGNORE_ALL else []

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
