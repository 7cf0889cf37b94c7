"""What is in a wheel, read without unpacking it: nothing of it runs, nothing is written."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
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
#: Endings, in any case, of what Python reads as the metadata of a package, or looks into.
_OF_PACKAGES = (".dist-info", ".egg-info", ".egg", ".egg-link")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: what it says of itself, and the names of its files."""

    metadata: Metadata
    entry_points: Mapping[str, Mapping[str, str]]  #: by group
    files: Sequence[PurePosixPath]
    recorded: Sequence[str]  #: what pip takes away with it

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
    except (zipfile.BadZipFile, InvalidMetadata, InvalidVersion, csv.Error) as error:
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
    points, recorded = (
        _small(archive, f"{folder}/{name}").decode() if PurePosixPath(folder, name) in files else ""
        for name in ("entry_points.txt", "RECORD")
    )
    rows = csv.reader(recorded.splitlines())
    return Wheel(described, _entry_points(points), files, [row[0] for row in rows if row])


def _escapes(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("/") or "\\" in name or ":" in name or not {"..", "."}.isdisjoint(parts)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        content = file.read(MOST_METADATA + 1)
    if len(content) > MOST_METADATA:
        raise UnsafePackage(f"{name} in the wheel is too large.")
    return content


class _Points(metadata.Distribution):
    """The entry points of a package that is not installed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "entry_points.txt" else None

    def locate_file(self, path: Any) -> Path:
        raise FileNotFoundError(path)


def _entry_points(text: str) -> dict[str, dict[str, str]]:
    """Read by the code that reads them once they are installed: another one is told less."""
    found: dict[str, dict[str, str]] = {}
    try:
        points = _Points(text).entry_points
    except TypeError as error:  # it wants each line to have a =
        raise InvalidPackage("Its entry points cannot be read.") from error
    for point in points:
        found.setdefault(point.group, {})[point.name] = point.value
    return found


def dangers(wheel: Wheel) -> Iterator[str]:
    """What the wheel would do beside bringing its modules, as the rest of a sentence.

    Whatever runs when Python starts, runs in the engine's own processes, also where the package is
    to be kept in one of its own.
    """
    for path in wheel.files:
        if path.name.endswith(".pth"):  # also one with no other name
            yield f"runs code in every Python process of this environment ({path})"
        elif path.parts[0].split(".")[0] in AT_START:
            yield f"runs code whenever Python starts ({path})"
        elif path.parts[0].endswith(".data"):
            yield f"installs files outside of its modules ({path})"
        elif path.parts[0].lower().endswith(_OF_PACKAGES) and not _is_metadata(path):
            yield f"says something in the name of another package ({path})"
    yield from _of_its_metadata(wheel)


def _of_its_metadata(wheel: Wheel) -> Iterator[str]:
    """The same of what it says: pip believes all of it."""
    if strange := sorted(set(wheel.recorded) - set(map(str, wheel.files))):
        yield f"would take {strange[0]!r} away with it, which it does not bring"
    for wanted in wheel.metadata.requires_dist or ():
        if wanted.url is not None:
            yield f"gets {wanted.name} from an address of its own ({wanted.url})"
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
