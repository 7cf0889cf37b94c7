"""The plain route behind the engine's door: what the web processes of the row import."""

from __future__ import annotations

from pipeline_engine_web.door import Behind, Door
from pipeline_engine_web.door.limits import Limits

from benchmarks.plain_route import make_app
from pipeline_engine.services.health import unknown

door = Door(
    Behind(
        app=make_app(),
        look=lambda: unknown("not looked at"),
        ended=lambda _: (),
        news=lambda _: (),
        stop=lambda: None,
    ),
    Limits(),
)
