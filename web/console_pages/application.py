"""The built application: one page for all paths of the console, and what it loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, redirect, request, send_from_directory

from ..api.auth import open_to_everybody
from ..api.cookies import SESSION, cookie_of, csrf_token
from .answers import blueprint, page
from .goals import START, sign_in_before
from .sign_in import signed_in

BUILT = Path(__file__).parents[1] / "static" / "console"
EXTENSION = "pipeline_engine_console"
YEAR_SECONDS = 365 * 24 * 3600
ELSEWHERE = frozenset({"cross-site", "same-site"})


def install(app: Flask, built: Path) -> None:
    """Deliver what was *built*; it may come while we run."""
    app.extensions[EXTENSION] = built
    pages = blueprint("console_pages")

    @open_to_everybody
    def show(path: str = "") -> Any:
        if signed_in() is None:
            return _sent_to_sign_in()
        if not path:
            return redirect(START)
        return _application(built / "index.html")

    @open_to_everybody
    def asset(filename: str) -> Any:
        found = send_from_directory(built / "assets", filename, max_age=YEAR_SECONDS)
        # Its name has a hash of what is in it.
        found.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return found

    pages.add_url_rule("/", view_func=show)
    pages.add_url_rule("/<path:path>", view_func=show)
    pages.add_url_rule("/assets/<path:filename>", view_func=asset)
    app.register_blueprint(pages)
    # The folder is below that of other files; its page is for those who are signed in.
    app.add_url_rule("/static/console/<path:filename>", view_func=_nothing, endpoint="no_page")


def is_built(app: Flask) -> bool:
    """Whether there are pages to be delivered."""
    built: Path = app.extensions[EXTENSION]
    return (built / "index.html").is_file()


def _application(index: Path) -> Any:
    if not index.is_file():
        secret = cookie_of(request.headers, SESSION) or ""
        return page("not_built.html", 503, csrf=csrf_token(secret))
    return Response(index.read_bytes(), content_type="text/html; charset=utf-8")


def _sent_to_sign_in() -> Any:
    """Ask who it is; with a link on another site a browser sends no cookie, even if it has one."""
    goal = sign_in_before(request.full_path.rstrip("?"))
    if request.headers.get("Sec-Fetch-Site") in ELSEWHERE:
        return page("arriving.html", goal=goal)
    return redirect(goal)


@open_to_everybody
def _nothing(filename: str) -> Any:  # noqa: ARG001  (Flask's)
    abort(404)
