"""Let those who stand in line for what the settings limit go by the present settings."""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline_engine.config import Settings
from pipeline_engine.domain.concurrency import PARKED, PIPELINE
from pipeline_engine.storage import lines

NO_LIMIT = 2**31 - 1


def follow_limits(connection: Connection, settings: Settings) -> None:
    """Give those in line another limit, if that has changed; who has a place keeps it."""
    for key, at_once in lines.in_line(connection):
        now = _limit_now(settings, key, at_once)
        if now != at_once:
            lines.tell_limit(connection, key, now)


def _limit_now(settings: Settings, key: str, at_once: int) -> int:
    if key.startswith(PIPELINE):  # its definition says so
        return at_once
    if key.startswith(PARKED):
        most = settings.quota("parked_steps", key.removeprefix(PARKED) or None)
    else:
        most = settings.action_limits.get(key)
    return NO_LIMIT if most is None else most
