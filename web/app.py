"""The Flask application: what every request passes, and the parts that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson
from flask import Flask, Request
from flask.json.provider import DefaultJSONProvider

from pipeline_engine.services import Runtime

from . import api, approvals, console_pages, docs, front
from .api import auth, context, errors, headers, names, rate_limits, recording, trigger
from .console_pages.application import BUILT
from .openapi import make_api

Function = TypeVar("Function", bound=Callable[..., Any])


class KeptRequest(Request):
    """A request whose bytes are there whoever has read its form before: signatures are of them."""

    def _get_stream_for_parsing(self) -> IO[bytes]:
        self.get_data(cache=True)
        return super()._get_stream_for_parsing()


class Application(Flask):
    """Flask for views that are ordinary functions (docs/adr/0009)."""

    request_class = KeptRequest

    def ensure_sync(self, func: Function) -> Function:
        """Return *func* as it is. Flask asks for each hook and each decorator, every time."""
        return func


class OrjsonProvider(DefaultJSONProvider):
    """Writes JSON fast, and keeps the order of keys."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return *obj* as compact JSON."""
        return orjson.dumps(obj, default=self.default).decode()


def create_app(runtime: Runtime, *, console: Path = BUILT) -> Flask:
    """Make the application around *runtime*; it opens no connection before the first request.

    *console* is the folder of its built pages.
    """
    app = Application(__name__)
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would be HTML, and lose the body of a POST
    app.config.update(
        # Deliveries have a limit of their own, see ``bodies.limit_deliveries``.
        MAX_CONTENT_LENGTH=runtime.settings.max_body_bytes,
        PROPAGATE_EXCEPTIONS=False,
    )
    names.install(app)
    context.install(app, runtime)
    recording.install(app, runtime)
    headers.install(app)
    auth.install(app, runtime)
    rate_limits.install(app, runtime)
    trigger.install(app, runtime)
    if runtime.settings.reload:
        app.before_request(runtime.take_over_changes)
    smorest = make_api(app)
    errors.install(app)
    api.install(app, smorest)
    docs.install(app, smorest)
    approvals.install(app)
    console_pages.install(app, console)
    front.install(app, runtime.settings.flower_url)
    return app
