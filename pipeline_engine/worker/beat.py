"""Beat is an alarm clock: it rings for the sweep and for the clean-up, rows decide the rest.

Two beats are harmless, and so is none for a while. RedBeat keeps one of them silent with a
lock; it gives up when Redis forgets that lock, and the supervisor starts it again.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab, schedule
from redbeat import RedBeatScheduler

from pipeline_engine.config import Settings
from pipeline_engine.dispatch import RETENTION, SWEEP


class PipelineScheduler(RedBeatScheduler):
    """RedBeat under our own name, so that the Procfile names nothing that may change."""


def static_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """What beat rings for, whatever users schedule."""
    every = settings.sweep_interval_seconds
    return {
        SWEEP: {
            "task": SWEEP,
            "schedule": schedule(run_every=every),
            # A sweep that waited behind a long queue is as good as the newest one.
            "options": {"queue": "fast", "expires": max(10 * every, 10)},
        },
        RETENTION: {
            "task": RETENTION,
            "schedule": cleanup_schedule(settings.cleanup_schedule),
            "options": {"queue": "io"},
        },
    }


def cleanup_schedule(expression: str) -> crontab:
    """The five fields of a cron expression as Celery's; 7 is Sunday there, too."""
    minute, hour, day, month, weekday = expression.split()
    return crontab(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday.replace("7", "0"),
    )
