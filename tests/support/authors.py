"""A package under somebody's hands, and a registry that watches it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from itertools import count
from pathlib import Path

from pipeline_engine.registry import ReloadingRegistry
from pipeline_engine.sdk import ActionContext

ACTION = """
from pipeline_engine.sdk import *
from .words import WORD

@register_action(ActionMeta("{name}", "Say", "Own", "Says.", version="{version}"))
class Say(BaseActionExecutor):
    def execute(self, context):
        from . import words
        return ActionResult(success=True, outputs={{"said": WORD, "late": words.WORD}})
"""


class WrittenPackage:
    """Two actions of one package, ``PACKAGE_one`` and ``PACKAGE_two``, and what they import."""

    def __init__(self, folder: Path, package: str) -> None:
        self.folder = folder / package
        self.folder.mkdir()
        self.package = package
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        points = (f"{package}_{name} = {package}.{name}:Say" for name in ("one", "two"))
        (info / "entry_points.txt").write_text("[pipeline_engine.actions]\n" + "\n".join(points))
        self.save("__init__", "")
        self.save("words", "WORD = 'first'")
        for name in ("one", "two"):
            self.save_action(name)

    def save(self, module: str, text: str) -> None:
        (self.folder / f"{module}.py").write_text(text)

    def save_action(self, name: str, version: str = "1.0.0") -> None:
        self.save(name, ACTION.format(name=f"{self.package}_{name}", version=version))


class Author(WrittenPackage):
    """The same with a registry that watches it in this process."""

    def __init__(self, folder: Path, package: str) -> None:
        super().__init__(folder, package)
        self._now = count(0.0, 1.0)
        (found,) = metadata.distributions(name=package, path=[str(folder)])
        self.registry = ReloadingRegistry.discover(found.entry_points)

    def look(self) -> int:
        return self.registry.look(now=next(self._now))

    def said(self, name: str) -> dict[str, str]:
        context = ActionContext(step_id="s", execution_id="e", params={})
        result = self.registry.executor(f"{self.package}_{name}").execute(context)
        return result.outputs  # type: ignore[union-attr]


@contextmanager
def an_author(folder: Path, package: str) -> Iterator[Author]:
    """Write the package; Python forgets it afterwards."""
    sys.path.insert(0, str(folder))
    try:
        yield Author(folder, package)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]
