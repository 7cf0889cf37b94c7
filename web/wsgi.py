"""What gunicorn serves; imported after the fork, so that no connection is shared."""

from __future__ import annotations

from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime, calm_the_collector
from pipeline_engine.services.logs import configure_logging

from .app import create_app

settings = Settings.from_env()
configure_logging(settings)
app = create_app(Runtime.start(settings))
calm_the_collector()
