"""Writes a package with one action, which passes its own tests as it is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from pipeline_engine import __version__
from pipeline_engine.authoring.errors import FolderNotEmpty, FolderNotWritable
from pipeline_engine.authoring.names import Names

TEMPLATES = "templates"
#: Files of every new package, and where they go; ``$module`` is that of the action.
COMMON = {
    "pyproject.toml": "pyproject.toml",
    "gitignore": ".gitignore",
    "module.py": "src/$module/__init__.py",
}
#: Those that differ between the kinds of actions.
OF_ITS_KIND = {
    "README.md": "README.md",
    "action.py": "src/$module/action.py",
    "test_action.py": "tests/test_$module.py",
    "test_contract.py": "tests/test_contract.py",
    "pipeline.json": "pipeline.json",
}
#: A stand-in for the service that an event-driven action calls.
OF_EVENT_DRIVEN = {"jobs.py": "jobs.py"}
SYNC, EVENT_DRIVEN = "sync", "event_driven"


def write_package(names: Names, folder: Path, *, event_driven: bool = False) -> list[Path]:
    """Write the package into *folder*, which is made, or empty; returns the files.

    Raises ``FolderNotEmpty`` and ``FolderNotWritable``.
    """
    try:
        return _written(names, folder, event_driven=event_driven)
    except OSError as error:
        raise FolderNotWritable(f"{folder}: {error.strerror}") from error


def _written(names: Names, folder: Path, *, event_driven: bool) -> list[Path]:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(f"{folder} is not an empty folder")
    words = _words(names)
    texts = {**_texts("package", COMMON), **_of_its_kind(event_driven=event_driven)}
    written = []
    for place, text in texts.items():
        path = folder / Template(place).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # refuses what came since we looked
            file.write(Template(text).substitute(words))
        written.append(path)
    return written


def _of_its_kind(*, event_driven: bool) -> dict[str, str]:
    if event_driven:
        return _texts(EVENT_DRIVEN, OF_ITS_KIND | OF_EVENT_DRIVEN)
    return _texts(SYNC, OF_ITS_KIND)


def _words(names: Names) -> dict[str, str]:
    return {
        "type": names.type,
        "package": names.package,
        "module": names.module,
        "class_name": names.class_name,
        "title": names.title,
        "engine": __version__,
    }


def _texts(kind: str, places: dict[str, str]) -> dict[str, str]:
    folder = files("pipeline_engine.authoring").joinpath(TEMPLATES, kind)
    return {
        place: folder.joinpath(f"{name}.tmpl").read_text("utf-8") for name, place in places.items()
    }
