"""The source files of action packages: which there are, whether they have changed."""

from __future__ import annotations

import importlib
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from types import ModuleType

from pipeline_engine.registry.discovery import distribution_of

#: Folders of packages that are installed for good: their files change when others are installed.
INSTALLED = frozenset({"site-packages", "dist-packages"})
#: What tells one state of a file from another: an editor may write it anew, or rename another.
Mark = tuple[int, int, int]
#: Nanoseconds for which a file that was emptied may be one that is being saved: many editors
#: empty it first, and write it then.
BEING_SAVED_NS = 500_000_000


@dataclass
class Package:
    """One package that is being written: its entry points, and the files behind them."""

    name: str
    entry_points: Sequence[metadata.EntryPoint]
    modules: Sequence[str]  #: the outermost ones, with all below them
    roots: Sequence[Path]  #: their files and folders
    _seen: Mapping[Path, Mark] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._seen = self._marks()

    def has_changed(self) -> bool:
        """Whether files are others than at the last call; those are compiled anew.

        One that is being saved is another only when it is written.
        """
        now = self._marks()
        changed = {path for path, _ in self._seen.items() ^ now.items()}
        if any(_is_being_saved(now[path]) for path in changed & now.keys()):
            return False
        self._seen = now
        for path in changed:
            # By its second and size alone Python would take an old compilation for a fresh one.
            with suppress(OSError):
                Path(util.cache_from_source(str(path))).unlink(missing_ok=True)
        return bool(changed)

    def forget(self) -> dict[str, ModuleType]:
        """Let Python import all of it anew; returns the modules as they are."""
        importlib.invalidate_caches()
        old = {name: module for name, module in sys.modules.items() if self._has(name)}
        for name in old:
            del sys.modules[name]
        return old

    def _has(self, module: str) -> bool:
        return any(module == one or module.startswith(f"{one}.") for one in self.modules)

    def _marks(self) -> dict[Path, Mark]:
        return dict(_marks(self.roots))


def _marks(roots: Iterable[Path]) -> Iterator[tuple[Path, Mark]]:
    for root in roots:
        for path in [root] if root.suffix == ".py" else root.rglob("*.py"):
            with suppress(OSError):  # gone while we looked
                found = path.stat()
                yield path, (found.st_mtime_ns, found.st_size, found.st_ino)


def _is_being_saved(mark: Mark) -> bool:
    saved_ns, size, _ = mark
    return size == 0 and time.time_ns() - saved_ns < BEING_SAVED_NS


def packages_of(entry_points: Iterable[metadata.EntryPoint]) -> list[Package]:
    """The packages among these whose files may be edited where they are."""
    by_name: dict[str, list[metadata.EntryPoint]] = defaultdict(list)
    for entry_point in entry_points:
        by_name[distribution_of(entry_point)].append(entry_point)
    found = []
    for name, points in by_name.items():
        sources = dict(filter(None, (_outermost(point.module) for point in points)))
        if sources:
            found.append(Package(name, points, list(sources), list(sources.values())))
    return found


def _outermost(module: str) -> tuple[str, Path] | None:
    """The outermost regular package of a module, or itself, with its folder or file."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        try:
            spec = util.find_spec(name)
        except (ImportError, ValueError):  # a parent is gone, or is no package
            return None
        if spec is not None and spec.origin is not None:  # without one it is a namespace
            file = Path(spec.origin)
            is_fixed = INSTALLED.intersection(file.parts) or file.suffix != ".py"
            return None if is_fixed else (name, file.parent if file.stem == "__init__" else file)
    return None
