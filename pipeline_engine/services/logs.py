"""Logs: an event and its facts, the same for our lines, Celery's and everybody else's."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from pipeline_engine.config import Settings
from pipeline_engine.domain.masking import maskable, masked


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
                _renderer(settings),
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
    """Mask the secrets of steps: an exception that quotes one comes with its traceback."""
    secrets = maskable(settings.secrets.values())

    def mask(_logger: object, _method: str, line: Any) -> Any:
        return masked(line, secrets)

    return mask


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
