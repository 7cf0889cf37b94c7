"""Every command: in docs/reference/cli.md with all of its options, and in its help an example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.documentation import table

from pipeline_engine.cli import main
from pipeline_engine.cli.states import SIGNS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
#: what the examples call "release.json" and the like has to be there to be understood
FILES = ("release.json", "params.json", "notify.json")
#: of these, nothing is to be read by a program, as they run until they are stopped, or ask;
#: or what they print is JSON anyway
WITHOUT_JSON = {"open", "demo", "issuer", "reset", "up", "schema"}
COLUMNS = 80


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        elif command is not None:
            yield f"{before}{name}", command


ALL = list(commands(main))


@pytest.mark.parametrize(("name", "command"), ALL, ids=str)
def test_a_command_has_its_line_with_all_its_options(name: str, command: click.Command) -> None:
    rows = [
        row
        for row in REFERENCE.read_text().splitlines()
        if row.startswith((f"| `{name}`", f"| `{name} "))
    ]
    options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]

    assert rows
    assert [option for option in options if not any(f"`{option}" in row for row in rows)] == []


@pytest.mark.parametrize(("name", "command"), ALL, ids=str)
def test_the_help_of_a_command_ends_with_an_example_that_it_understands(
    name: str, command: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in FILES:
        Path(file).write_text("{}")

    text = CliRunner().invoke(main, [*name.split(), "--help"]).stdout

    calls = re.findall(r"pipeline-engine ([^|)\n]*)", text.partition("Example:\n")[2])
    assert calls
    for call in calls:
        assert understood(call) == name


def understood(call: str) -> str:
    """The name of the command that *call* is of; raises ``UsageError`` if it is not well formed."""
    context = main.make_context("pipeline-engine", shlex.split(call))
    words = []
    while isinstance(group := context.command, click.Group):
        name, command, rest = group.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert name
        assert command
        words.append(name)
        context = command.make_context(name, rest, parent=context)
    return " ".join(words)


@pytest.mark.parametrize(("name", "command"), ALL, ids=str)
def test_what_a_command_prints_can_be_had_as_json(name: str, command: click.Command) -> None:
    has_json = any("--json" in parameter.opts for parameter in command.params)

    assert has_json or name in WITHOUT_JSON


def test_the_list_of_all_commands_says_each_in_one_line() -> None:
    text = CliRunner().invoke(main, ["--help"], terminal_width=COLUMNS).stdout

    listed = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", text, re.M))
    assert all(listed.get(name) == entry.summary for name, entry in main.entries.items())


def test_a_name_that_is_nearly_right_is_told_the_right_one() -> None:
    assert "pipelines" in CliRunner().invoke(main, ["pipeline"]).stderr


def test_every_state_has_its_line_with_its_icon_and_colour() -> None:
    rows = {word: cells[:2] for word, cells in table(REFERENCE, "States").items()}

    assert rows == {word: (sign.icon, sign.colour or "none") for word, sign in SIGNS.items()}
