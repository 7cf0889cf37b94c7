"""How states are shown: one word, one icon and one colour for each, the same in every command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline_engine.cli.output import Styled

PARKED = "parked"


class Sign(NamedTuple):
    """A state is a word and an icon first, and a colour second."""

    icon: str
    colour: str


_WAITS, _WORKS, _GOOD, _BAD = (
    Sign("·", "dim"),
    Sign("●", "cyan"),
    Sign("✓", "green"),
    Sign("✗", "red"),
)
_AGAIN, _STOPPED, _LEFT_OUT = Sign("↻", "yellow"), Sign("■", "yellow"), Sign("-", "dim")

#: Signs of the states of executions and steps, processes, stored pipelines, checks and claims.
SIGNS: Mapping[str, Sign] = {
    "pending": _WAITS,
    "running": _WORKS,
    PARKED: Sign("◆", "magenta"),
    "retrying": _AGAIN,
    "completed": _GOOD,
    "failed": _BAD,
    "timeout": _BAD,
    "interrupted": _STOPPED,
    "skipped": _LEFT_OUT,
    "backing off": _AGAIN,
    "held": _STOPPED,
    "stopped": _STOPPED,
    "draft": _WAITS,
    "active": _GOOD,
    "archived": _LEFT_OUT,
    "paused": _STOPPED,
    "expired": _LEFT_OUT,
    "well": _GOOD,
    "worth a look": Sign("!", "yellow"),
    "not well": _BAD,
}
UNKNOWN = Sign("?", "")  #: of a newer API


def state(name: str, remark: str = "") -> Styled:
    """A state with its icon, in its colour, and what is to be said beside it."""
    word = name.lower()
    icon, colour = SIGNS.get(word, UNKNOWN)
    return Styled(" ".join(filter(None, (icon, word, remark))), colour)


def mark(*, is_well: bool, has_remark: bool = False) -> Styled:
    """The icon alone, before a sentence that is true or not; *has_remark*: true, and yet …"""
    good = "worth a look" if has_remark else "well"
    icon, colour = SIGNS[good if is_well else "not well"]
    return Styled(icon, colour)


def standing(step: Mapping[str, Any]) -> str:
    """The name of a step's state: what waits for the world outside is parked."""
    return PARKED if step["parked"] else str(step["status"])
