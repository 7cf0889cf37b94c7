"""What is in a wheel, read without unpacking it: nothing of it runs, nothing is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.metadata import InvalidMetadata, Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from pipeline_engine.marketplace.format.records import Release
from pipeline_engine.marketplace.refusals import InvalidPackage, PackageMismatch, UnsafePackage
from pipeline_engine.registry import GROUP, OWN_DISTRIBUTION

MOST_FILES = 20_000
MOST_UNPACKED = 512 * 1024 * 1024
MOST_METADATA = 1024 * 1024
#: Python imports these when it starts, whoever wants them.
AT_START = frozenset({"sitecustomize", "usercustomize"})


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: what it says of itself, and the names of its files."""

    metadata: Metadata
    entry_points: Mapping[str, Mapping[str, str]]  #: by group
    files: Sequence[PurePosixPath]

    @property
    def modules(self) -> list[str]:
        """The names that can be imported once it is installed."""
        tops = {path.parts[0] for path in self.files if not _is_metadata(path)}
        return sorted({top.split(".")[0] for top in tops})

    def facts(self) -> dict[str, Any]:
        """What a record says of it, as JSON; the engine is no dependency but the place to be."""
        wanted = self.metadata.requires_dist or []
        engine = [str(one.specifier) for one in wanted if _is_engine(one)]
        python = self.metadata.requires_python
        return {
            "name": canonicalize_name(self.metadata.name),
            "version": str(self.metadata.version),
            "summary": self.metadata.summary or "",
            "requires_python": str(python) if python else None,
            "requires_engine": next(filter(None, engine), None),
            "dependencies": sorted(str(one) for one in wanted if _is_needed(one)),
            "entry_points": dict(self.entry_points.get(GROUP, {})),
            "modules": self.modules,
        }


def _is_engine(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name) == OWN_DISTRIBUTION


def _is_needed(requirement: Requirement) -> bool:
    """Not the engine, and not what only an extra wants."""
    marker = str(requirement.marker or "")
    return not _is_engine(requirement) and "extra ==" not in marker


def _is_metadata(path: PurePosixPath) -> bool:
    return path.parts[0].endswith(".dist-info")


def read(content: bytes) -> Wheel:
    """Read a wheel. Raises ``InvalidPackage``, or ``UnsafePackage`` (see ``dangers``)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = _read(archive)
    except (zipfile.BadZipFile, InvalidMetadata, InvalidVersion, ConfigError) as error:
        raise InvalidPackage(f"This is no wheel: {error}") from error
    except (KeyError, ValueError, ExceptionGroup, NotImplementedError, RuntimeError) as error:
        raise InvalidPackage(f"This is no wheel: {error}") from error
    if danger := next(dangers(found), None):
        raise UnsafePackage(f"{found.metadata.name} {danger}.")
    return found


def _read(archive: zipfile.ZipFile) -> Wheel:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_FILES or unpacked > MOST_UNPACKED:
        raise UnsafePackage(f"The wheel has {len(entries)} files of {unpacked} bytes in all.")
    if escaping := next((e.filename for e in entries if _escapes(e.filename)), None):
        raise UnsafePackage(f"The wheel has a file outside of its folder: {escaping!r}.")
    files = [PurePosixPath(entry.filename) for entry in entries]
    folders = {path.parts[0] for path in files if _is_metadata(path)}
    if len(folders) != 1:
        raise InvalidPackage("A wheel has one folder with its metadata, and not several.")
    folder = folders.pop()
    described = Metadata.from_email(_small(archive, f"{folder}/METADATA"), validate=True)
    listed = f"{folder}/entry_points.txt"
    text = _small(archive, listed).decode() if PurePosixPath(listed) in files else ""
    return Wheel(described, _entry_points(text), files)


def _escapes(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("/") or "\\" in name or ":" in name or not {"..", "."}.isdisjoint(parts)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        content = file.read(MOST_METADATA + 1)
    if len(content) > MOST_METADATA:
        raise UnsafePackage(f"{name} in the wheel is too large.")
    return content


class _EntryPoints(ConfigParser):
    """Names keep their upper case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _entry_points(text: str) -> dict[str, dict[str, str]]:
    parser = _EntryPoints(delimiters=("=",), interpolation=None)
    parser.read_string(text)
    return {group: dict(parser[group]) for group in parser.sections()}


def dangers(wheel: Wheel) -> Iterator[str]:
    """What the wheel would do beside bringing its modules, as the rest of a sentence.

    Whatever runs when Python starts, runs in the engine's own processes, also where the package is
    to be kept in one of its own.
    """
    for path in wheel.files:
        if path.suffix == ".pth":
            yield f"runs code in every Python process of this environment ({path})"
        elif path.parts[0].split(".")[0] in AT_START:
            yield f"runs code whenever Python starts ({path})"
        elif path.parts[0].endswith(".data"):
            yield f"installs files outside of its modules ({path})"
    for group in sorted(wheel.entry_points.keys() - {GROUP}):
        yield f"has entry points of {group}; a package of actions has those of {GROUP} only"


def compare(wheel: Wheel, release: Release) -> None:
    """Raise ``PackageMismatch`` if the wheel is not what its record says."""
    for name, found in wheel.facts().items():
        said = getattr(release, name)
        if (list(said) if isinstance(found, list) else said) != found:
            raise PackageMismatch(
                f"{release.file.name}: its record says {name} {said!r}, the file says {found!r}."
            )
