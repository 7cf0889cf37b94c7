"""What beat rings for, and when."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.schedules import crontab, schedule

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.messages import RETENTION, SWEEP, SYSTEM


def set_beat_up(app: Celery, settings: Settings) -> None:
    """Tell *app* what a beat with it rings for, and that RedBeat keeps a second one silent."""
    app.conf.beat_schedule = static_schedule(settings)
    app.conf.beat_scheduler = "pipeline_engine.beat.scheduler:PipelineScheduler"


def static_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """What beat rings for, whatever users schedule."""
    every = settings.sweep_interval_seconds
    return {
        SWEEP: {
            "task": SWEEP,
            "schedule": schedule(run_every=every),
            # A sweep that waited while no worker lived is as good as the newest one.
            "options": {"queue": SYSTEM, "expires": max(10 * every, 10)},
        },
        RETENTION: {
            "task": RETENTION,
            "schedule": cleanup_schedule(settings.cleanup_schedule),
            "options": {"queue": SYSTEM},
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
