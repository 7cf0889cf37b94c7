"""What foreign code answered, made fit to be stored; an answer that makes no sense is an error."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.sdk import ActionResult, EventAction, EventResult, Item, MoreItems, in_words
from pipeline_engine.storage.tables.steps import MAX_EXTERNAL_ID

#: Characters of an error; a whole response body in one would fill the history.
LONGEST_MESSAGE = 4000
#: Each is locked while the step is parked, and PostgreSQL has room for some thousand locks.
MOST_EXTERNAL_IDS = 1000
#: PostgreSQL knows later dates, but Python reads none after the year 9999.
LONGEST_WAIT = timedelta(days=36_525)
LARGEST_COUNT = 2**31 - 1  #: that its column holds


class InvalidResult(PipelineEngineError):
    """An action answered something that makes no sense, or that no row can hold."""

    code = "invalid_result"


def storable(words: object) -> str:
    """Foreign words without what PostgreSQL refuses in a text: NUL and half surrogate pairs."""
    clean = _text(words).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    return clean[:LONGEST_MESSAGE]


def _text(words: object) -> str:
    try:
        said = words.args if isinstance(words, BaseException) else ()
        if len(said) == 1 and isinstance(said[0], Mapping | list):
            return in_words(said[0])
        return str(words) if isinstance(words, BaseException) else in_words(words)
    except Exception:  # noqa: BLE001 (foreign code: errors with a broken __str__ are common)
        return f"{type(words).__name__}, which cannot be shown"


def _is_word(given: Any) -> bool:
    """Whether this is a text that a column can hold, and not a long one."""
    return isinstance(given, str) and storable(given) == given


def raised(error: BaseException) -> str:
    """An exception in one line: its type and its words."""
    return storable(traceback.format_exception_only(error)[-1].strip())


def words(given: Any) -> str | None:
    """A text that may be absent."""
    return None if given is None else storable(given)


# ── Results ──────────────────────────────────────────────────────────────────────────────


def checked(result: Any) -> ActionResult:
    """An answer of ``execute``, ``on_wake`` or ``join``. Raises ``InvalidResult``."""
    if not isinstance(result, ActionResult):
        raise InvalidResult(f"The action returned {type(result).__name__}, not an ActionResult")
    _check_outputs(result.outputs)
    if not all(isinstance(step_id, str) for step_id in result.skip_targets):
        raise InvalidResult("skip_targets are not all ids of steps")
    if result.awaiting_event:
        _check_waiting(result)
    if result.success and result.error is None and result.error_code is None:
        return result
    return replace(
        result,
        error=words(result.error),
        error_code=words(result.error_code),
        retry_after_seconds=checked_pause(result.retry_after_seconds),
    )


def checked_pause(given: Any) -> float | None:
    """Seconds until the next attempt; None for what makes no sense, which fails nobody twice."""
    longest = LONGEST_WAIT.total_seconds()
    return given if isinstance(given, int | float) and 0 <= given <= longest else None


def _check_outputs(outputs: Any) -> None:
    if type(outputs) is not dict and not isinstance(outputs, Mapping):
        raise InvalidResult(f"The outputs are {type(outputs).__name__}, not an object")


def _check_waiting(result: ActionResult) -> None:
    """A parked step has to be found by its events, and by the clock."""
    if len(result.awaited) > MOST_EXTERNAL_IDS:
        raise InvalidResult(f"There are more than {MOST_EXTERNAL_IDS} external ids")
    for external_id in result.awaited:
        if not 1 <= len(external_id) <= MAX_EXTERNAL_ID:
            raise InvalidResult(f"An external id does not have 1 to {MAX_EXTERNAL_ID} characters")
        if not _is_word(external_id):
            raise InvalidResult("An external id holds NUL or half of a surrogate pair")
    if result.timeout_seconds is not None:
        _seconds(result.timeout_seconds, "timeout_seconds")
    if result.wake_at is not None:
        _check_time(result.wake_at)


def _check_time(wake_at: Any) -> None:
    if not isinstance(wake_at, datetime) or wake_at.utcoffset() is None:
        raise InvalidResult("wake_at is not a time with a time zone")
    if wake_at - datetime.now(UTC) > LONGEST_WAIT:
        raise InvalidResult("wake_at is more than a hundred years away")


def _seconds(given: Any, name: str) -> float:
    longest = LONGEST_WAIT.total_seconds()
    if not isinstance(given, int | float) or not 0 <= given <= longest:
        raise InvalidResult(f"{name} is not a number of seconds from 0 to {longest:.0f}")
    return given


def checked_verdict(verdict: Any) -> EventResult:
    """An answer of ``on_event``. Raises ``InvalidResult``."""
    if not isinstance(verdict, EventResult):
        raise InvalidResult(f"on_event returned {type(verdict).__name__}, not an EventResult")
    _check_outputs(verdict.outputs)
    try:
        return _converted(verdict)
    except Exception as error:  # foreign code: any of its values may be of its own making
        raise InvalidResult(raised(error)) from error


def _converted(verdict: EventResult) -> EventResult:
    return replace(
        verdict,
        action=EventAction(verdict.action),
        status=None if verdict.status is None else StepStatus(verdict.status),
        outputs=dict(verdict.outputs),
        error=words(verdict.error),
        error_code=words(verdict.error_code),
        progress=_percentage(verdict.progress),
        eta_seconds=_eta(verdict.remaining_seconds),
    )


def _eta(seconds: Any) -> int | None:
    return None if seconds is None else int(seconds)


def _percentage(progress: Any) -> float | None:
    if progress is None:
        return None
    try:
        found = float(progress)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if math.isnan(found):
        raise InvalidResult("The progress is not a number")
    return found


@dataclass(frozen=True, slots=True)
class Expansion:
    """Items that a fan-out has named, and what holds for them; there is at least one."""

    items: Sequence[Item]
    at_once: int | None  #: how many may be on their way; None is all of them
    tolerated: int  #: how many may fail
    progress: float | None = None  #: how far the step is, as a join has said


#: What a call of an action comes to: its step ends, fails, parks, or waits for items.
Outcome = ActionResult | Expansion


# ── Items ────────────────────────────────────────────────────────────────────────────────


def checked_items(found: Any) -> list[Item]:
    """Items that can be stored.

    Raises ``InvalidResult``, ``JsonRejected``, and ``ExpressionError`` if all are too large.
    """
    if not isinstance(found, list | tuple) or not all(isinstance(item, Item) for item in found):
        raise InvalidResult("A fan-out has to name its items in a list of Item")
    scale = Fuel()
    for item in found:  # before they are copied
        scale.hand_out(item.value)
        scale.hand_out(item.params)
    return [_checked_item(item) for item in found]


def _checked_item(item: Item) -> Item:
    if item.action is not None and not _is_word(item.action):
        raise InvalidResult("The action of an item is not the name of one")
    if not isinstance(item.params, Mapping | None):
        raise InvalidResult("The params of an item are not an object")
    limit = item.timeout_seconds
    return replace(
        item,
        value=json_guard.check(item.value),
        params=None if item.params is None else json_guard.check(item.params),
        key=words(item.key),
        delay_seconds=_seconds(item.delay_seconds, "delay_seconds"),
        timeout_seconds=None if limit is None else _seconds(limit, "timeout_seconds"),
    )


def checked_more(found: MoreItems) -> MoreItems:
    """More items that a join asks for. Raises as ``checked_items`` does."""
    items = checked_items(found.items)
    if not items:  # it would be asked again at once, and say the same
        raise InvalidResult("A join asked for more items and named none")
    return replace(found, items=items, progress=_percentage(found.progress))


def checked_count(given: Any, name: str) -> int:
    """A number of items. Raises ``InvalidResult``."""
    if not isinstance(given, int | float) or not given >= 0:
        raise InvalidResult(f"{name} is not a number of items")
    return int(min(given, LARGEST_COUNT))
