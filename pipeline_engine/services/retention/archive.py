"""The archive: what retention is about to delete, as gzip JSON lines in a folder.

A batch is on the disk before it is deleted. A clean-up that dies between the two leaves executions
that the next one archives once more, in another file; the broken file says so by its name.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import orjson
import structlog

from pipeline_engine.domain.redaction import redactor_for

log = structlog.get_logger(__name__)

PIECE = 65_536
WHOLE, NEW, OPEN, BROKEN = ".jsonl.gz", ".new", ".open", ".broken-off.jsonl.gz"


class Archive:
    """The file of one clean-up: each batch is a member of it, lasting when ``keep`` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        name = f"executions-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"
        self.path = folder / f"{name}{WHOLE}"
        self._unfinished = folder / f"{name}{OPEN}"
        self._file: IO[bytes] | None = None

    def keep(self, documents: Iterable[dict[str, Any]]) -> None:
        """Write what is known of some executions, without secrets. Raises ``OSError``."""
        at = datetime.now(UTC).isoformat()
        file = self._file or self._opened()
        with gzip.GzipFile(fileobj=file, mode="wb") as member:
            for one in documents:
                member.write(orjson.dumps(_shown(one) | {"archived_at": at}, default=str) + b"\n")
        file.flush()
        os.fsync(file.fileno())

    def _opened(self) -> IO[bytes]:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        unlocked = self._unfinished.with_suffix(NEW)
        self._file = unlocked.open("xb")
        fcntl.flock(self._file, fcntl.LOCK_EX)  # as long as we live, it is not broken off
        unlocked.rename(self._unfinished)  # now: another clean-up would take it for left behind
        _sync(self._folder)
        return self._file

    def finish(self) -> None:
        """Say by its name that the file is whole."""
        if self._file is not None:
            self._unfinished.rename(self.path)
            _sync(self._folder)

    def close(self) -> None:
        """Write nothing more."""
        if self._file is not None:
            self._file.close()


@contextmanager
def archive_in(folder: Path | None) -> Iterator[Archive | None]:
    """The archive of one clean-up; null if the installation has none. Raises ``OSError``."""
    if folder is None:
        yield None
        return
    for left in broken_off(folder):
        log.warning("archive_broken_off", file=str(left), note="its last lines may come twice")
    archive = Archive(folder)
    try:
        yield archive
        archive.finish()
    finally:
        archive.close()


def broken_off(folder: Path) -> Iterator[Path]:
    """Give each file whose clean-up has died a name that says so; it keeps its whole members.

    What its last member tells of may not have been deleted, and is archived again then.
    """
    for path in sorted(folder.glob(f"*{OPEN}")):
        # One that is locked, or has just got its name, belongs to a clean-up at work.
        with suppress(BlockingIOError, FileNotFoundError):
            yield _break_off(path)


def _break_off(path: Path) -> Path:
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(_length_of_whole_members(file))
        os.fsync(file.fileno())
        return path.rename(path.with_name(path.name.removesuffix(OPEN) + BROKEN))


def _length_of_whole_members(file: IO[bytes]) -> int:
    """How many bytes of a gzip file belong to members that have an end."""
    length = position = 0
    member, piece = _member(), file.read(PIECE)
    while piece:
        try:
            member.decompress(piece)
        except zlib.error:
            break
        position += len(piece) - len(member.unused_data)
        piece = member.unused_data
        if member.eof:
            length, member = position, _member()
        piece = piece or file.read(PIECE)
    return length


def _member() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    """A document as the API would show it: what is secret, or looks like it, is masked."""
    execution, definition = document["execution"], document["definition"]
    redactor = redactor_for(execution["params"], definition.get("parameters"))
    params = {name: redactor.params(execution[name]) for name in ("params", "given_params")}
    rest = {name: value for name, value in document.items() if name != "definition"}
    shown: dict[str, Any] = redactor.redact(rest)
    shown["execution"] |= params
    return shown | {"definition": redactor.document(definition)}


def _sync(folder: Path) -> None:
    """Make the names in a folder lasting."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
