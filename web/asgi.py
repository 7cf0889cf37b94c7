"""What the web processes serve: made before they are forked, and connected to nothing by then."""

from __future__ import annotations

from functools import partial

from pipeline_engine.config import Settings
from pipeline_engine.logs import configure_logging
from pipeline_engine.services import Runtime, tune_gc
from pipeline_engine.services.executions import ended

from .api.context import PROBE
from .api.telling import Teller
from .app import create_app
from .door import Behind, Door
from .door.limits import Limits

settings = Settings.from_env()
configure_logging(settings)
runtime = Runtime.start(settings)
app = create_app(runtime)
door = Door(
    Behind(
        app=app,
        look=app.extensions[PROBE].look,
        ended=partial(ended, runtime),
        news=Teller(runtime).look,
        stop=runtime.stop,
    ),
    Limits.of(settings),
)
tune_gc()
