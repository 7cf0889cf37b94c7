"""The page on which people answer what waits for them in an execution."""

from __future__ import annotations

from uuid import UUID

from flask import Flask, render_template

from .api import BASE
from .api.auth import open_to_everybody


def install(app: Flask) -> None:
    """Serve the page; it needs no token, and asks for one before it shows anything."""

    @open_to_everybody
    def page(execution_id: UUID) -> str:
        return render_template("approvals.html", api=BASE, execution_id=execution_id)

    app.add_url_rule("/approvals/<uuid:execution_id>", view_func=page, endpoint="approvals_page")
