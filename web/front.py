"""What is at ``/``: where everything else is, as a page for browsers and as JSON for programs."""

from __future__ import annotations

from flask import Flask, Response, jsonify, render_template, request

from pipeline_engine.services.health import SERVICE, VERSION

from .api import BASE
from .api.auth import open_to_everybody
from .console_pages.application import is_built
from .console_pages.goals import START

FORMS = ("application/json", "text/html")  # the first is for who does not care


def install(app: Flask, flower_url: str | None) -> None:
    """Serve the front page; it needs no token, and leads people to the console where it is."""
    links = {
        "api": BASE,
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
        "ready": "/ready",
    }
    if flower_url:
        links["flower"] = flower_url

    @open_to_everybody
    def front() -> Response:
        is_read = request.accept_mimetypes.best_match(FORMS) == "text/html"
        if is_read and is_built(app):
            answer = Response(status=302, headers={"Location": START})
        elif is_read:
            answer = Response(render_template("front.html", version=VERSION, links=links))
        else:
            answer = jsonify({"service": SERVICE, "version": VERSION, "links": links})
        answer.vary.add("Accept")
        return answer

    app.add_url_rule("/", view_func=front)
