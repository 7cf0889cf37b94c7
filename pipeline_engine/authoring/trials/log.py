"""What an action logs and prints while it is tried."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import structlog

#: Facts of every line, which say nothing here.
OF_THE_CONTEXT = ("execution_id", "step_execution_id")


@dataclass(frozen=True, slots=True)
class LogLine:
    """An event and its facts."""

    level: str
    event: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = (f"{name}={value!r}" for name, value in self.facts.items())
        return " ".join((self.event, *facts))


@contextmanager
def caught_log(lines: list[LogLine]) -> Iterator[None]:
    """Keep the lines of structlog; what is printed goes to the standard error stream."""

    def keep(_logger: object, level: str, event: MutableMapping[str, Any]) -> Any:
        facts = {name: value for name, value in event.items() if name not in OF_THE_CONTEXT}
        said = str(facts.pop("event", ""))
        lines.append(LogLine(level, said, facts))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, keep])
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        structlog.configure(**before)
