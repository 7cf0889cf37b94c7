"""Places: how many executions or steps with the same key there may be at once.

Who asks for a place gives a key, and how many may have that key at once. A place is kept until the
row that has it has ended, and whoever finds none waits behind all that came before. The rows say
who has one (``storage/places.py``); this says what a key is, and what a full house means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline_engine.domain.definitions import JSON, Concurrency, PipelineDefinition
from pipeline_engine.domain.expressions import CompiledValue, ExpressionError, Fuel, compile_value
from pipeline_engine.domain.expressions.nodes import Scope
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker
from pipeline_engine.errors import PipelineEngineError

#: Characters of a key, at most; a longer one would not fit an index entry.
MAX_KEY = 512
#: The code of what has no place and may not wait for one, and of what another one has cancelled.
LIMIT = "concurrency_limit"
SUPERSEDED = "superseded"


class InvalidKey(PipelineEngineError):
    """The key of a concurrency limit is no text, or refers to something that is not there."""

    code = "invalid_concurrency_key"


def key_in(
    template: CompiledValue, scope: Scope, fuel: Fuel | None = None, masker: Masker = NOTHING_HIDDEN
) -> str:
    """The key that a template makes. Raises ``InvalidKey`` and ``ExpressionError``.

    What stands for nothing is refused: it would make strangers wait for each other.
    """
    if missing := template.undefined_in(scope):
        raise InvalidKey(f"The key refers to what is not there: {', '.join(missing)}")
    found = template.render(scope, fuel)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise InvalidKey("The key is neither a text nor a number")
    key = str(found).strip()
    if not key or len(key) > MAX_KEY or "\0" in key:
        raise InvalidKey(f"The key has to have 1 to {MAX_KEY} characters, none of which is NUL")
    if masker.finds([key]):  # it is stored, and shown to whoever waits for it
        raise InvalidKey("The key quotes a secret")
    return key


def execution_key(
    concurrency: Concurrency, params: Mapping[str, JSON], masker: Masker = NOTHING_HIDDEN
) -> str:
    """The key of an execution with these *params*. Raises ``InvalidKey``, ``ExpressionError``."""
    return key_in(compile_value(concurrency.key), {"params": params}, masker=masker)


def problems(
    definition: PipelineDefinition, params: Mapping[str, JSON], masker: Masker
) -> Iterator[Issue]:
    """What is wrong with the key that *params* make."""
    if definition.concurrency is None:
        return
    try:
        execution_key(definition.concurrency, params, masker)
    except (InvalidKey, ExpressionError) as error:
        yield Issue("/params", error.code, f"concurrency.key: {error}")
