"""What users call things on the command line: ids, starts of ids, ``@last``, names with values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.errors import ExecutionNotFound

if TYPE_CHECKING:
    from pipeline_engine.client import Client

LAST = "@last"
LONGEST_ID = 36  #: characters of a UUID
NEWEST = 100  #: executions among which the start of an id is looked up


class Pair(click.ParamType[tuple[str, str]]):
    """``name=value``; what the value stands for depends on what has the name."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Take the two apart at the first equals sign."""
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not name=value.", param, ctx)
        return name, text


class NewestExecutions:
    """The executions that can be named by less than their whole id."""

    def __init__(self, executions: Sequence[Mapping[str, Any]]) -> None:
        self._ids = [str(one["id"]) for one in executions]

    def id_of(self, word: str) -> str:
        """Return the id that *word* is, begins, or stands for. Raises ``ExecutionNotFound``."""
        if word == LAST:
            if not self._ids:
                raise ExecutionNotFound("There is no execution yet.")
            return self._ids[0]
        found = [one for one in self._ids if word and one.startswith(word.lower())]
        if len(found) > 1:
            listed = ", ".join(found)
            raise ExecutionNotFound(f"{len(found)} executions begin with {word!r}: {listed}.")
        if not found:
            raise ExecutionNotFound(f"None of the newest {NEWEST} executions begins with {word!r}.")
        return found[0]


def execution_id(client: Client, word: str) -> str:
    """Return the id of the execution that *word* names. Raises ``ExecutionNotFound``."""
    if word != LAST and len(word) >= LONGEST_ID:
        return word
    return NewestExecutions(client.executions(page_size=NEWEST)["executions"]).id_of(word)
