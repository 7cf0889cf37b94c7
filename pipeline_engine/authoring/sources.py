"""Actions in files and folders that need not be installed."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline_engine.errors import NotFound
from pipeline_engine.registry import GROUP, InvalidPlugin
from pipeline_engine.sdk import ActionMeta


class NoActionThere(NotFound):
    """A file, folder, package or type has no action."""

    code = "no_action_there"


def is_place(word: str) -> bool:
    """Whether a word names a file or a folder rather than an installed action."""
    path, _ = _split(word)
    return path.suffix == ".py" or word.startswith((".", "/", "~")) or path.is_dir()


def entry_points_at(word: str) -> list[metadata.EntryPoint]:
    """What a file (``file.py``, ``file.py:Class``) or the folder of a package has to offer.

    What is in it can be imported from now on. Raises ``NoActionThere``, ``InvalidPlugin`` if
    a folder does not say what it offers, and whatever the file raises when it is imported.
    """
    path, class_name = _split(word)
    if path.is_dir():
        return list(_of_folder(path))
    if not path.is_file():
        raise NoActionThere(f"there is no file {path}")
    module = _imported(path)
    found = [name for name in _named(module) if class_name in (None, name)]
    if not found:
        wanted = f"no {class_name}" if class_name else "no class with @register_action"
        raise NoActionThere(f"{path} has {wanted}")
    return [_entry_point(getattr(module, name).meta.type, module, name) for name in found]


def _split(word: str) -> tuple[Path, str | None]:
    before, colon, after = word.rpartition(":")
    place, name = (before, after) if colon and after.isidentifier() else (word, None)
    return Path(place).expanduser(), name


def _of_folder(folder: Path) -> Iterator[metadata.EntryPoint]:
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoActionThere(f"{folder} has no pyproject.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidPlugin(f"{folder / 'pyproject.toml'}: {error}") from error
    declared = document.get("project", {}).get("entry-points", {}).get(GROUP, {})
    if not isinstance(declared, Mapping) or not declared:
        raise NoActionThere(f'{folder / "pyproject.toml"} has no [project.entry-points."{GROUP}"]')
    source = folder / "src" if (folder / "src").is_dir() else folder
    _search(source)
    for name, value in declared.items():
        yield metadata.EntryPoint(name, str(value), GROUP)


def _imported(path: Path) -> ModuleType:
    """The module in a file, under the name that its own package gives it."""
    folder, names = path.resolve().parent, [path.stem]
    while (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    _search(folder)
    module = importlib.import_module(".".join(names))
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise InvalidPlugin(f"{path}: there is another module {'.'.join(names)}; rename the file")
    return module


def _search(folder: Path) -> None:
    where = str(folder.resolve())
    if where not in sys.path:
        sys.path.insert(0, where)
    importlib.invalidate_caches()


def _named(module: ModuleType) -> Iterator[str]:
    """The names of the actions that are written in this module itself."""
    for name, value in vars(module).items():
        is_action = isinstance(getattr(value, "meta", None), ActionMeta)
        if is_action and getattr(value, "__module__", None) == module.__name__:
            yield name


def _entry_point(kind: Any, module: ModuleType, name: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(str(kind), f"{module.__name__}:{name}", GROUP)
