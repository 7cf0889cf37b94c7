"""``up --reload`` starts again when packages with actions come, go or are installed again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline_engine.embedded.installed import InstalledPackages


def write_package(folder: Path, name: str, *, points: str, record: str = "") -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    (info / "RECORD").write_text(record)


@pytest.mark.parametrize(
    ("points", "has_changed"),
    [("[pipeline_engine.actions]\nacme_x = acme_x:X\n", True), ("[other]\nx = x:X\n", False)],
)
def test_only_packages_with_actions_matter_and_only_when_they_are_there_whole(
    points: str, has_changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    packages = InstalledPackages()
    assert not packages.have_changed(now=0.0)

    write_package(tmp_path, "acme_x", points=points)

    assert not packages.have_changed(now=10.0), "the installation may go on"
    assert packages.have_changed(now=11.0) is has_changed
    assert not packages.have_changed(now=12.0)
    assert str(tmp_path) in sys.path
