"""Which API a command talks to: options first, then the environment, then the stack here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

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
API_OPTIONS = ("url", "token", "directory")
#: Seconds for which a command heeds ``Retry-After`` of the API, at most.
PATIENCE_SECONDS = 60.0


def api_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that choose the API: ``url``, ``token``, ``directory``."""
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
    def with_client(*args: Any, **kwargs: Any) -> R:
        for option in API_OPTIONS:
            del kwargs[option]
        return command(connect(click.get_current_context()), *args, **kwargs)

    return with_client


def is_typed(ctx: click.Context, option: str) -> bool:
    """Whether *option* is in the command's line, and not from the environment or a default."""
    return ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE


def meant(ctx: click.Context, option: str) -> str | None:
    """Return ``url`` or ``token``; exported ones are not meant where the line names a folder."""
    value: str | None = ctx.params.get(option)
    return value if is_typed(ctx, option) or not is_typed(ctx, "directory") else None


def connect(ctx: click.Context) -> Client:
    """Return a client of the API that the options of the command mean, or of the stack here."""
    from pipeline_engine.client import ApiUnreachable, Client
    from pipeline_engine.embedded.errors import NotRunning
    from pipeline_engine.embedded.stack import Stack

    directory: Path = ctx.params["directory"]
    url, token = meant(ctx, "url"), meant(ctx, "token")
    if url:
        return Client(url, token or "", patience_seconds=PATIENCE_SECONDS, on_wait=_say_wait)
    try:
        stack = Stack.attach(directory)
    except NotRunning as error:
        raise ApiUnreachable(
            f"No API is named and no stack runs in {directory}. Name the folder of one with "
            "--directory, give --url, set PIPELINE_API_URL, or start a stack with "
            "`pipeline-engine up`."
        ) from error
    return Client(
        stack.api_url,
        token or stack.api_token,
        patience_seconds=PATIENCE_SECONDS,
        on_wait=_say_wait,
    )


def _say_wait(seconds: float, because: str) -> None:
    click.echo(f"{because.rstrip('.')}. Trying again in {seconds:g} s.", err=True)
