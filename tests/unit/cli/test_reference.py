"""docs/reference/cli.md has a line for every command, with all of its options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline_engine.cli import main

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


@pytest.mark.parametrize(("name", "command"), list(commands(main)), ids=str)
def test_a_command_has_its_line_with_all_its_options(name: str, command: click.Command) -> None:
    rows = [
        row
        for row in REFERENCE.read_text().splitlines()
        if row.startswith((f"| `{name}`", f"| `{name} "))
    ]
    options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]

    assert rows
    assert [option for option in options if not any(f"`{option}" in row for row in rows)] == []
