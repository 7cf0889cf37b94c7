"""Params on the command line: single ones, or a file of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline_engine.cli.documents import read_document, read_params
from pipeline_engine.cli.naming import Pair

if TYPE_CHECKING:
    from pipeline_engine.client import Client

R = TypeVar("R")


def params_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options for params: ``pairs`` and ``params_file``."""
    for option in (
        click.option(
            "--params",
            "params_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A JSON file with params.",
        ),
        click.option(
            "-p", "--param", "pairs", type=Pair(), multiple=True, help="One param; repeatable."
        ),
    ):
        command = option(command)
    return command


def changed_params(
    client: Client,
    stored: Mapping[str, Any],
    pairs: tuple[tuple[str, str], ...],
    pipeline: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The params of *stored* with those of a line, by the types of what it starts from now on."""
    if pipeline is None and stored["pipeline_id"]:
        pipeline = client.pipeline(stored["pipeline_id"])
    return {**stored["params"], **read_params(dict(pairs), pipeline["dag"] if pipeline else {})}


def given_params(
    pairs: tuple[tuple[str, str], ...], file: Path | None, document: Mapping[str, Any]
) -> dict[str, Any]:
    """The params that a line gives, by the types that *document* declares."""
    given = read_document(file) if file else {}
    return given | read_params(dict(pairs), document)
