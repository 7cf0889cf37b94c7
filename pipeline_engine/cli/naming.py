"""What users call things on the command line: an id, the start of one, a name, or ``@last``."""

from __future__ import annotations

from pipeline_engine.client import Client
from pipeline_engine.client.http import PAGE_SIZE, Json
from pipeline_engine.errors import ExecutionNotFound, PipelineNotFound

LAST = "@last"
LONGEST_ID = 36  #: characters of a UUID


def execution_id(client: Client, word: str) -> str:
    """Return the id of the execution that *word* names.

    The start of an id is looked up among the newest executions. Raises ``ExecutionNotFound``.
    """
    if word != LAST and len(word) >= LONGEST_ID:
        return word
    newest = [one["id"] for one in client.executions(page_size=PAGE_SIZE)["executions"]]
    if word == LAST:
        if not newest:
            raise ExecutionNotFound("There is no execution yet.")
        return str(newest[0])
    found = [one for one in newest if word and one.startswith(word.lower())]
    if len(found) > 1:
        raise ExecutionNotFound(f"{len(found)} executions begin with {word!r}: {', '.join(found)}.")
    if not found:
        raise ExecutionNotFound(f"None of the newest {PAGE_SIZE} executions begins with {word!r}.")
    return str(found[0])


def stored_pipeline(client: Client, name_or_id: str) -> Json:
    """Return a stored pipeline without its definition. Raises ``PipelineNotFound``."""
    found = client.find_pipeline(name_or_id)
    if found is None:
        raise PipelineNotFound(f"There is no pipeline {name_or_id!r}.")
    return found
