"""``pipeline-engine init``: a folder to begin with."""

from __future__ import annotations

import os
import secrets
from importlib.resources import files
from pathlib import Path

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json, print_line
from pipeline_engine.errors import Conflict

KEYS = ".env"
STARTER = ("release.json", "README.md")
IGNORED = ".env\n.pipeline/\n"


class AlreadyThere(Conflict):
    """The folder has files of these names, and nothing is overwritten."""

    code = "already_there"


@click.command(epilog=example("pipeline-engine init pipelines"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@json_option
def init(folder: Path, as_json: bool) -> None:
    """Write a folder to begin with: a pipeline, fresh keys in .env, and what to type next.

    FOLDER is the present one if it is not named. What is there is not overwritten.
    """
    texts = {name: _starter(name) for name in STARTER} | {".gitignore": IGNORED, KEYS: _keys()}
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise AlreadyThere(f"{folder} has these already: {', '.join(there)}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _write(folder / name, text, mode=0o600 if name == KEYS else 0o666)
    if as_json:
        print_json({"folder": str(folder), "files": list(texts)})
        return
    for name in texts:
        print_line(f"{folder / name}")
    print_line(f"Next: read {folder / 'README.md'}, or just")
    if folder != Path():
        print_line(f"  cd {folder}")
    print_line("  pipeline-engine validate release.json --local")


def _starter(name: str) -> str:
    return files("pipeline_engine.cli").joinpath("starter", name).read_text(encoding="utf-8")


def _keys() -> str:
    return f"""\
# Keys of this installation, made by `pipeline-engine init`. Keep them to yourself, and keep them:
# what PIPELINE_SECRET_KEY has sealed cannot be read without it.
PIPELINE_SECRET_KEY={secrets.token_hex(32)}
PIPELINE_API_TOKEN={secrets.token_hex(24)}
APP_API_TOKEN={secrets.token_hex(24)}

# Your own servers, if `pipeline-engine up` is not to start some.
# DATABASE_URL=postgresql://user:password@127.0.0.1/pipelines
# REDIS_URL=redis://127.0.0.1:6379/0
"""


def _write(path: Path, text: str, *, mode: int) -> None:
    """Write a file that is not there yet, from its first byte with this mode."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:  # since we looked
        raise AlreadyThere(f"{path} is there already") from error
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
