"""What there is to look at when the demo is over, and for how long."""

from __future__ import annotations

import signal
from pathlib import Path

from pipeline_engine.cli.output import print_line
from pipeline_engine.embedded.announcement import typed
from pipeline_engine.embedded.sign_in_link import sign_in_link
from pipeline_engine.embedded.stack import Stack


def say_where_to_look(stack: Stack, directory: Path, execution_id: str) -> None:
    """Print what somebody needs who is at a terminal, last the page of an execution."""
    print_line()
    print_line(f"API      {stack.api_url}/docs")
    if "FLOWER_URL" in stack.exports:
        print_line(f"Flower   {stack.exports['FLOWER_URL']}")
    print_line(f"Keys     {typed('env', directory)}")
    print_line(f"History  {typed('executions', directory)}")
    link = sign_in_link(stack.exports, to=_page_of(execution_id))
    print_line(f"Console  {link or stack.api_url + _page_of(execution_id)}")
    if link:
        print_line(f"         (signs in once, within 10 minutes; then: {typed('open', directory)})")


def say_where_it_was(stack: Stack, directory: Path, execution_id: str) -> None:
    """Print the page of an execution of a stack that is about to stop."""
    again = typed("up", directory)
    print_line(f"Console  {stack.api_url}{_page_of(execution_id)} (it stops now; again: {again})")


def stay() -> None:
    """Let the stack run on until Ctrl-C."""
    print_line("The stack runs on. Ctrl-C stops it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print_line("Stopping …")


def _page_of(execution_id: str) -> str:
    return f"/console/executions/{execution_id}"
