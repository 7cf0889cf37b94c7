"""What gunicorn serves; imported after the fork, so that no connection is shared."""

from __future__ import annotations

from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime

from .app import create_app

app = create_app(Runtime.start(Settings.from_env()))
