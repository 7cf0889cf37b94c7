"""``python -m pipeline_engine.beat``: one beat, with nothing loaded that only workers need."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import setup_logging

from pipeline_engine.beat.schedule import set_beat_up
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.logs import configure_logging


def main() -> None:
    """Ring until told to stop."""
    settings = Settings.from_env()

    def set_up_logging(**_: Any) -> None:
        configure_logging(settings)

    setup_logging.connect(set_up_logging, weak=False)
    app: Celery = make_celery(settings)
    set_beat_up(app, settings)
    app.Beat(loglevel=settings.log_level, quiet=True).run()


if __name__ == "__main__":
    main()
