"""Names in paths: what is a word of the API itself names nothing of a user."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import Map, UnicodeConverter

#: Last parts of paths that stand where a name could: ``/executions/run``.
OWN_WORDS = ("run", "validate")


class Name(UnicodeConverter):
    """One part of a path that is not a word of ours: so ``GET /executions/run`` is a 405."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:  # noqa: A002  (werkzeug's)
        super().__init__(map, *args, **kwargs)
        self.regex = rf"(?!(?:{'|'.join(OWN_WORDS)})(?:/|$)){self.regex}"


def install(app: Flask) -> None:
    """Read every ``<name>`` of a rule in this way; before the routes are registered."""
    app.url_map.converters = {**app.url_map.converters, "default": Name, "string": Name}
