"""What is said when a command fails: a sentence for people, a problem (RFC 9457) for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from pipeline_engine.cli.output import print_error
from pipeline_engine.client import ApiRefused, ApiUnreachable
from pipeline_engine.embedded.errors import AlreadyRunning, NotRunning
from pipeline_engine.errors import Conflict, NotFound, PipelineEngineError

FAILED = 1
EXIT_CODES: Mapping[type, int] = {
    NotRunning: 3,
    ApiUnreachable: 3,
    AlreadyRunning: 4,
    ApiRefused: 4,
    NotFound: 4,
    Conflict: 4,
}
WRONG_USAGE = "wrong_usage"


def tell(error: PipelineEngineError | click.ClickException, *, as_json: bool) -> int:
    """Say on the standard error stream what went wrong, and return the exit code."""
    if as_json:
        click.echo(json.dumps(problem(error), indent=2, ensure_ascii=False), err=True)
    else:
        print_error(f"{error} [{_code_of(error)}]")
    return _exit_code(error)


def problem(error: PipelineEngineError | click.ClickException) -> dict[str, Any]:
    """The API's own problem if it has refused, else one of the same form without an HTTP status."""
    code = _code_of(error)
    known = error.problem if isinstance(error, ApiRefused) else {}
    title = (type(error).__doc__ or "").strip().partition("\n")[0]
    if isinstance(error, click.ClickException):
        title = "The command was not understood."
    detail = error.format_message() if isinstance(error, click.ClickException) else str(error)
    usual = {"type": f"urn:pipeline-engine:error:{code}", "title": title, "detail": detail}
    return {**usual, **known, "code": code}


def _code_of(error: PipelineEngineError | click.ClickException) -> str:
    if isinstance(error, ApiRefused):
        return error.stable_code
    return error.code if isinstance(error, PipelineEngineError) else WRONG_USAGE


def _exit_code(error: PipelineEngineError | click.ClickException) -> int:
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)
