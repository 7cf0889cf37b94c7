"""A package that ``actions new`` writes is right as it is, and takes no place that is taken."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline_engine.cli import main


def new(*words: object) -> Result:
    return CliRunner().invoke(main, ["actions", "new", *map(str, words)])


@pytest.mark.parametrize("kind", [(), ("--event-driven",)], ids=["sync", "event-driven"])
def test_a_new_package_passes_its_own_tests_and_says_what_it_is(
    kind: tuple[str, ...], tmp_path: Path
) -> None:
    made = new("acme.greet_all", "--dir", tmp_path / "new", "--json", *kind)

    assert made.exit_code == 0, made.output
    folder = tmp_path / "new"
    written = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(json.loads(made.stdout)["files"]) == written
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "acme-greet-all"
    assert project["entry-points"]["pipeline_engine.actions"] == {
        "acme.greet_all": "acme_greet_all.action:AcmeGreetAll"
    }
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("place", ["file/below", "n" * 300], ids=["below-a-file", "too-long"])
def test_a_folder_that_cannot_be_made_is_named_in_words(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refused = new("acme_greet", "--dir", tmp_path / place)

    assert refused.exit_code == 1
    assert f"{tmp_path / place}: " in refused.stderr
    assert "folder_not_writable" in refused.stderr


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("acme-greet", "invalid_action_name", "try 'acme_greet'"),
        ("1st", "invalid_action_name", "does not begin with a letter"),
        ("class", "invalid_action_name", "try 'my_class'"),
        ("log", "action_name_taken", "an action 'log'"),
        ("requests", "action_name_taken", "a package 'requests'"),
        ("json", "action_name_taken", "a module 'json'"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused_with_another_one(
    name: str, code: str, said: str, tmp_path: Path
) -> None:
    refused = new(name, "--dir", tmp_path / "new")

    assert refused.exit_code in {1, 4}
    assert code in refused.stderr
    assert said in refused.stderr
    assert not (tmp_path / "new").exists()


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    refused = new("acme_greet", "--dir", tmp_path)

    assert (refused.exit_code, "folder_not_empty" in refused.stderr) == (4, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The stand-in that comes with an event-driven package, as the line for the shell it prints."""
    new("acme_job", "--dir", tmp_path / "job", "--event-driven")
    line = [sys.executable, "jobs.py"]
    with subprocess.Popen(line, cwd=tmp_path / "job", stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline()
        process.terminate()


def test_an_event_driven_package_brings_a_service_to_try_it_with(
    service: str, tmp_path: Path
) -> None:
    name, value = service.removeprefix("export ").split("=", 1)
    place = tmp_path / "job" / "src" / "acme_job" / "action.py"

    tried = CliRunner().invoke(
        main,
        ["actions", "try", str(place), "-p", "what=sheep"],
        env={name: value.strip().strip("'")},
    )

    assert (tried.exit_code, "parked on the id job-1" in tried.output) == (0, True), tried.output
