"""What an action writes down while it runs: for the log of the process, and to be kept."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

#: Keeps a line: level, message, facts.
Keep = Callable[[str, str, Mapping[str, Any]], None]


class ActionLog:
    """A logger in the manner of structlog: an event, and facts by name.

    Each line goes to the log of the worker, as far as its level is wanted there, and is kept with
    the attempt, where ``GET /executions/{id}/logs`` shows it.
    """

    def __init__(self, logger: Any, keep: Keep, facts: Mapping[str, Any] | None = None) -> None:
        self._logger = logger
        self._keep = keep
        self._facts = dict(facts or {})

    def bind(self, **facts: Any) -> ActionLog:
        """Return a logger whose lines have these facts as well."""
        return ActionLog(self._logger.bind(**facts), self._keep, {**self._facts, **facts})

    def log(self, level: int, event: object, *args: Any, **facts: Any) -> None:
        """Write a line; *level* is a number of ``logging``, *args* fill in ``%s`` and the like."""
        self._logger.log(level, event, *args, **facts)
        message = str(event) % args if args else str(event)
        exc_info = facts.pop("exc_info", None)
        if exc_info:
            facts["exception"] = _traceback(exc_info)
        self._keep(logging.getLevelName(level).lower(), message, {**self._facts, **facts})

    def debug(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what helps to find a fault."""
        self.log(logging.DEBUG, event, *args, **facts)

    def info(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what has happened."""
        self.log(logging.INFO, event, *args, **facts)

    def warning(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what ought not to have happened."""
        self.log(logging.WARNING, event, *args, **facts)

    warn = warning

    def error(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what went wrong."""
        self.log(logging.ERROR, event, *args, **facts)

    def critical(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what went wrong badly."""
        self.log(logging.CRITICAL, event, *args, **facts)

    def exception(self, event: object, *args: Any, **facts: Any) -> None:
        """Write what went wrong, with the traceback of the exception that is being handled."""
        self.log(logging.ERROR, event, *args, **{"exc_info": True, **facts})


def _traceback(exc_info: Any) -> str:
    if isinstance(exc_info, BaseException):
        return "".join(traceback.format_exception(exc_info))
    return traceback.format_exc()
