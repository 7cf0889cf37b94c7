"""Places: how many executions or steps with the same key there may be at once.

Who asks for a place gives a key, and how many may have that key at once. A place is kept until the
row that has it has ended, and whoever finds none waits behind all that came before. The rows say
who has one (``storage/places.py``); this says what a key is, and what a full house means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from pipeline_engine.domain.definitions import JSON, Concurrency, PipelineDefinition, WhenFull
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


#: The owner of the keys of the installation, which count for all owners; nobody is called so.
EVERYBODY = "*"
#: What such keys begin with; the type of an action, which is one too, has no colon.
PIPELINE, TAG, PARKED = "pipeline:", "tag:", "parked_steps:"


@dataclass(frozen=True, slots=True)
class Need:
    """What an execution or a step has to have a place of before it begins."""

    owner: str | None  #: null is the system
    key: str
    limit: int  #: how many may have one at once
    when_full: WhenFull = WhenFull.WAIT


def named(owner: str | None, key: str) -> str:
    """What people call a key."""
    if owner != EVERYBODY:
        return f"'{key}'"
    if key.startswith(PIPELINE):
        return "its pipeline"
    if key.startswith(PARKED):
        return "what may be parked"
    if key.startswith(TAG):
        return f"the tag '{key.removeprefix(TAG)}'"
    return f"the action '{key}'"


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


def needs_of_execution(
    definition: PipelineDefinition,
    params: Mapping[str, JSON],
    *,
    owner: str | None,
    pipeline_id: UUID | None,
) -> list[Need]:
    """The places that an execution needs, in the order in which it asks for them.

    The key of its author comes first: who has a place that all share should not wait for
    something else. Raises ``InvalidKey`` and ``ExpressionError``.
    """
    found: list[Need] = []
    if own := definition.concurrency:
        found.append(Need(owner, execution_key(own, params), own.limit, own.when_full))
    most = definition.settings.max_concurrent_executions
    if most is not None and pipeline_id is not None:
        key = f"{PIPELINE}{pipeline_id}"
        found.append(Need(EVERYBODY, key, most, definition.settings.when_full))
    return found


def needs_of_action(
    action: str, tags: Collection[str], limits: Mapping[str, int]
) -> tuple[Need, ...]:
    """The places of the installation that whoever runs *action* needs, the scarcest first.

    All ask in this order, so nobody waits for somebody who waits for him; and who waits for what
    is scarce does not keep others from what is not.
    """
    names = [action, *(f"{TAG}{tag}" for tag in tags)]
    found = {name: limits[name] for name in names if name in limits}
    scarcest_first = sorted((limit, name) for name, limit in found.items())
    return tuple(Need(EVERYBODY, name, limit) for limit, name in scarcest_first)


def needs_to_park(owner: str | None, most: int | None) -> tuple[Need, ...]:
    """The place that a step needs that may be parked; *most* is the quota of its owner."""
    return () if most is None else (Need(EVERYBODY, f"{PARKED}{owner or ''}", most),)


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
