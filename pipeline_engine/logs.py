"""Logs: an event and its facts, the same for our lines, Celery's and those of libraries."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

from pipeline_engine.config import Settings
from pipeline_engine.domain.masking import masker_of, without_met

#: Characters that never reach a log: C0, DEL, C1, line separators, changes of direction.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: The same without line feed and tab, which a traceback has.
_CONTROLS_WITHIN_LINES = re.compile(_CONTROLS.pattern.replace("[", "(?![\n\t])[", 1))


def configure_logging(settings: Settings) -> None:
    """Send every log line through structlog: JSON for machines, colours for a terminal."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _on_facts(_without_secrets(settings)),
                _printable,
                _renderer(settings),
                # Once more: a renderer writes what is no text in its own way.
                _without_secrets(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # A line per task and per message drowns what matters.
    for noisy in ("celery.app.trace", "celery.beat", "celery.worker.strategy", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _without_secrets(settings: Settings) -> structlog.typing.Processor:
    """Mask what steps are given: an exception that quotes a secret comes with its traceback."""
    own = masker_of(settings.secrets.values())

    def mask(_logger: object, _method: str, line: Any) -> Any:
        return without_met(own.mask(line))

    return mask


def _on_facts(process: structlog.typing.Processor) -> structlog.typing.Processor:
    """Apply a change of texts to each fact of a line."""

    def apply(logger: Any, method: str, facts: Any) -> Any:
        return {name: process(logger, method, value) for name, value in facts.items()}

    return apply


def _printable(_logger: object, _method: str, facts: Any) -> Any:
    """Write control characters as escapes: a terminal would obey them, a line would end."""
    for name, value in facts.items():
        facts[name] = _escaped(value, within_lines=name == "exception")
    return facts


def _escaped(value: Any, *, within_lines: bool = False) -> Any:
    if isinstance(value, str):
        return (_CONTROLS_WITHIN_LINES if within_lines else _CONTROLS).sub(_as_escape, value)
    if isinstance(value, dict):
        return {_escaped(key): _escaped(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(member) for member in value]
    return value


def _as_escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
