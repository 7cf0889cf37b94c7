"""Event triggers: which events they take, and which of those are one and the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple, Self

import orjson

from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.expressions import (
    ExpressionError,
    Fuel,
    Reference,
    parse_condition,
    parse_template,
)
from pipeline_engine.domain.issues import Issue, dotted, join

#: The event type that stands for all of them.
EVERY_TYPE = "*"
#: The parameter that gets the whole event.
EVENT = "event"
#: What the condition and the key of a trigger may name.
NAMES = frozenset({EVENT, "event_type", "source"})
MAX_FILTERS = 50
#: Seconds that a window may be open, at most: longer than a week nobody remembers it.
LONGEST_WINDOW = 7 * 86_400
_PLACE = re.compile(r"\d{1,9}", re.ASCII)  # in a list


class KnownType(NamedTuple):
    """A type of event that a peer is known to send."""

    type: str
    source: str
    description: str


KNOWN_TYPES: tuple[KnownType, ...] = (
    KnownType("model.onboarded", "budapp", "A model was added and can be used."),
    KnownType("model.deleted", "budapp", "A model was deleted."),
    KnownType("benchmark.completed", "budapp", "A benchmark has ended well."),
    KnownType("benchmark.failed", "budapp", "A benchmark has failed."),
    KnownType("cluster.healthy", "budcluster", "A cluster works again."),
    KnownType("cluster.unhealthy", "budcluster", "A cluster does not work as it should."),
    KnownType("deployment.created", "budcluster", "A model was deployed to a cluster."),
    KnownType("deployment.failed", "budcluster", "A model could not be deployed."),
)


class Outcome(StrEnum):
    """What became of an event that a trigger was offered; a verdict of ``delivery_targets``."""

    PENDING = "pending"  #: a worker is about to decide
    FIRED = "fired"  #: it has started an execution
    FAILED = "failed"  #: it ought to have, and the start was refused; the note says why
    FILTERED = "filtered"  #: a filter, or the condition, does not hold
    DUPLICATE = "duplicate"  #: another with the same key has fired
    COLLECTED = "collected"  #: it waits for more with its key, or for quiet
    MERGED = "merged"  #: a later one has fired in its place
    SKIPPED = "skipped"  #: the trigger was disabled or deleted meanwhile


#: Outcomes that are not the last word.
OPEN = (Outcome.PENDING, Outcome.COLLECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as a trigger looks at it."""

    type: str
    source: str
    body: Mapping[str, JSON]

    @property
    def scope(self) -> dict[str, JSON]:
        """What expressions may name of it."""
        return {EVENT: self.body, "event_type": self.type, "source": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Which events start something."""

    event_type: str  #: exactly this one, or ``EVERY_TYPE``
    filters: Mapping[str, JSON] = field(default_factory=dict)  #: dotted path to expected value
    condition: str | None = None
    dedupe_key: str | None = None  #: a template; events with the same value are one
    dedupe_seconds: float | None = None  #: for so long after a firing; null is as long as known
    quiet_seconds: float | None = None
    max_wait_seconds: float | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The one that a row keeps, or that a client has sent."""
        return cls(
            **{name: document[name] for name in cls.__dataclass_fields__ if name in document}
        )

    @property
    def document(self) -> dict[str, JSON]:
        """As the row keeps it."""
        return asdict(self)

    def takes(self, event: Event) -> bool:
        """Whether all filters, and the condition, hold. Raises ``ExpressionError``."""
        if not all(_same(_at(event.body, path), value) for path, value in self.filters.items()):
            return False
        return parse_condition(self.condition).evaluate(event.scope, Fuel())

    def key_of(self, event: Event) -> str | None:
        """A digest of what makes *event* the same as others; null is that nothing does.

        Raises ``ExpressionError``.
        """
        if self.dedupe_key is None:
            return None
        found = parse_template(self.dedupe_key).render(event.scope, Fuel())
        if found is None or found == "":
            return None
        return sha256(orjson.dumps(found, option=orjson.OPT_SORT_KEYS)).hexdigest()


def window_end(
    first_at: datetime, last_at: datetime, *, quiet: float, max_wait: float | None
) -> datetime:
    """When a window closes: after *quiet* seconds without an event, or *max_wait* in all."""
    end = last_at + timedelta(seconds=quiet)
    return end if max_wait is None else min(end, first_at + timedelta(seconds=max_wait))


def problems(config: Config) -> list[Issue]:
    """What is wrong with a configuration, with a pointer to each place."""
    return [*_wrong_expressions(config), *_wrong_times(config)]


def _wrong_expressions(config: Config) -> Iterator[Issue]:
    for name, parse in (("condition", parse_condition), ("dedupe_key", parse_template)):
        pointer = join("/config", name)
        try:
            references = parse(getattr(config, name) or "").references
        except ExpressionError as error:
            yield Issue(pointer, error.code, f"{dotted(pointer)}: {error}", error.hint)
        else:
            yield from _unknown_names(pointer, references)


def _unknown_names(pointer: str, references: tuple[Reference, ...]) -> Iterator[Issue]:
    for root in sorted({reference.root for reference in references} - NAMES):
        hint = f"There are {', '.join(sorted(NAMES))}."
        yield Issue(pointer, "unknown_root", f"{dotted(pointer)}: Unknown name: {root}", hint)


def _wrong_times(config: Config) -> Iterator[Issue]:
    quiet, most = config.quiet_seconds, config.max_wait_seconds
    if most is not None and quiet is None:
        yield _issue("max_wait_seconds", "Nothing is collected without quiet_seconds")
    elif most is not None and quiet is not None and most < quiet:
        yield _issue("max_wait_seconds", "Has to be as long as quiet_seconds, or longer")
    if config.dedupe_seconds is not None and config.dedupe_key is None:
        yield _issue("dedupe_seconds", "Nothing is the same without a dedupe_key")
    elif config.dedupe_seconds is not None and quiet is not None:
        yield _issue("dedupe_seconds", "With quiet_seconds the events of a key are collected")


def _issue(name: str, message: str) -> Issue:
    pointer = join("/config", name)
    return Issue(pointer, "inconsistent", f"{dotted(pointer)}: {message}")


def _at(value: JSON, path: str) -> JSON:
    """Follow *path*, null if it leads nowhere; a key that holds dots itself wins."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, list) and _PLACE.fullmatch(first) and int(first) < len(value):
        return _at(value[int(first)], rest) if rest else value[int(first)]
    if rest and isinstance(value, Mapping) and first in value:
        return _at(value[first], rest)
    return None


def _same(left: JSON, right: JSON) -> bool:
    """Whether two values are the same JSON: true is not 1, as it would be in Python."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)
