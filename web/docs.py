"""The OpenAPI document, and a page of our own that shows it: no foreign scripts."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Flask, Response, jsonify, render_template

from .api.auth import open_to_everybody
from .openapi import ProblemApi, completed


def install(app: Flask, api: ProblemApi) -> None:
    """Serve the document at both places where clients look for it, and the page."""
    pages = Blueprint("docs", __name__)

    @cache
    def document() -> dict[str, object]:
        return completed(app, api.spec.to_dict())

    @open_to_everybody
    def openapi() -> Response:
        return jsonify(document())

    @open_to_everybody
    def page() -> str:
        return render_template("docs.html")

    pages.add_url_rule("/openapi.json", view_func=openapi)
    pages.add_url_rule("/api/v1/openapi.json", endpoint="openapi_v1", view_func=openapi)
    pages.add_url_rule("/docs", view_func=page)
    app.register_blueprint(pages)
