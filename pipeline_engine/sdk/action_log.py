"""What an action writes down while it runs: for the log of the process, and to be kept."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

#: Keeps a line: level, message, facts.
Keep = Callable[[str, str, Mapping[str, Any]], None]

#: The levels that lines have; any other number counts as the next one below it.
LEVELS: Mapping[str, int] = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
#: Facts that loggers have params of their own for.
_TAKEN = frozenset({"level", "event"})
#: Characters of a traceback that are kept: the last ones, which say what went wrong.
MOST_TRACEBACK = 6_000


class ActionLog:
    """A logger in the manner of structlog: an event, and facts by name.

    Each line goes to the log of the worker, as far as its level is wanted there, and is kept with
    the attempt, where ``GET /executions/{id}/logs`` shows it. No line can fail a step, whatever
    is in it.
    """

    def __init__(self, logger: Any, keep: Keep, facts: Mapping[str, Any] | None = None) -> None:
        self._logger = logger
        self._keep = keep
        self._facts = dict(facts or {})

    def bind(self, /, **facts: Any) -> ActionLog:
        """Return a logger whose lines have these facts as well."""
        return ActionLog(self._logger.bind(**facts), self._keep, {**self._facts, **facts})

    def unbind(self, *names: str) -> ActionLog:
        """Return a logger whose lines lack these facts."""
        facts = {name: value for name, value in self._facts.items() if name not in names}
        return ActionLog(self._logger.try_unbind(*names), self._keep, facts)

    def log(self, level: int | str, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write a line; *level* is a number of ``logging``, *args* fill in ``%s`` and the like."""
        name = _name_of(level)
        message = _filled(event, args)
        self._write(LEVELS[name], message, facts)
        exc_info = facts.pop("exc_info", None)
        if exc_info and (error := _exception_of(exc_info)):
            facts["exception"] = _traceback(error)
        self._keep(name, message, {**self._facts, **facts})

    def _write(self, level: int, message: str, facts: Mapping[str, Any]) -> None:
        """Write it to the log of the process."""
        logger = self._logger
        if taken := _TAKEN & facts.keys():
            logger = logger.bind(**{name: facts[name] for name in taken})
            facts = {name: value for name, value in facts.items() if name not in taken}
        try:
            logger.log(level, message, **facts)
        except Exception as error:  # noqa: BLE001 - foreign code: facts that cannot be shown
            self._logger.log(level, message, not_shown=type(error).__name__)

    def debug(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what helps to find a fault."""
        self.log(logging.DEBUG, event, *args, **facts)

    def info(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what has happened."""
        self.log(logging.INFO, event, *args, **facts)

    def warning(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what ought not to have happened."""
        self.log(logging.WARNING, event, *args, **facts)

    warn = warning

    def error(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what went wrong."""
        self.log(logging.ERROR, event, *args, **facts)

    def critical(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what went wrong badly."""
        self.log(logging.CRITICAL, event, *args, **facts)

    fatal = critical

    def exception(self, event: object = "", /, *args: Any, **facts: Any) -> None:
        """Write what went wrong, with the traceback of the exception that is being handled."""
        self.log(logging.ERROR, event, *args, **{"exc_info": True, **facts})


def _name_of(level: object) -> str:
    if isinstance(level, str):
        return level.lower() if level.lower() in LEVELS else "info"
    if not isinstance(level, int | float):
        return "info"
    return next((name for name, least in LEVELS.items() if level >= least), "debug")


def _filled(event: object, args: tuple[Any, ...]) -> str:
    """Return the message; what cannot be filled in stands behind it."""
    try:
        if len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            return str(event) % args[0]  # as logging has it: %(name)s
        return str(event) % args if args else str(event)
    except Exception:  # noqa: BLE001 - foreign code: a format that does not fit, or its arguments
        return " ".join(shown(part, plain=True) for part in (event, *args))


def shown(value: object, *, plain: bool = False) -> str:
    """Return the ``repr`` of *value*, or its ``str``, or why there is none."""
    try:
        return str(value) if plain else repr(value)
    except Exception as error:  # noqa: BLE001 - foreign code: it may raise anything
        what = "str" if plain else "repr"
        return f"({type(error).__name__} in the {what} of {type(value).__name__})"


def _exception_of(exc_info: Any) -> BaseException | None:
    """Return the exception that ``exc_info`` means, in any of the forms that logging knows."""
    if isinstance(exc_info, tuple):
        return next((one for one in exc_info if isinstance(one, BaseException)), None)
    return exc_info if isinstance(exc_info, BaseException) else sys.exception()


def _traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= MOST_TRACEBACK else f"… (cut)\n{text[-MOST_TRACEBACK:]}"
