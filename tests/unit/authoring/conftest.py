"""Packages of authors, written as ``actions new`` writes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline_engine.authoring.names import Names
from pipeline_engine.authoring.new_package import write_package

WritePackage = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[WritePackage]:
    """Write a package; what was imported of it is forgotten afterwards."""
    path, modules = list(sys.path), set(sys.modules)

    def package(name: str, *, event_driven: bool = False) -> Path:
        write_package(Names(name), tmp_path / name, event_driven=event_driven)
        return tmp_path / name

    yield package
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
