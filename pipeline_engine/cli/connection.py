"""Which API a command talks to: options first, then the environment, then the stack here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from pipeline_engine.client import Client

P = ParamSpec("P")
R = TypeVar("R")
directory_option = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".pipeline"),
    show_default=True,
    help="Where the stack keeps its data and logs.",
)
#: Seconds that a command goes along with an API that asks for patience (``Retry-After``).
PATIENCE_SECONDS = 60.0


def api_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say which API is meant: ``url``, ``token``, ``directory``."""
    for option in (
        directory_option,
        click.option("--token", envvar="PIPELINE_API_TOKEN", help="Token for the API."),
        click.option("--url", envvar="PIPELINE_API_URL", help="Address of the API."),
    ):
        command = option(command)
    return command


def connected(command: Callable[Concatenate[Client, P], R]) -> Callable[..., R]:
    """Give a command a client as its first argument, and the options that say of which API."""

    @api_options
    @functools.wraps(command)
    def with_client(
        *args: Any, url: str | None, token: str | None, directory: Path, **kwargs: Any
    ) -> R:
        return command(connect(url, token, directory), *args, **kwargs)

    return with_client


def connect(url: str | None, token: str | None, directory: Path) -> Client:
    """Return a client of the API at *url*, or of the stack that runs in *directory*."""
    from pipeline_engine.client import ApiUnreachable, Client
    from pipeline_engine.embedded.errors import NotRunning
    from pipeline_engine.embedded.stack import Stack

    if url:
        return Client(url, token or "", patience_seconds=PATIENCE_SECONDS, on_wait=_say_wait)
    try:
        stack = Stack.attach(directory)
    except NotRunning as error:
        raise ApiUnreachable(
            "No API is named and no stack runs here. Give --url, set PIPELINE_API_URL, "
            "or start a stack with `pipeline-engine up`."
        ) from error
    return Client(
        stack.api_url,
        token or stack.api_token,
        patience_seconds=PATIENCE_SECONDS,
        on_wait=_say_wait,
    )


def _say_wait(seconds: float, because: str) -> None:
    click.echo(f"{because} Trying again in {seconds:g} s.", err=True)
