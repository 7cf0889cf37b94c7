"""What is in a wheel is known before any of it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.packages import a_wheel, an_action

from pipeline_engine.marketplace import wheels
from pipeline_engine.marketplace.refusals import InvalidPackage, UnsafePackage

MODULE = {"acme_greetings.py": an_action()}
POINTS = "[pipeline_engine.actions]\nacme_greet = acme_greetings:Action\n"
#: Metadata of what every installation trusts.
OURS = "Metadata-Version: 2.1\nName: pipeline-engine\nVersion: 1.0\n"


def read(folder: Path, **given: Any) -> wheels.Wheel:
    return wheels.read(a_wheel(folder, **given).read_bytes())


def test_what_a_record_says_of_a_wheel(tmp_path: Path) -> None:
    requires = (
        "Requires-Python: >=3.11",
        "Requires-Dist: pipeline-engine<2,>=0.1",
        "Requires-Dist: Jinja2>=3",
        'Requires-Dist: pytest; extra == "dev"',
    )

    assert read(tmp_path, requires=requires).facts() == {
        "name": "acme-greetings",
        "version": "1.0.0",
        "summary": "Greets people",
        "requires_python": ">=3.11",
        "requires_engine": "<2,>=0.1",
        "dependencies": ["Jinja2>=3"],
        "entry_points": {"acme_greet": "acme_greetings:Action"},
        "modules": ["acme_greetings"],
    }


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"files": {**MODULE, "acme.pth": "import os"}}, r"every Python process.*acme\.pth"),
        ({"files": {**MODULE, "deep/acme.pth": ""}}, "every Python process"),
        ({"files": {**MODULE, ".pth": "import os"}}, "every Python process"),
        ({"files": {**MODULE, "sitecustomize.py": ""}}, "whenever Python starts"),
        ({"files": {**MODULE, "usercustomize/__init__.py": ""}}, "whenever Python starts"),
        ({"files": {**MODULE, "acme_greetings-1.0.0.data/scripts/ls": ""}}, "outside of"),
        ({"files": {**MODULE, "../evil.py": ""}}, "outside of its folder"),
        ({"files": {**MODULE, "/etc/evil.py": ""}}, "outside of its folder"),
        ({"files": {**MODULE, "a\\..\\evil.py": ""}}, "outside of its folder"),
        ({"entry_points": "[console_scripts]\nls = acme_greetings:run"}, "console_scripts"),
        ({"entry_points": "[pytest11]\nacme = acme_greetings"}, "pytest11"),
        ({"entry_points": f"{POINTS}# Greets\f[pytest11]\facme = acme_greetings"}, "pytest11"),
        ({"entry_points": f"{POINTS}  [pytest11]\n  acme = acme_greetings"}, "pytest11"),
        ({"files": {**MODULE, "acme.egg-info/PKG-INFO": OURS}}, "name of another package"),
        ({"files": {**MODULE, "acme.EGG-INFO": OURS}}, "name of another package"),
        ({"files": {**MODULE, "acme-1.Dist-Info/METADATA": OURS}}, "name of another package"),
        ({"requires": ("Requires-Dist: acme-words @ https://acme.example/w.whl",)}, "address of"),
    ],
    ids=str,
)
def test_a_package_that_would_do_more_than_bring_its_modules(
    tmp_path: Path, given: dict[str, Any], because: str
) -> None:
    with pytest.raises(UnsafePackage, match=because):
        read(tmp_path, **given)


@pytest.mark.parametrize("victim", ["requests/__init__.py", "../../../bin/python"])
def test_what_pip_would_delete_with_a_package_is_its_own(tmp_path: Path, victim: str) -> None:
    """pip believes RECORD, also for files that it has not installed."""
    wheel = a_wheel(tmp_path, records=(victim,))

    with pytest.raises(UnsafePackage, match="would take"):
        wheels.read(wheel.read_bytes())


def test_more_than_fits_on_a_disk_is_not_unpacked(tmp_path: Path) -> None:
    bomb = a_wheel(tmp_path)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("acme_zeros.py", b"")
        archive.filelist[-1].file_size = wheels.MOST_UNPACKED + 1

    with pytest.raises(UnsafePackage, match="bytes in all"):
        wheels.read(bomb.read_bytes())


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_what_is_no_wheel(content: bytes) -> None:
    with pytest.raises(InvalidPackage):
        wheels.read(content)


def test_a_zip_without_metadata_and_one_with_two(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.whl"
    with zipfile.ZipFile(nothing, "w") as archive:
        archive.writestr("acme.py", "")

    with pytest.raises(InvalidPackage):
        wheels.read(nothing.read_bytes())
    with pytest.raises(InvalidPackage):
        read(tmp_path, files={**MODULE, "other-1.0.dist-info/METADATA": ""})
    with pytest.raises(InvalidPackage):
        read(tmp_path, requires=("Requires-Python: whatever",))
    with pytest.raises(InvalidPackage):
        read(tmp_path, entry_points=f"{POINTS}acme")
