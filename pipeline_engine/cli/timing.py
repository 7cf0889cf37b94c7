"""What a command line says of times: how long, and of a schedule when it is due, and what then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any, TypeVar

import click

R = TypeVar("R")
#: An option, and how the API calls the type of schedule that it makes.
KINDS = {"cron": "cron", "every": "interval", "at": "one_time", "manual": "manual"}
NONE = "none"  #: the word that takes a value away
A_YEAR = 31_536_000.0  #: seconds
AS_CRON = "cron"  #: the word for what cron does with times that a clock leaves out or doubles


class _Count(click.ParamType[int | str]):
    """A number from 1 on, or ``none``."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if value == NONE:
            return NONE
        number: int = click.IntRange(min=1).convert(value, param, ctx)
        return number


class Seconds(click.FloatRange):
    """A time that a clock can be set to: no ``nan``, which no bound keeps out, and no century."""

    def __init__(self, *, least: float) -> None:
        super().__init__(min=least, max=A_YEAR)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; nan is refused here, as it is neither below nor above anything."""
        seconds: float = super().convert(value, param, ctx)
        return self.fail(f"{value} is no time.", param, ctx) if isnan(seconds) else seconds


_WHEN = (
    click.option("--cron", help="Five fields of cron, or a preset such as @daily."),
    click.option("--every", metavar="1h30m", help="An interval: hours, minutes, seconds."),
    click.option("--at", metavar="TIME", help="Once; without an offset, a time of the zone."),
    click.option("--timezone", help="A zone of IANA such as Europe/Berlin.  [default: UTC]"),
    click.option(
        "--missing",
        type=click.Choice((AS_CRON, "skip", "next")),
        help="For times that the clocks leave out.  [default: cron]",
    ),
    click.option(
        "--doubled",
        type=click.Choice((AS_CRON, "skip", "first", "both")),
        help="For times that the clocks have twice.  [default: cron]",
    ),
)
_MANUAL = click.option("--manual", is_flag=True, help="Due only when somebody triggers it.")
_RULES = (
    click.option("--description", help="What it is for."),
    click.option("--starts", "starts_at", metavar="TIME", help="Nothing is due before."),
    click.option("--expires", "expires_at", metavar="TIME", help="Nothing is due from then on."),
    click.option("--max-runs", type=_Count(), help="After so many executions it is completed."),
    click.option(
        "--jitter",
        "jitter_seconds",
        type=click.IntRange(min=0),
        help="Seconds; each due time fires up to so much later.",
    ),
    click.option(
        "--misfire",
        type=click.Choice(("skip", "last", "all")),
        help="For due times at which nobody was there.  [default: last]",
    ),
    click.option(
        "--catch-up",
        "catch_up_seconds",
        type=_Count(),
        help="Seconds; of these due times older ones start nothing.",
    ),
    click.option(
        "--overlap",
        type=click.Choice(("allow", "skip", "queue", "cancel_old")),
        help="For due times while an execution is open.  [default: allow]",
    ),
    click.option(
        "--pause-after",
        "pause_after_failures",
        type=_Count(),
        help="Pause it when so many executions in a row have failed.",
    ),
)
RULES = (
    *("description", "starts_at", "expires_at", "max_runs", "jitter_seconds"),
    *("misfire", "catch_up_seconds", "overlap", "pause_after_failures"),
)


def when_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say when something is due by itself."""
    for option in reversed(_WHEN):
        command = option(command)
    return command


def schedule_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command all options that a schedule may be told with."""
    for option in reversed((*_WHEN, _MANUAL, *_RULES)):
        command = option(command)
    return command


def when(given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The ``schedule`` of a body; *before* is what it was, and stays if nothing else is said."""
    kinds = [kind for kind in KINDS if given.get(kind)]
    if len(kinds) > 1:
        named = " and ".join(f"--{kind}" for kind in kinds)
        raise click.UsageError(f"{named} exclude each other.")
    if kinds:
        zone = {"timezone": before["timezone"]} if before else {}
        return {**zone, **_kind(kinds[0], given[kinds[0]]), **_clocks(given)}
    if before is None:
        raise click.UsageError("Say when: --cron, --every, --at or --manual.")
    return {**before, **_clocks(given)}


def _kind(option: str, value: Any) -> dict[str, Any]:
    said = {"type": KINDS[option]}
    if option == "cron":
        return {**said, "expression": value}
    if option == "every":
        return {**said, "expression": f"@every {value.removeprefix('@every ')}"}
    return {**said, "run_at": value} if option == "at" else said


def _clocks(given: Mapping[str, Any]) -> dict[str, Any]:
    """The zone, and the words for the days when its clocks change."""
    named = {"timezone": "timezone", "dst_missing": "missing", "dst_doubled": "doubled"}
    said = {name: given.get(option) for name, option in named.items()}
    return {
        name: None if value == AS_CRON else value
        for name, value in said.items()
        if value is not None
    }


def rules(given: Mapping[str, Any]) -> dict[str, Any]:
    """What else a body says of a schedule; ``none`` takes away what was said before."""
    said = {name: given[name] for name in RULES if given.get(name) is not None}
    return {name: None if value == NONE else value for name, value in said.items()}
