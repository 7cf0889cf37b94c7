"""Who the servers run as: PostgreSQL refuses root, so root hands them to nobody."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user that root starts a program as."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Hand one file or folder, which we have just made, to this account."""
        os.chown(path, self.uid, self.gid)


def run_as(account: Account | None) -> dict[str, Any]:
    """Return what ``subprocess`` must be told to start a program as this account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def server_account() -> Account | None:
    """Return who the servers run as, or None if they run as ourselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def is_open_to_all(path: Path) -> bool:
    """Tell whether everybody may enter *path* and each folder above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def open_folder(path: Path) -> None:
    """Make a folder, and those above it, that everybody may enter whatever our umask is."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)


def copy_for_all(source: Path, target: Path) -> None:
    """Copy a folder so that everybody can read it, whatever the umask of its installer was."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            wanted = 0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644
            path.chmod(wanted)
