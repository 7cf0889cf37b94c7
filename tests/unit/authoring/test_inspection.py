"""``actions check`` finds what is wrong with an action before the engine does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline_engine.cli import main


def check(*words: object) -> Result:
    return CliRunner().invoke(main, ["actions", "check", *map(str, words)])


def test_of_our_own_actions_nothing_is_to_be_said() -> None:
    checked = check("--json")

    found = json.loads(checked.stdout)
    assert checked.exit_code == 0, checked.output
    ours = [one for one in found["actions"] if one["package"] == "pipeline-engine"]
    assert ours
    assert [one for one in ours if one["findings"]] == []


def test_a_module_that_exits_is_told_of_and_does_not_end_the_check(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text("import sys\nsys.exit(0)\n")

    checked = check(file)

    assert (checked.exit_code, "1 error" in checked.stdout) == (1, True)
    assert f"{file}:2: SystemExit: 0" in checked.stdout


@pytest.mark.parametrize("kind", [False, True], ids=["sync", "event-driven"])
def test_a_new_package_has_nothing_to_be_said_of(kind: bool, write: Any) -> None:
    checked = check(write(f"check_new_{kind}".lower(), event_driven=kind))

    assert (checked.exit_code, checked.stdout) == (0, "1 action, 0 errors, 0 warnings\n")


@pytest.mark.parametrize(
    ("cleans_up", "declares", "said"),
    [
        (False, False, ["it has no cleanup"]),
        (False, True, []),
        (True, False, []),
        (True, True, ["it has a cleanup, and not_called_off says that it calls nothing off"]),
    ],
)
def test_a_job_is_called_off_or_it_is_said_why_not(
    cleans_up: bool, declares: bool, said: list[str], write: Any
) -> None:
    name = f"check_jobs_{cleans_up}_{declares}".lower()
    file = write(name, event_driven=True) / "src" / name / "action.py"
    text, services = file.read_text(), "required_services="
    assert services in text
    assert "def cleanup(" in text
    if not cleans_up:
        text = text.replace("def cleanup(", "def other(")
    if declares:
        text = text.replace(services, f'not_called_off="It ends by itself.", {services}')
    file.write_text(text)

    (found,) = json.loads(check(file, "--json").stdout)["actions"]

    assert [one["message"].split(":")[0] for one in found["findings"]] == said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("META = ", "META = = ", "action.py:17: SyntaxError"),
        ("META = ", "x = y\nMETA = ", "action.py:17: NameError: name 'y' is not defined"),
        ("import annotations", "import annotations\nimport nowhere", "action.py:4: ModuleNotFound"),
        ('category="Own"', 'category=""', "category is required"),
        (
            '"name",\n            "Name"',
            '"name",\n            "Name",\n            default={1}',
            "no JSON",
        ),
        ('{"name": "Ada"}', "{}", "example 'Greet Ada' does not pass"),
        (
            "    def execute",
            "    def __init__(self, x):\n        pass\n\n    def execute",
            "TypeError",
        ),
        ('"The greeting."', '""', "output 'greeting' has no description"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    before: str, after: str, said: str, write: Any
) -> None:
    name = f"check_{abs(hash(said))}"
    file = write(name) / "src" / name / "action.py"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))

    checked = check(file.parents[2])

    assert said in checked.stdout
    assert checked.exit_code == (0 if "has no description" in said else 1)


def test_the_contract_kit_looks_deeper(write: Any) -> None:
    file = write("check_contract") / "src" / "check_contract" / "action.py"
    well = check(file, "--contract")
    file = write("check_breach") / "src" / "check_breach" / "action.py"
    file.write_text(file.read_text().replace('outputs={"greeting"', 'outputs={"said"'))

    breach = check(file, "--contract")

    assert well.exit_code == 0, well.stdout
    assert breach.exit_code == 1
    assert "breaks the clause it_leaves_what_it_declares" in breach.stdout


def test_an_event_driven_action_that_reads_no_event_is_noticed(write: Any) -> None:
    file = write("check_deaf", event_driven=True) / "src" / "check_deaf" / "action.py"
    file.write_text(file.read_text().replace("def on_event", "def on_evnt"))

    checked = check(file)

    assert "neither on_event nor on_answer nor on_wake" in checked.stdout


@pytest.mark.parametrize(
    ("word", "said"), [("nope", "is called 'nope'"), ("./nope.py", "no file nope.py")]
)
def test_nothing_to_look_at_is_refused(word: str, said: str) -> None:
    checked = check(word)

    assert (checked.exit_code, said in checked.stderr) == (4, True)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    assert "has no pyproject.toml" in check(tmp_path).stderr
